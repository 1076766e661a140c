import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';

import { type FoundInside, nothingInside } from '../src/actions/found-inside';
import { versionTableOf } from '../src/actions/open-database';
import type { PreparedStack } from '../src/actions/prepare-stack';
import { applyLimits, clearTheName } from '../src/docker/containers';
import { freePorts } from '../src/docker/free-ports';
import { clearTheNetworkName } from '../src/docker/networks';
import { RewindError } from '../src/errors';
import { mask } from '../src/container/project-secrets';
import { waitUntilReady } from '../src/probe/readiness';
import type { ComposeService } from '../src/compose/model';
import { followersOf } from '../src/compose/order';
import type { ContainerSpec, ServicePlan } from '../src/container/spec';
import { DataSteps } from './data-steps';
import { asInputs } from './inputs';
import type { OpSettings } from './op-command';
import type { DatabaseSettings } from '../src/settings';
import { Database } from './database';
import { orNever, unknown } from './outputs';
import { SchemaState } from './schema-state';
import { Service } from './service';
import { tellingTheFix } from './telling-the-fix';
import { tokens } from './tokens';

/** What a {@link ComposeStack} is made of. */
export interface ComposeStackArgs {
  /** The prepared stack: plain values, as the structure of a program cannot depend on outputs. */
  readonly prepared: PreparedStack;
  /** `project/stack` of Pulumi, as it stands in the containers' labels. */
  readonly stack: string;
  /** The database whose schema is part of the stack's state. @default none */
  readonly database?: DatabaseSettings;
  /** Passwords of the roles that are declared in it; undefined for one that a preview does not know yet. */
  readonly passwordOf?: (role: string) => string | undefined;
  /** What is in its server already of what is declared. @default nothing */
  readonly foundInside?: FoundInside;
  /** Bound for services whose health check sets none, in seconds. @default 300 */
  readonly readyTimeoutSeconds?: number;
  /** Whether the process goes on after the program, so that nothing of it may be left waiting. @default false */
  readonly inProcess?: boolean;
  /** Hears of a service that is ready. @default nobody */
  readonly onReady?: (service: string) => void;
  /** What the commands have in common that work on the data. Needed where something is to become of it. */
  readonly op?: OpSettings;
  /** Runs when a service's container may run: starts one that was stopped for a change of the data. @default nothing */
  readonly startStopped?: (service: string, containerId: string) => Promise<void>;
  /** Hears, in an update, that all services are ready: the data is still to be checked. @default nobody */
  readonly onStarted?: () => void;
  /** Runs when all services are ready and the data was checked, in an update. @default nothing */
  readonly afterReady?: () => Promise<void>;
  /** Runs when a service has not become ready. @default nothing */
  readonly afterFailure?: () => Promise<void>;
  /** Ends the waiting for services. @default never */
  readonly signal?: AbortSignal;
}

/** What runs, as stack output: `pulumi stack output services`. */
export interface ServiceOutput {
  /** The image as it was asked for. */
  readonly image: string;
  /** Immutable ID of the image. */
  readonly imageId: string | undefined;
}

/** A Docker Compose project on one Docker engine: its networks, volumes and services. */
export class ComposeStack extends pulumi.ComponentResource {
  readonly services: Readonly<Record<string, ServiceOutput>>;
  readonly files: Readonly<Record<string, string>>;
  /** Resolves once every service is ready; rejects with one error that tells of all that are not. */
  readonly ready: Promise<void>;

  /** Declares a stack as soon as it is prepared, and waits until all its services are ready. */
  static async whenReady(
    name: string,
    args: Promise<ComposeStackArgs>,
    opts?: pulumi.ComponentResourceOptions,
  ): Promise<ComposeStack> {
    const known = await args;
    const stack = new ComposeStack(name, known, opts);
    try {
      await stack.ready;
    } catch (error) {
      await known.afterFailure?.();
      // Where the process ends with the program, Pulumi would report the error once for each that still waits.
      if (known.inProcess) stack.#giveUp(error as Error);
      throw error;
    }
    if (!pulumi.runtime.isDryRun()) await tellingTheFix(async () => known.afterReady?.());
    return stack;
  }

