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

/**
 * A volume that is another one than the last update has left there. An engine gives volumes no ID, and as the time of their
 * making one that moves on with what is written; what is left is that it has told of the end of one, or that the labels are others.
 */
function madeAnew(scene: Scene, name: string, live: Live, base: Base): Finding[] {
  const { state, isUnderWay, events } = scene;
  const known = state?.resources.find(({ type, name: it }) => type === resourceTypes.volume && it === name);
  const written = state?.writtenAt;
  if (isUnderWay || !known || !written) return [];
  const told = events.latest('volume', ['destroy'], ({ id, at }) => id === name && at > written);
  if (told.since === undefined && sameLabels(known.inputs['labels'], live.Labels)) return [];
  return [
    {
      ...base,
      id: `${base.id}/identity`,
      what: `volume ${name} was made anew`,
      declared: 'the one that the last update has left',
      live: told.since === undefined ? 'another one, by its labels' : 'another one',
      ...told,
      severity: 'broken',
      fix: 'adopt',
      note: 'Its data is not that of before. Snapshots are what the data comes back from: rewind snapshot list.',
    },
  ];
}

function sameLabels(written: unknown, live: Readonly<Record<string, string>> | null): boolean {
  if (written !== undefined && !Array.isArray(written)) return true; // a secret: it is not known what they were
  const known = ((written ?? []) as { label?: unknown; value?: unknown }[]).map(({ label, value }) => [label, value]);
  // A label whose value is a secret is compared by its name.
  const text = (pairs: readonly (readonly unknown[])[], of: ReadonlySet<unknown>): string =>
    JSON.stringify(pairs.map(([label, value]) => (of.has(label) ? [label] : [label, value])).sort());
  const hidden = new Set(known.flatMap(([label, value]) => (typeof value === 'string' ? [] : [label])));
  return text(known, hidden) === text(Object.entries(live ?? {}), hidden);
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
