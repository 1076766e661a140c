import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';

import type { ContainerSpec, ServicePlan } from '../src/container/spec';
import { asInputs } from './inputs';
import { known, orNever, unknown } from './outputs';
import { tokens } from './tokens';

/** What a {@link Service} is made of. */
export interface ServiceArgs {
  /** The planned containers. */
  readonly plan: ServicePlan;
  /** Networks of the stack by their name, so that a replaced network replaces the containers in it. */
  readonly networks: ReadonlyMap<string, docker.Network>;
  /** Volumes of the stack by their name. */
  readonly volumes: ReadonlyMap<string, docker.Volume>;
  /** Resolves to the containers of the services that this one starts after, once those are ready; rejects if one fails. */
  readonly after: Promise<pulumi.Resource[]>;
  /** Rejects when the program has failed and the process goes on: containers that still wait are given up. */
  readonly givenUp: Promise<never>;
  /** Containers with which this service's containers are to be replaced (depends_on with restart: true). */
  readonly replaceWith: readonly pulumi.Resource[];
  /** ID of the first container of another service, for shared namespaces. */
  readonly idOf: (service: string) => pulumi.Input<string>;
  /** Runs before a container is created. */
  readonly beforeCreate: pulumi.ResourceHook;
  /** Waits until a container is ready. Not called in a preview. */
  readonly waitUntilReady: (containerId: string) => Promise<void>;
}

/** Provider properties of which it records a change without acting on it: only a new container has the new value. */
const recordedOnly = ['tmpfs', 'init', 'rm', 'cpuPeriod', 'cpuQuota', 'healthcheck'];

/** Properties that can hold a secret, of which the config hash tells nothing: their own change is what counts. */
const canHoldSecrets = ['command', 'entrypoints', 'envs', 'healthcheck', 'labels', 'logOpts', 'uploads'];

const needNewContainer = [...new Set([...recordedOnly, ...canHoldSecrets])];

/** One service of a compose file: its containers, and the knowledge of when they are ready. */
export class Service extends pulumi.ComponentResource {
  readonly containers: readonly docker.Container[];
  /** Resolves to the containers once they may be created. Rejects if they never will be: a dependency did not get ready. */
  readonly started: Promise<pulumi.Resource[]>;
  /** Resolves to the containers once all of them are ready (in a preview at once). Rejects if one does not get ready. */
  readonly ready: Promise<pulumi.Resource[]>;

  constructor(name: string, args: ServiceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    const { plan } = args;
    super(tokens.service, name, { image: plan.reference, replicas: plan.containers.length, ...notInDiff(plan) }, opts);
    this.containers = plan.containers.map(
      (spec) =>
        new docker.Container(spec.name, this.#inputs(spec, args), {
          parent: this,
          dependsOn: pulumi
            .output(Promise.race([orNever(args.after), args.givenUp]))
            .apply((ready) => [...ready, ...mountedVolumes(spec, args)]),
          replaceWith: [...args.replaceWith],
          ...whenAnyChanges(networkIds(spec, args)),
          deleteBeforeReplace: true,
          replaceOnChanges: needNewContainer,
          ignoreChanges: [...plan.readBackDiffers],
          hooks: { beforeCreate: [args.beforeCreate] },
        }),
    );
    this.started = args.after.then(() => [...this.containers]);
    this.ready = pulumi.runtime.isDryRun() ? Promise.resolve([...this.containers]) : this.#becomeReady(args);
    // Whoever needs the service awaits one of these; a failure that nobody has awaited yet is not an unhandled one.
    this.started.catch(() => undefined);
    this.ready.catch(() => undefined);
  }

  /**
   * The SDK calls this for each component. Pulumi writes its whole state down for it, before the first container of an update
   * is touched; and what there is to tell of a service stands among the stack's outputs.
   */
  protected override registerOutputs(): void {
    // Nothing is told.
  }

  async #becomeReady({ waitUntilReady }: ServiceArgs): Promise<pulumi.Resource[]> {
    await this.started;
    await Promise.all(this.containers.map(async (container) => waitUntilReady(await known(container.id))));
    return [...this.containers];
  }

  #inputs(spec: ContainerSpec, args: ServiceArgs): docker.ContainerArgs {
    const networksAdvanced = spec.networksAdvanced?.map((network) => ({
      ...network,
      name: args.networks.get(network.name)?.name ?? network.name,
    }));
    const inputs = asInputs(
      { ...spec, ...(networksAdvanced && { networksAdvanced }) },
      args.idOf,
    ) as docker.ContainerArgs;
    // In a preview the image may still have to be pulled or built: its ID is not known yet.
    return spec.image === undefined ? { ...inputs, image: unknown() } : inputs;
  }
}

/**
 * What a diff of the containers does not show, so that a preview shows it on the service: limits that are set on the
 * running container, and properties whose diff is ignored because the engine reads them back in another form.
 */
function notInDiff({ containers: [first], limits, readBackDiffers }: ServicePlan): Record<string, unknown> {
  const ignored = readBackDiffers.flatMap((key): [string, unknown][] => {
    const value: unknown = first?.[key as keyof ContainerSpec];
    return value === undefined ? [] : [[key, value]];
  });
  return { ...Object.fromEntries(ignored), ...(Object.keys(limits).length > 0 && { limits }) };
}

/** A network that is made anew, by an update or by somebody's hand, has lost its containers, whatever its name. */
function networkIds(spec: ContainerSpec, args: ServiceArgs): pulumi.Output<string>[] {
  return (spec.networksAdvanced ?? []).flatMap(({ name }) => args.networks.get(name)?.id ?? []);
}

function whenAnyChanges(ids: pulumi.Output<string>[]): pulumi.CustomResourceOptions {
  return ids.length === 0 ? {} : { replacementTrigger: pulumi.all(ids) };
}

function mountedVolumes(spec: ContainerSpec, args: ServiceArgs): pulumi.Resource[] {
  return (spec.mounts ?? []).flatMap((mount) => {
    const volume = mount.source === undefined ? undefined : args.volumes.get(mount.source);
    return volume ? [volume] : [];
  });
}
