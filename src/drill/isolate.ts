import type { ComposeModel, ComposeMount, ComposeNetwork, ComposeService, ComposeVolume } from '../compose/model';

/** A copy of a compose project that shares nothing writable with it, and what is different in it. */
export interface Isolated {
  readonly model: ComposeModel;
  /** What a service finds otherwise than in the real project, a line each. */
  readonly notes: readonly string[];
}

/** What decides how a project is copied. */
export interface IsolateOptions {
  /** Name of the copy. */
  readonly name: string;
  /** Services that are left out. */
  readonly without: readonly string[];
  /** By service, the immutable ID of its image. */
  readonly images: Readonly<Record<string, string>>;
  /** Absolute paths of files and folders that the store has a copy of. */
  readonly kept: ReadonlySet<string>;
}

/**
 * Copies a compose project for a drill: under a name of its own, with networks that lead nowhere outside, new volumes, no
 * published ports, images by ID, and none of the labels by which others, such as reverse proxies, would find it.
 */
export function isolate(model: ComposeModel, { name, without, images, kept }: IsolateOptions): Isolated {
  const notes: string[] = [];
  const extra: Record<string, ComposeVolume> = {};
  const services = Object.entries(model.services)
    .filter(([service]) => !without.includes(service))
    .map(([service, definition]): [string, ComposeService] => {
      const mounts = (definition.volumes ?? []).map((mount, at) => {
        const [copied, volume] = isolatedMount(mount, `${service}-${at}`, kept);
        if (!volume) return copied;
        extra[volume] = { name: `${name}_${volume}` };
        notes.push(`${service} finds nothing in ${mount.target}: ${mount.source} is not shared with it`);
        return copied;
      });
      if (sharesHost(definition)) notes.push(`${service} does not share the network of this machine`);
      return [service, isolatedService(definition, images[service], mounts, without)];
    });
  return {
    model: {
      ...model,
      name,
      services: Object.fromEntries(services),
      networks: Object.fromEntries(
        Object.entries({ default: null, ...model.networks }).map(([network, definition]) => [
          network,
          isolatedNetwork(name, network, definition),
        ]),
      ),
      volumes: {
        ...Object.fromEntries(
          Object.entries(model.volumes).map(([volume, definition]) => [
            volume,
            { name: `${name}_${volume}`, ...(definition?.driver === 'local' && { driver: 'local' }) },
          ]),
        ),
        ...extra,
      },
    },
    notes,
  };
}

/** Keys that reach out of the copy, or let others reach into it. */
const dropped = ['ports', 'container_name', 'labels', 'logging', 'build', 'pull_policy', 'external_links', 'links'];

function isolatedService(
  definition: ComposeService,
  image: string | undefined,
  mounts: readonly ComposeMount[],
  without: readonly string[],
): ComposeService {
  const isHost = sharesHost(definition);
  const reaching = isHost ? [...dropped, 'network_mode'] : dropped;
  const kept: ComposeService = Object.fromEntries(
    Object.entries(definition).filter(([key]) => !reaching.includes(key)),
  );
  const dependencies = Object.entries(definition.depends_on ?? {}).filter(([name]) => !without.includes(name));
  const networks = Object.entries(definition.networks ?? {}).map(([network, use]) => [
    network,
    use?.aliases ? { aliases: use.aliases } : null,
  ]);
  return {
    ...kept,
    ...(image !== undefined && { image }),
    ...(definition.depends_on && { depends_on: Object.fromEntries(dependencies) }),
    ...(definition.networks && { networks: Object.fromEntries(networks) as ComposeService['networks'] }),
    ...(isHost && { networks: { default: null } }),
    ...(mounts.length > 0 && { volumes: mounts }),
  };
}

function sharesHost({ network_mode: mode }: ComposeService): boolean {
  return mode === 'host';
}

/** @returns the mount, and the name of a volume that takes the place of what is not shared */
function isolatedMount(
  mount: ComposeMount,
  name: string,
  kept: ReadonlySet<string>,
): [ComposeMount, string | undefined] {
  const { type, source, target, read_only: readOnly = false } = mount;
  if (type !== 'bind' || source === undefined || kept.has(source)) return [mount, undefined];
  // A socket is a way out, however it is mounted.
  if (readOnly && !/\.sock$/.test(source)) return [mount, undefined];
  const volume = `drill-${name}`;
  return [{ type: 'volume', source: volume, target }, volume];
}

/** One of its own, from which nothing outside can be reached. */
function isolatedNetwork(name: string, network: string, definition: ComposeNetwork | null): ComposeNetwork {
  const { enable_ipv6: v6 } = definition ?? {};
  return { name: `${name}_${network}`, internal: true, ...(v6 !== undefined && { enable_ipv6: v6 }) };
}
