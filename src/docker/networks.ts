import { createHash } from 'node:crypto';

import type Docker from 'dockerode';

import type { ComposeProject } from '../compose/load';
import type { ComposeNetwork } from '../compose/model';
import { composeLabel, stackLabel } from '../container/labels';
import { type Problem, RewindError } from '../errors';
import type { Inventory } from './inventory';
import { type Label, labelsOf, nonEmpty } from './labels';

/** A network of the stack: inputs of a docker.Network as plain values. */
export interface NetworkPlan extends NetworkSettings {
  readonly name: string;
  /**
   * ID of the network of this name that is there already and is what the file asks for: it is adopted if the stack
   * does not have it yet. Undefined if there is none, or if it has to make way for a new one.
   */
  readonly existing: string | undefined;
  readonly labels: readonly Label[];
}

interface NetworkSettings {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>> | undefined;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv6: boolean;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>> | undefined;
  readonly ipamConfigs: readonly AddressPool[] | undefined;
}

interface AddressPool {
  readonly subnet?: string;
  readonly gateway?: string;
  readonly ipRange?: string;
  readonly auxAddress?: Readonly<Record<string, string>>;
}

/**
 * The networks that services use, but for external ones. One that docker compose made, and that is what the file asks
 * for, is taken as it is: its labels become what is declared, so that nothing asks for a new one in its place.
 */
export function planNetworks(project: ComposeProject, inventory: Inventory, stack: string): NetworkPlan[] {
  return networksInUse(project).map(([key, network]) => {
    const settings = settingsOf(network);
    const own = { ...network.labels };
    const labels = {
      ...own,
      [composeLabel('network')]: key,
      [composeLabel('project')]: project.model.name,
      [composeLabel('config-hash')]: hashOf({ settings, own }),
      [stackLabel]: stack,
    };
    const live = inventory.networks.find((candidate) => candidate.Name === network.name);
    if (live && isOurs(live, stack)) {
      const unchanged = live.Labels?.[composeLabel('config-hash')] === labels[composeLabel('config-hash')];
      return { name: network.name, ...settings, existing: unchanged ? live.Id : undefined, labels: labelsOf(labels) };
    }
    if (live && isAsAsked(live, settings, own)) {
      return { name: network.name, ...settings, existing: live.Id, labels: labelsOf({ ...live.Labels }) };
    }
    return { name: network.name, ...settings, existing: undefined, labels: labelsOf(labels) };
  });
}

/** Networks that are there under a planned name but are not of this project, and settings that cannot be carried over. */
export function networkProblems(project: ComposeProject, inventory: Inventory, stack: string): Problem[] {
  return networksInUse(project).flatMap(([key, network]): Problem[] => {
    const live = inventory.networks.find((candidate) => candidate.Name === network.name);
    const problems: Problem[] = [];
    const owner = live?.Labels?.[stackLabel];
    if (live && (live.Labels?.[composeLabel('project')] !== project.model.name || (owner ?? stack) !== stack)) {
      problems.push({
        code: 'docker/foreign-network',
        message: `A network named ${network.name} (networks.${key} in ${project.files.at(-1)}) is there already; it is not of ${owner === undefined ? `the project ${project.model.name}` : `this stack but of ${owner}`}.`,
        fix: `Use it as it is (networks.${key}.external: true), give yours another name, or remove it: docker network rm ${network.name}.`,
      });
    }
    if (network.enable_ipv4 === false) {
      problems.push({
        code: 'compose/unsupported',
        message: `networks.${key} in ${project.files.at(-1)}: enable_ipv4: false has no counterpart in the Docker provider.`,
        fix: `Create the network by hand (docker network create --ipv4=false ${network.name}) and declare it external.`,
      });
    }
    return problems;
  });
}

/**
 * Frees the name of a network that is about to be created: removes what an engine left behind that was killed between
 * creating it and writing it down, or what docker compose made with other settings.
 *
 * @throws RewindError docker/foreign-network if the network belongs to somebody else or is in use
 */
