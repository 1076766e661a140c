import type Docker from 'dockerode';

import type { ComposeProject } from '../compose/load';
import { composeLabel } from '../container/labels';
import type { ServicePlan } from '../container/spec';
import { taintOption, type Text } from '../sensitive';
import type { Inventory } from './inventory';
import { type Label, labelsOf, nonEmpty } from './labels';

/** A volume of the stack: inputs of a docker.Volume as plain values. */
export interface VolumePlan {
  readonly name: string;
  readonly driver: string;
  /** A network file system's options can hold a password. */
  readonly driverOpts: Readonly<Record<string, Text>> | undefined;
  readonly labels: readonly Label[];
}

/**
 * The volumes that containers use, but for external ones. One that exists is taken as it is: what the engine has
 * becomes what is declared, so that nothing ever asks for a new one in its place.
 */
export function planVolumes(
  { model }: ComposeProject,
  services: readonly ServicePlan[],
  inventory: Inventory,
  secrets: ReadonlySet<string>,
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
    if (existing) return [asItIs(existing, secrets)];
    return [
      {
        name,
        driver: volume?.driver ?? 'local',
        driverOpts: optionsOf(volume?.driver_opts, secrets),
        labels: labelsOf({
          ...volume?.labels,
          [composeLabel('volume')]: key ?? name,
          [composeLabel('project')]: model.name,
        }),
      },
    ];
  });
}

/** Volumes that are not what the file asks for. They are used as they are: to change one is to lose its data. */
export function volumeWarnings({ model }: ComposeProject, inventory: Inventory): string[] {
  return Object.entries(model.volumes).flatMap(([key, volume]) => {
    const name = volume?.name ?? `${model.name}_${key}`;
    const existing = inventory.volumes.find((candidate) => candidate.Name === name);
    if (!existing || volume?.external) return [];
    const different = [
      ...(existing.Driver === (volume?.driver ?? 'local') ? [] : ['driver']),
      ...(areSame(existing.Options ?? {}, volume?.driver_opts ?? {}) ? [] : ['driver_opts']),
    ];
    if (different.length === 0) return [];
    return [
      `volumes.${key}: the volume ${name} has another ${different.join(' and other ')} than the file; it is used as it is, as a new one would be without its data`,
    ];
  });
}

function areSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys({ ...a, ...b });
  return keys.every((key) => a[key] === b[key]);
}

function optionsOf(
  options: Readonly<Record<string, string>> | null | undefined,
  secrets: ReadonlySet<string>,
): Record<string, Text> | undefined {
  const given = nonEmpty(options);
  return (
    given && Object.fromEntries(Object.entries(given).map(([key, text]) => [key, taintOption(key, text, secrets)]))
  );
}

function asItIs(volume: Docker.VolumeInspectInfo, secrets: ReadonlySet<string>): VolumePlan {
  return {
    name: volume.Name,
    driver: volume.Driver,
    driverOpts: optionsOf(volume.Options, secrets),
    // The API gives null for a volume without labels, whatever the type says.
    labels: labelsOf({ ...volume.Labels }),
  };
}
