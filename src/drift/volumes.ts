import { composeLabel } from '../container/labels';
import type { ComposeVolume } from '../compose/model';
import { taintOption } from '../sensitive';
import type { Finding } from './finding';
import { plannedContainers, resourceTypes, type Scene, shortName } from './scene';

/** Volumes that are not there, were made anew (and have lost their data), or have other options. */
export function volumeFindings(scene: Scene): Finding[] {
  const { released, inventory, events } = scene;
  const declared = new Map(
    Object.entries(released.project.model.volumes).map(([key, volume]) => [
      volume?.name ?? `${released.project.model.name}_${key}`,
      volume ?? undefined,
    ]),
  );
  return [...mountedVolumes(scene)].sort().flatMap((name): Finding[] => {
    const volume = declared.get(name);
    const live = inventory.volumes.find((it) => it.Name === name);
    const base = { id: `volume/${shortName(scene, name)}`, group: groupOf(scene, name) };
    if (!live) {
      const origin = events.latest('volume', ['destroy'], ({ id }) => id === name);
      const fix = volume?.external ? 'none' : 'update';
      return [
        {
          ...base,
          id: `${base.id}/exists`,
          what: `${volume?.external ? 'external ' : ''}volume ${name}`,
          declared: 'there',
          live: 'missing',
          ...origin,
          severity: 'broken',
          fix,
          note: volume?.external
            ? `Make it: docker volume create ${name}.`
            : 'Its data is gone: a new volume is empty. Snapshots are what the data comes back from.',
        },
      ];
    }
    return [...madeAnew(scene, name, live, base), ...(volume?.external ? [] : options(scene, volume, live, base))];
  });
}

type Live = Scene['inventory']['volumes'][number];
type Base = Pick<Finding, 'id' | 'group'>;

function mountedVolumes(scene: Scene): Set<string> {
  return new Set(
    plannedContainers(scene).flatMap(({ spec }) =>
      (spec.mounts ?? []).flatMap(({ type, source }) => (type === 'volume' && source ? [source] : [])),
    ),
  );
}

/** The only service that mounts it, or else the stack. */
function groupOf(scene: Scene, name: string): string {
  const users = new Set(
    plannedContainers(scene).flatMap(({ service, spec }) =>
      spec.mounts?.some(({ source }) => source === name) ? [service] : [],
    ),
  );
  return users.size === 1 ? [...users][0]! : 'stack';
}

/** Engines tell the time in whole seconds. */
const toleranceMs = 2000;

/** A volume that is younger than what the last update has left there. */
function madeAnew({ state, isUnderWay }: Scene, name: string, live: Live, base: Base): Finding[] {
  const created = Date.parse((live as { CreatedAt?: string }).CreatedAt ?? '');
  const known = state?.resources.find(({ type, name: it }) => type === resourceTypes.volume && it === name)?.created;
  const written = state?.writtenAt;
  if (isUnderWay || !known || !written || !(created > Math.max(known.getTime(), written.getTime()) + toleranceMs))
    return [];
  return [
    {
      ...base,
      id: `${base.id}/identity`,
      what: `volume ${name} was made anew`,
      declared: `from ${known.toISOString()} or before`,
      live: `from ${new Date(created).toISOString()}`,
      since: new Date(created).toISOString(),
      severity: 'broken',
      fix: 'adopt',
      note: 'Its data is not that of before. Snapshots are what the data comes back from: rewind snapshot list.',
    },
  ];
}

function options({ secrets }: Scene, volume: ComposeVolume | undefined, live: Live, base: Base): Finding[] {
  const findings: Finding[] = [];
  const note = 'It is used as it is: a new one would be without its data.';
  const driver = volume?.driver ?? 'local';
  if (live.Driver !== driver)
    findings.push({
      ...base,
      id: `${base.id}/driver`,
      what: `driver of the volume ${live.Name}`,
      declared: driver,
      live: live.Driver,
      severity: 'changed',
      fix: 'none',
      note,
    });
  const [asked, given] = [volume?.driver_opts ?? {}, live.Options ?? {}];
  for (const key of new Set([...Object.keys(asked), ...Object.keys(given)])) {
    if (asked[key] === given[key]) continue;
    const told = (value: string | undefined): string =>
      value === undefined ? 'none' : String(taintOption(key, value, secrets));
    findings.push({
      ...base,
      id: `${base.id}/option.${key}`,
      what: `option ${key} of the volume ${live.Name}`,
      declared: told(asked[key]),
      live: told(given[key]),
      severity: 'changed',
      fix: 'none',
      note,
    });
  }
  return findings;
}

/**
 * Volumes of the compose project that no release knows.
 *
 * @param earlier - the volumes of earlier releases, which are kept; asked for only if there is one to ask about
 */
export async function strangeVolumes(scene: Scene, earlier: () => Promise<ReadonlySet<string>>): Promise<Finding[]> {
  const known = mountedVolumes(scene);
  const strange = scene.inventory.volumes.filter(
    ({ Name: name, Labels: labels }) =>
      (labels as Record<string, string> | null)?.[composeLabel('project')] === scene.record.project && !known.has(name),
  );
  if (strange.length === 0) return [];
  const kept = await earlier();
  return strange
    .filter(({ Name: name }) => !kept.has(name))
    .map((it) => ({
      id: `unmanaged/volume/${it.Name}`,
      group: 'stack',
      what: `volume ${it.Name}`,
      live: 'there, and of this project by its label',
      severity: 'information' as const,
      fix: 'none' as const,
      note: `Look what is in it; remove it: docker volume rm ${it.Name}. Or declare it in the compose file.`,
    }));
}
