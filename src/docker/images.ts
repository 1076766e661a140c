import type Docker from 'dockerode';

import { runCompose } from '../compose/command';
import type { ComposeProject } from '../compose/load';
import { familiar, repositoryOf, withDefaultTag, withoutIdleTag } from '../compose/image-reference';
import type { ImageFacts, ImageHealthcheck } from '../container/mapping';
import { type Problem, RewindError } from '../errors';
import { run } from '../process';
import { type Inventory, takeInventory } from './inventory';
import { engineMessage, ignoring } from './refusal';

/** Images of a project's services. */
export interface ResolvedImages {
  /** By service. Lacks the services whose image still has to be pulled or built. */
  readonly facts: ReadonlyMap<string, ImageFacts>;
  /** Services whose image is to be built, and references that are to be pulled, when the update runs. */
  readonly toBuild: readonly string[];
  readonly toPull: readonly string[];
  readonly problems: readonly Problem[];
}

/** The name of a service's image; a service that is only built gets the name that compose gives it. */
export function imageReference(project: ComposeProject, service: string): string {
  return project.model.services[service]!.image ?? `${project.model.name}-${service}`;
}

/** The ID under which the engine has an image, if it has it. */
export function localImageId(inventory: Inventory, reference: string): string | undefined {
  const names = [familiar(reference), reference].map((name) => withDefaultTag(withoutIdleTag(name)));
  return inventory.images.get(names[0]!) ?? inventory.images.get(names[1]!);
}

/**
 * Finds every service's image and decides, as docker compose does, what has to be pulled or built.
 *
 * @param overridden services whose image comes from `rewind:tags`: such an image is never built from today's source
 * @param pins image IDs by reference, from `rewind:images`: the reference is not looked up
 */
export async function resolveImages(
  docker: Docker,
  project: ComposeProject,
  inventory: Inventory,
  overridden: ReadonlySet<string>,
  pins: Readonly<Record<string, string>> = {},
): Promise<ResolvedImages> {
  const ids = new Map<string, string>();
  const toBuild: string[] = [];
  const wanted = new Map<string, string[]>();
  const problems: Problem[] = [];

  for (const [service, definition] of Object.entries(project.model.services)) {
    const reference = imageReference(project, service);
    const pin = pins[reference];
    if (pin !== undefined) {
      if (inventory.images.has(pin)) ids.set(service, pin);
      else problems.push(missingPin(reference, pin, service));
      continue;
    }
    const id = localImageId(inventory, reference);
    const policy = definition.pull_policy;
    const canBuild = definition.build !== undefined && !overridden.has(service);
    if (canBuild && (id === undefined || policy === 'build')) toBuild.push(service);
    else if (id === undefined && policy !== 'never' && !reference.startsWith('sha256:')) {
      wanted.set(reference, [...(wanted.get(reference) ?? []), service]);
    } else if (id !== undefined) {
      ids.set(service, id);
      if (policy === 'always' && !overridden.has(service))
        wanted.set(reference, [...(wanted.get(reference) ?? []), service]);
    } else problems.push(missingImage(reference, [service], inventory, 'it is not on this engine'));
  }

  const toPull: string[] = [];
  await Promise.all(
    [...wanted].map(async ([reference, services]) => {
      const reason = await unreachableInRegistry(docker, reference);
      if (reason === undefined) toPull.push(reference);
      else if (services.some((service) => !ids.has(service))) {
        problems.push(
          missingImage(reference, services, inventory, `it is not on this engine, and cannot be pulled: ${reason}`),
        );
      }
    }),
  );
  return { facts: await factsOf(docker, ids), toBuild, toPull: toPull.sort(), problems };
}

/** Why a registry does not give an image; undefined if it does. Asks for the manifest only. */
async function unreachableInRegistry(docker: Docker, reference: string): Promise<string | undefined> {
  try {
    await docker.getImage(reference).distribution();
    return undefined;
  } catch (error) {
    const reason = engineMessage(error);
    // The engine itself may lack the credentials that `docker pull` has: only a plain no counts as one.
    return /unauthorized|authentication required|denied/i.test(reason) && /[./]/.test(reference.split('/')[0]!)
      ? undefined
      : reason;
  }
}

function missingPin(reference: string, id: string, service: string): Problem {
  return {
    code: 'docker/missing-image',
    message: `The image ${reference} of ${service} is pinned to ${id}, which is not on this engine any more.`,
    fix: `Load or pull that very image, or take what the tag is now: pulumi config rm --path 'rewind:images["${reference}"]'.`,
  };
}