  #giveUp: (error: Error) => void = () => undefined;
  readonly #givenUp = new Promise<never>((_, reject) => {
    this.#giveUp = reject;
  });

  constructor(name: string, args: ComposeStackArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super(tokens.composeStack, name, {}, opts);
    this.#givenUp.catch(() => undefined);
    const { prepared } = args;
    const networks = this.#networks(prepared);
    const volumes = this.#volumes(prepared);
    let dataChanged: (migration: pulumi.Resource) => void = () => undefined;
    const changed = new Promise<pulumi.Resource>((resolve) => (dataChanged = resolve));
    const services = this.#services(args, networks, volumes, changed);
    const { data } = prepared;
    const steps =
      data &&
      args.op &&
      new DataSteps({ data, op: args.op, services, networks, volumes, givenUp: this.#givenUp }, this);
    if (steps) dataChanged(steps.changed);

    this.services = Object.fromEntries(
      prepared.services.map(({ service, reference, containers }) => [
        service,
        { image: reference, imageId: containers[0]?.image },
      ]),
    );
    this.files = prepared.files.hashes;
    const started = allReady([...services.values()]).then(() => {
      if (!pulumi.runtime.isDryRun()) args.onStarted?.();
    });
    this.ready = started.then(() => steps?.verified);
    this.ready.catch(() => undefined);
    // Beside the verification: it starts a provider of its own, which takes as long.
    this.#schemaState(args, services, this.#insideOfDatabase(args, services), started);
    this.registerOutputs({ services: this.services, files: this.files });
  }

  #networks({ networks, engine, project }: PreparedStack): Map<string, docker.Network> {
    const beforeCreate = new pulumi.ResourceHook('rewind-clear-the-network-name', async (hook) => {
      const name = (hook.newInputs as { name?: string } | undefined)?.name;
      if (name === undefined) return;
      await tellingTheFix(() => clearTheNetworkName(engine.docker, name, project.model.name));
    });
    return new Map(
      networks.map(({ name, existing, labels, ipamConfigs, ...plan }) => {
        const inputs = { ...plan, name, labels: [...labels], ...(ipamConfigs && { ipamConfigs: [...ipamConfigs] }) };
        const adopt = existing === undefined ? {} : { import: existing };
        const hooks = { beforeCreate: [beforeCreate] };
        return [name, new docker.Network(name, inputs, { parent: this, deleteBeforeReplace: true, hooks, ...adopt })];
      }),
    );
  }

  #volumes({ volumes }: PreparedStack): Map<string, docker.Volume> {
    return new Map(
      volumes.map((plan) => [
        plan.name,
        new docker.Volume(
          plan.name,
          asInputs(plan) as docker.VolumeArgs,
          // Data outlives everything: whatever takes a volume out of the stack leaves it on the engine.
          { parent: this, retainOnDelete: true },
        ),
      ]),
    );
  }

  #services(
    args: ComposeStackArgs,
    networks: Map<string, docker.Network>,
    volumes: Map<string, docker.Volume>,
    dataChanged: Promise<pulumi.Resource>,
  ): Map<string, Service> {
    const { prepared } = args;
    const users = new Set(args.op && prepared.data ? prepared.data.users : []);
    const client = prepared.engine.docker;
    const plans = new Map(prepared.services.map((plan) => [plan.service, plan]));
    const services = new Map<string, Service>();
    const beforeCreate = new pulumi.ResourceHook('rewind-clear-the-name', async (hook) => {
      const { name, ports } = (hook.newInputs ?? {}) as Partial<ContainerSpec>;
      if (name === undefined) return;
      await tellingTheFix(async () => {
        await clearTheName(client, name, args.stack);
        await freePorts(client, ports, args.stack);
      });
    });

    for (const service of prepared.order) {
      const plan = plans.get(service)!;
      const definition = prepared.project.model.services[service]!;
      const dependencies = Object.entries(definition.depends_on ?? {}).flatMap(([name, dependency]) =>
        services.has(name) ? [{ ...dependency, service: services.get(name)! }] : [],
      );
      // docker compose makes a service depend on those whose volumes it mounts; a new container there has other ones.
      const mountedFrom = volumesFrom(definition).flatMap((name) => services.get(name) ?? []);
      services.set(
        service,
        new Service(
          service,
          {
            plan,
            networks,
            volumes,
            after: users.has(service)
              ? Promise.all([startedAfter(dependencies), dataChanged]).then(([ready, it]) => [...ready, it])
              : startedAfter(dependencies),
            givenUp: this.#givenUp,
            replaceWith: [...dependencies.flatMap((d) => (d.restart ? [d.service] : [])), ...mountedFrom].flatMap(
              ({ containers }) => containers,
            ),
            idOf: (other) => services.get(other)!.containers[0]!.id,
            beforeCreate,
            waitUntilReady: (id) => this.#waitUntilReady(id, plan, args),
          },
          { parent: this },
        ),
      );
    }
    return services;
  }

  /** Roles, databases and extensions, as soon as the server answers. */
  #insideOfDatabase(
    { prepared, database, passwordOf, foundInside }: ComposeStackArgs,
    services: ReadonlyMap<string, Service>,
  ): Database | undefined {
    const server = services.get(database?.service ?? '');
    if (!prepared.database || !server) return undefined;
    const after = this.#once(server.ready, server.containers);
    return new Database(
      `${prepared.project.model.name}-${prepared.database.database}`,
      {
        plan: prepared.database,
        passwordOf: passwordOf ?? (() => undefined),
        after,
        found: foundInside ?? nothingInside,
      },
      { parent: this },
    );
  }

  /** Looked at when all services are ready: some applications migrate when they start. */
  #schemaState(
    { prepared, stack, database }: ComposeStackArgs,
    services: ReadonlyMap<string, Service>,
    inside: Database | undefined,
    started: Promise<void>,
  ): void {
    if (!database || !services.has(database.service)) return;
    const { service, name, user, alembic } = database;
    const versionTable = versionTableOf(prepared.data?.settings ?? database);
    const target = prepared.data?.target;
    const after = [service, alembic?.service, ...followersOf(prepared.project.model, service)];
    const plans = prepared.services.filter((plan) => after.includes(plan.service));
    const containers = plans.flatMap((plan) => services.get(plan.service)?.containers ?? []);
    new SchemaState(
      service,
      {
        stack,
        service,
        ...(name !== undefined && { database: name }),
        ...(user !== undefined && { user }),
        ...(Object.keys(versionTable).length > 0 && { versionTable }),
        images: Object.fromEntries(plans.map((plan) => [plan.service, shortImage(plan)])),
        ...(target !== undefined && target !== 'unknown' && { revisions: target.revisions }),
        ...(prepared.database?.extensions.length && { extensions: prepared.database.extensions }),
      },
      {
        parent: this,
        dependsOn: this.#once(pulumi.runtime.isDryRun() ? Promise.resolve() : started, [
          ...containers,
          ...(inside ? [inside] : []),
        ]),
      },
    );
  }

  /** Containers to depend on, as soon as something is so; never, if it does not get so. */
  #once(ready: Promise<unknown>, containers: readonly pulumi.Resource[]): Promise<pulumi.Resource[]> {
    return Promise.race([orNever(ready).then(() => [...containers]), this.#givenUp]);
  }

  async #waitUntilReady(id: string, plan: ServicePlan, args: ComposeStackArgs): Promise<void> {
    const client = args.prepared.engine.docker;
    try {
      await args.startStopped?.(plan.service, id);
      await applyLimits(client, id, plan.limits);
      await waitUntilReady(client, id, {
        service: plan.service,
        oneShot: plan.oneShot,
        startsDown: true,
        ...(args.signal && { signal: args.signal }),
        ...(args.readyTimeoutSeconds !== undefined && { limitMs: args.readyTimeoutSeconds * 1000 }),
      });
      args.onReady?.(plan.service);
    } catch (error) {
      const text = error instanceof RewindError ? error.render() : String(error);
      throw new pulumi.RunError(mask(text, args.prepared.secrets));
    }
  }
}

