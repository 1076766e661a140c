import { createHash } from 'node:crypto';

import { locate } from '../compose/locate';
import type { ComposeProject } from '../compose/load';
import { isOneShot, replicasOf } from '../compose/order';
import { mebibyte } from '../compose/units';
import type { Problem } from '../errors';
import type { KeptFile } from '../store/files';
import { anonymousVolumeName } from './anonymous-volumes';
import { serviceKeys } from './keys';
import { graceSeconds } from './keys/lifecycle';
import { setupLabels } from './labels';
import type { EngineFacts, ImageFacts, MappingContext } from './mapping';
import type { ContainerSpec, LiveLimits, ServicePlan } from './spec';

/** What is needed to plan the containers of a project. */
export interface PlanInput {
  readonly project: ComposeProject;
  readonly engine: EngineFacts;
  /** Facts of each service's image, by service; missing in a preview while an image still has to be made. */
  readonly images: ReadonlyMap<string, ImageFacts>;
  readonly kept: ReadonlyMap<string, KeptFile>;
  /** Name of the Pulumi stack (`project/stack`), put on every container. */
  readonly stack: string;
  /** Environment keys declared harmless, by service. */
  readonly shown: Readonly<Record<string, readonly string[]>>;
  /** Environment keys declared secret, by service. */
  readonly hidden: Readonly<Record<string, readonly string[]>>;
  /** Every secret value of the project. */
  readonly secrets: ReadonlySet<string>;
}

