import type Docker from 'dockerode';

import type { ComposeProject } from '../compose/load';
import { composeLabel } from '../container/labels';
import type { ServicePlan } from '../container/spec';
import type { Inventory } from './inventory';

/** A label as the Docker provider takes it. */
export interface Label {
  readonly label: string;
  readonly value: string;
}

/** A network of the stack: inputs of a docker.Network as plain values. */
export interface NetworkPlan {
  readonly name: string;
  /** ID of a network of this name that is there already. It is adopted if this stack does not have it yet. */
  readonly existing: string | undefined;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>> | undefined;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv6: boolean;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>> | undefined;
  readonly ipamConfigs:
    | readonly {
        readonly subnet?: string;
        readonly gateway?: string;
        readonly ipRange?: string;
        readonly auxAddress?: Readonly<Record<string, string>>;
      }[]
    | undefined;
  readonly labels: readonly Label[];
}

/** A volume of the stack: inputs of a docker.Volume as plain values. */
export interface VolumePlan {
  readonly name: string;
  readonly driver: string;
  readonly driverOpts: Readonly<Record<string, string>> | undefined;
  readonly labels: readonly Label[];
}

function labelsOf(record: Readonly<Record<string, string>>): Label[] {
  return Object.entries(record)
    .map(([label, value]) => ({ label, value }))
    .sort((a, b) => (a.label < b.label ? -1 : 1));
}

function nonEmpty<T extends object>(value: T | null | undefined): T | undefined {
  return value && Object.keys(value).length > 0 ? value : undefined;
}

/** The networks that services use, but for external ones. */
export function planNetworks({ model }: ComposeProject, inventory: Inventory): NetworkPlan[] {
  const used = new Set(Object.values(model.services).flatMap((service) => Object.keys(service.networks ?? {})));
  return Object.entries(model.networks)
    .filter(([key, network]) => used.has(key) && !network?.external)
    .map(([key, network]) => {
      const { name, ipam, ...rest } = network ?? { name: `${model.name}_${key}` };
      const configs = ipam?.config?.map(({ subnet, gateway, ip_range: ipRange, aux_addresses: auxAddress }) => ({
        ...(subnet !== undefined && { subnet }),
        ...(gateway !== undefined && { gateway }),
        ...(ipRange !== undefined && { ipRange }),
        ...(auxAddress && { auxAddress }),
      }));
      const existing = inventory.networks.find((candidate) => candidate.Name === name);
      return {
        name,
        existing: existing?.Id,
        driver: rest.driver ?? 'bridge',
        options: nonEmpty(rest.driver_opts),
        internal: rest.internal ?? false,
        attachable: rest.attachable ?? false,
        ipv6: rest.enable_ipv6 ?? false,
        ipamDriver: ipam?.driver ?? 'default',
        ipamOptions: nonEmpty(ipam?.options),
        ipamConfigs: configs && configs.length > 0 ? configs : undefined,
        labels: labelsOf({
          ...rest.labels,
          [composeLabel('network')]: key,
          [composeLabel('project')]: model.name,
        }),
      };
    });
}

/**
 * The volumes that containers use, but for external ones. One that exists is taken as it is: what the engine has
 * becomes what is declared, so that nothing ever asks for a new one in its place.
 */
export function planVolumes(
  { model }: ComposeProject,
  services: readonly ServicePlan[],
  inventory: Inventory,
): VolumePlan[] {
  const declared = new Map(
    Object.entries(model.volumes).map(([key, volume]) => [volume?.name ?? `${model.name}_${key}`, key]),
  );
  const mounted = new Set(
    services.flatMap(({ containers }) =>
      containers.flatMap(({ mounts = [] }) =>
        mounts.flatMap((m) => (m.type === 'volume' && m.source ? [m.source] : [])),
      ),
    ),
  );
  return [...mounted].sort().flatMap((name): VolumePlan[] => {
    const key = declared.get(name);
    const volume = key === undefined ? undefined : model.volumes[key];
    if (volume?.external) return [];
    const existing = inventory.volumes.find((candidate) => candidate.Name === name);
    if (existing) return [asItIs(existing)];
    return [
      {
        name,
        driver: volume?.driver ?? 'local',
        driverOpts: nonEmpty(volume?.driver_opts),
        labels: labelsOf({
          ...volume?.labels,
          [composeLabel('volume')]: key ?? name,
          [composeLabel('project')]: model.name,
        }),
      },
    ];
  });
}

function asItIs(volume: Docker.VolumeInspectInfo): VolumePlan {
  return {
    name: volume.Name,
    driver: volume.Driver,
    driverOpts: nonEmpty(volume.Options),
    // The API gives null for a volume without labels, whatever the type says.
    labels: labelsOf({ ...volume.Labels }),
  };
}