export async function clearTheNetworkName(docker: Docker, name: string, project: string): Promise<void> {
  const found = (await docker.listNetworks()).find((network) => network.Name === name);
  if (!found) return;
  const fail = (why: string, cause?: unknown): RewindError =>
    new RewindError({
      code: 'docker/foreign-network',
      message: `The network ${name} has to be made anew, but the one that is there ${why}.`,
      fix: `Take its containers off it (docker network inspect ${name} lists them), remove it (docker network rm ${name}), then run this again.`,
      cause,
    });
  if (found.Labels?.[composeLabel('project')] !== project) throw fail(`is not of the project ${project}`);
  await docker
    .getNetwork(found.Id)
    .remove()
    .catch((error: unknown) => {
      throw fail('is in use', error);
    });
}

function networksInUse({ model }: ComposeProject): [string, ComposeNetwork][] {
  const used = new Set(Object.values(model.services).flatMap((service) => Object.keys(service.networks ?? {})));
  return Object.entries(model.networks)
    .filter(([key, network]) => used.has(key) && !network?.external)
    .map(([key, network]) => [key, network ?? { name: `${model.name}_${key}` }]);
}

function settingsOf(network: ComposeNetwork): NetworkSettings {
  const pools = network.ipam?.config?.map(
    ({ subnet, gateway, ip_range: ipRange, aux_addresses: auxAddress }): AddressPool => ({
      ...(subnet !== undefined && { subnet }),
      ...(gateway !== undefined && { gateway }),
      ...(ipRange !== undefined && { ipRange }),
      ...(auxAddress && { auxAddress }),
    }),
  );
  return {
    driver: network.driver ?? 'bridge',
    options: nonEmpty(network.driver_opts),
    internal: network.internal ?? false,
    attachable: network.attachable ?? false,
    ipv6: network.enable_ipv6 ?? false,
    ipamDriver: network.ipam?.driver ?? 'default',
    ipamOptions: nonEmpty(network.ipam?.options),
    ipamConfigs: pools && pools.length > 0 ? pools : undefined,
  };
}

function isOurs(live: Docker.NetworkInspectInfo, stack: string): boolean {
  return live.Labels?.[stackLabel] === stack;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Options that newer engines add by themselves. */
const addedByEngine = /^com\.docker\.network\.enable_ipv[46]$/;

/** Whether a network that somebody else made has every setting and label that the file asks for, and no other. */
function isAsAsked(
  live: Docker.NetworkInspectInfo,
  wanted: NetworkSettings,
  labels: Readonly<Record<string, string>>,
): boolean {
  const options = Object.entries(live.Options ?? {}).filter(([key]) => !addedByEngine.test(key));
  const pools = (live.IPAM?.Config ?? []) as unknown as LivePool[];
  return (
    live.Driver === wanted.driver &&
    live.Internal === wanted.internal &&
    live.Attachable === wanted.attachable &&
    live.EnableIPv6 === wanted.ipv6 &&
    (live.IPAM?.Driver ?? 'default') === wanted.ipamDriver &&
    areEqual(Object.fromEntries(options), wanted.options) &&
    (wanted.ipamConfigs === undefined || areEqual(pools.map(poolOf), wanted.ipamConfigs.map(withGateway(pools)))) &&
    Object.entries(labels).every(([key, value]) => live.Labels?.[key] === value)
  );
}

/** An address pool as the engine's API has it. */
interface LivePool {
  readonly Subnet?: string;
  readonly Gateway?: string;
  readonly IPRange?: string;
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>>;
}

function poolOf({ Subnet, Gateway, IPRange, AuxiliaryAddresses }: LivePool): AddressPool {
  return {
    ...(Subnet && { subnet: Subnet }),
    ...(Gateway && { gateway: Gateway }),
    ...(IPRange && { ipRange: IPRange }),
    ...(nonEmpty(AuxiliaryAddresses) && { auxAddress: AuxiliaryAddresses! }),
  };
}

/** The engine chooses a gateway where the file names none. */
function withGateway(live: readonly LivePool[]): (pool: AddressPool, index: number) => AddressPool {
  return (pool, index) => {
    const gateway = pool.gateway ?? live[index]?.Gateway;
    return gateway === undefined || gateway === '' ? pool : { ...pool, gateway };
  };
}

function areEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value ?? {}, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