/** All services' containers, and everything that was found wrong or worth a warning. */
export interface ProjectPlan {
  readonly services: readonly ServicePlan[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** Names of a service's containers, as docker compose names them. */
export function containerNames(project: string, service: string, replicas: number, fixed?: string): string[] {
  if (fixed !== undefined && replicas === 1) return [fixed];
  return Array.from({ length: replicas }, (_, index) => `${project}-${service}-${index + 1}`);
}

/** Turns a compose project into containers. Pure but for reading seccomp profiles. */
export function planProject(input: PlanInput): ProjectPlan {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const services = Object.keys(input.project.model.services)
    .sort()
    .map((service) => planService(service, input, problems, warnings));
  return { services, problems, warnings };
}

function planService(service: string, input: PlanInput, problems: Problem[], warnings: string[]): ServicePlan {
  const { project } = input;
  const { model } = project;
  const definition = model.services[service]!;
  const replicas = replicasOf(definition);
  if (definition.container_name !== undefined && replicas > 1) {
    problems.push({
      code: 'compose/unsupported',
      message: `${locate(project.files, service, 'container_name')}: service ${service} has ${replicas} containers but one fixed container_name.`,
      fix: 'Remove container_name or scale to 1.',
    });
  }
  const limits: LiveLimits = {};
  const readBackDiffers = new Set<string>();
  const image = input.images.get(service);
  const oneShot = isOneShot(model, service);

  const contextOf = (containerName: string, number: number): MappingContext => ({
    service,
    definition,
    model,
    engine: input.engine,
    image,
    number,
    containerName,
    secrets: input.secrets,
    shown: input.shown[service] ?? [],
    hidden: input.hidden[service] ?? [],
    kept: input.kept,
    environment: project.environment,
    limits,
    readBackDiffers,
    refuse(key, why, fix, code = 'compose/unsupported') {
      if (number > 1) return; // said once, for the first container
      const message = `${locate(project.files, service, key)}: service ${service}: ${key} ${why}.`;
      problems.push({ code, message, fix });
    },
    warn(key, why) {
      if (number === 1) warnings.push(`service ${service}: ${key}: ${why}`);
    },
  });

  const containers = containerNames(model.name, service, replicas, definition.container_name).map((name, index) =>
    planContainer(contextOf(name, index + 1), input, oneShot),
  );
  return {
    service,
    reference: definition.image ?? `${model.name}-${service}`,
    containers,
    limits,
    readBackDiffers: [...readBackDiffers].sort(),
    oneShot,
  };
}

const knownKeys = new Set(serviceKeys.map((mapping) => mapping.key));

function planContainer(context: MappingContext, input: PlanInput, oneShot: boolean): ContainerSpec {
  const spec: ContainerSpec = {
    name: context.containerName,
    image: context.image?.id,
    labels: [],
    // Stated, so that a policy that comes or goes is a change like any other, which needs no new container.
    restart: 'no',
    maxRetryCount: 0,
    mustRun: !oneShot,
    removeVolumes: false,
    destroyGraceSeconds: graceSeconds(context.definition),
  };
  for (const key of Object.keys(context.definition)) {
    if (key.startsWith('x-') || knownKeys.has(key)) continue;
    context.refuse(key, 'is not known to Rewind', 'Remove it, or report it as missing.');
  }
  for (const { key, apply } of serviceKeys) {
    const value = context.definition[key];
    if (value !== null && value !== undefined) apply?.(value, spec, context);
  }
  warnOfExposedPorts(context);
  keepImageVolumes(spec, context);
  limitSwap(spec, context);
  setupLabels(spec, context, { project: input.project, stack: input.stack, hash: configHash(spec, context.limits) });
  return spec;
}

function warnOfExposedPorts({ definition, warn }: MappingContext): void {
  const published = new Set((definition.ports ?? []).map((port) => String(port.target)));
  const rest = ((definition['expose'] as string[] | undefined) ?? []).filter(
    (port) => !published.has(port.split('/')[0]!),
  );
  if (rest.length > 0)
    warn('expose', `${rest.join(', ')} is not listed on the container; its networks reach it all the same`);
}

/** Gives each VOLUME of the image that nothing is mounted on a lasting volume, see {@link anonymousVolumeName}. */
function keepImageVolumes(spec: ContainerSpec, context: MappingContext): void {
  const taken = new Set([
    ...(spec.mounts ?? []).map((mount) => mount.target),
    ...(spec.volumes ?? []).map((volume) => volume.containerPath),
    ...Object.keys(spec.tmpfs ?? {}),
  ]);
  for (const target of context.image?.volumes ?? []) {
    if (taken.has(target)) continue;
    const source = anonymousVolumeName(context.containerName, target);
    (spec.mounts ??= []).push({ type: 'volume', source, target, readOnly: false });
  }
}

/** States the swap limit that the engine sets by itself (as much swap as memory), so that a refresh finds no other. */
function limitSwap(spec: ContainerSpec, { engine, limits }: MappingContext): void {
  if (spec.memory === undefined || spec.memorySwap !== undefined) return;
  const bytes = limits.Memory ?? spec.memory * mebibyte;
  spec.memorySwap = engine.swapLimit ? Math.floor((bytes * 2) / mebibyte) : -1;
}

/** Properties that the engine can change on a running container: a new value needs no new container. */
const changeableLive = ['restart', 'maxRetryCount', 'cpuShares', 'cpuSet', 'memory', 'memoryReservation', 'memorySwap'];

/**
 * A hash of everything that needs a new container when it changes. It stands in the label that docker compose uses
 * for the same purpose: some properties of the provider take a change without acting on it (tmpfs, init), or do not
 * notice that a value was removed (command), and a changed label always makes a new container. A secret value
 * goes in as a mask (only its presence counts): the properties that hold them notice a change themselves.
 */
export function configHash(spec: ContainerSpec, limits: LiveLimits): string {
  const presence = changeableLive.filter((key) => spec[key as keyof ContainerSpec] !== undefined);
  const entries = Object.entries({ ...spec, present: presence, limited: Object.keys(limits) })
    .filter(([key]) => !changeableLive.includes(key) && key !== 'image' && key !== 'destroyGraceSeconds')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries, inOrder)).digest('hex');
}

/** Puts the keys of an object in order. */
function inOrder(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