function missingImage(reference: string, services: string[], inventory: Inventory, reason: string): Problem {
  const repository = familiar(repositoryOf(reference));
  const others = [...inventory.images.keys()].filter((name) => name.startsWith(`${repository}:`)).sort();
  return {
    code: 'docker/missing-image',
    message: `The image ${reference} of ${services.join(', ')} is missing: ${reason}.`,
    fix: `Build or load it, or choose one that is there${others.length > 0 ? ` (${others.join(', ')})` : ''}: pulumi config set --path rewind:tags.${services[0]} <tag>.`,
  };
}

async function factsOf(docker: Docker, ids: ReadonlyMap<string, string>): Promise<Map<string, ImageFacts>> {
  const byId = new Map<string, Promise<ImageFacts>>();
  for (const id of ids.values()) if (!byId.has(id)) byId.set(id, inspectImage(docker, id));
  return new Map(await Promise.all([...ids].map(async ([service, id]) => [service, await byId.get(id)!] as const)));
}

/**
 * Those of some images that the engine does not have. To ask for each takes less than to have all listed.
 *
 * @param ids - immutable IDs
 */
export async function imagesNotThere(docker: Docker, ids: ReadonlySet<string>): Promise<Set<string>> {
  const found = [...ids].map(async (id) => ((await ignoring(404, docker.getImage(id).inspect())) ? [] : [id]));
  return new Set((await Promise.all(found)).flat());
}

async function inspectImage(docker: Docker, id: string): Promise<ImageFacts> {
  const { Config: config } = (await docker.getImage(id).inspect()) as { Config?: ImageConfig };
  return imageFacts(id, config);
}

/** What of an image's configuration matters to its containers. @param config - undefined if that is not known */
export function imageFacts(id: string, config: ImageConfig | undefined): ImageFacts {
  return {
    id,
    volumes: Object.keys(config?.Volumes ?? {}),
    ...(config?.Entrypoint && { entrypoint: config.Entrypoint }),
    ...(config?.Healthcheck && { healthcheck: healthcheckOf(config.Healthcheck) }),
  };
}

interface ImageConfig {
  readonly Volumes?: object | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Healthcheck?: HealthConfig | null;
}

/** A health check as the engine's API has it; times in nanoseconds, 0 where unset. */
interface HealthConfig {
  readonly Test?: string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

function healthcheckOf(config: HealthConfig): ImageHealthcheck {
  return {
    ...(config.Test && { test: config.Test }),
    ...(config.Interval && { intervalMs: config.Interval / 1e6 }),
    ...(config.Timeout && { timeoutMs: config.Timeout / 1e6 }),
    ...(config.StartPeriod && { startPeriodMs: config.StartPeriod / 1e6 }),
    ...(config.StartInterval && { startIntervalMs: config.StartInterval / 1e6 }),
    ...(config.Retries && { retries: config.Retries }),
  };
}

/**
 * Pulls and builds what an update needs, before anything of the stack is touched.
 *
 * @returns the images as they are then; the same object if there was nothing to do
 * @throws RewindError docker/missing-image, docker/build-failed
 */
export async function provideImages(
  docker: Docker,
  project: ComposeProject,
  found: ResolvedImages,
  pins: Readonly<Record<string, string>> = {},
): Promise<ResolvedImages> {
  if (found.toPull.length === 0 && found.toBuild.length === 0) return found;
  await Promise.all(found.toPull.map(pull));
  if (found.toBuild.length > 0) await build(project, found.toBuild);

  const inventory = await takeInventory(docker);
  const ids = new Map<string, string>();
  for (const service of Object.keys(project.model.services)) {
    const reference = imageReference(project, service);
    const id = pins[reference] ?? localImageId(inventory, reference);
    if (id === undefined) throw new RewindError(missingImage(reference, [service], inventory, 'it was not provided'));
    ids.set(service, id);
  }
  return { facts: await factsOf(docker, ids), toBuild: [], toPull: [], problems: [] };
}

async function pull(reference: string): Promise<void> {
  // The docker command knows the user's credential helpers.
  const pulled = await run(['docker', 'pull', '--quiet', reference]);
  if (pulled.exitCode === 0) return;
  throw new RewindError({
    code: 'docker/missing-image',
    message: `The image ${reference} cannot be pulled: ${pulled.stderr.trim()}`,
    fix: 'Log in to its registry (docker login), or load it (docker load).',
  });
}

async function build(project: ComposeProject, services: readonly string[]): Promise<void> {
  const built = await runCompose([...project.options, 'build', ...services], { cwd: project.directory });
  if (built.exitCode === 0) return;
  throw new RewindError({
    code: 'docker/build-failed',
    message: `docker compose build ${services.join(' ')} failed:\n${built.stderr.trim().split('\n').slice(-30).join('\n')}`,
    fix: 'Mend the Dockerfile; try it by hand with the same command.',
  });
}