/** An image as the engine lists it; not known while it still has to be pulled or built. */
function shortImage({ containers: [first] }: ServicePlan): pulumi.Input<string> {
  return first?.image?.slice(0, 'sha256:'.length + 12) ?? unknown();
}

/** The services whose volumes a service mounts. */
function volumesFrom(definition: ComposeService): string[] {
  const sources = (definition['volumes_from'] as readonly string[] | undefined) ?? [];
  return sources.filter((source) => !source.startsWith('container:')).map((source) => source.split(':')[0]!);
}

interface Dependency {
  readonly condition: string;
  readonly required?: boolean;
  readonly service: Service;
}

/**
 * Resolves to the containers of all dependencies, once each is in the state that its condition asks for. Rejects if one
 * that is required does not get there.
 */
async function startedAfter(dependencies: readonly Dependency[]): Promise<pulumi.Resource[]> {
  const resources = await Promise.all(
    dependencies.map(async ({ condition, required = true, service }) => {
      const reached = condition === 'service_started' ? service.started : service.ready;
      return required ? reached : reached.catch(() => []);
    }),
  );
  return resources.flat();
}

async function allReady(services: readonly Service[]): Promise<void> {
  const results = await Promise.allSettled(services.map((service) => service.ready));
  const failures = new Set(results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : [])));
  if (failures.size > 0) throw new pulumi.RunError([...failures].map((failure) => failure.message).join('\n\n'));
}
