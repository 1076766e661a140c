import { type Change, upperLayerChanges } from '../docker/upper-layer';
import type { Finding } from './finding';
import type { Inspected } from './live-form';
import { plannedContainers, type Scene, shortName } from './scene';

/** What programs write as they run, of which nobody thinks as a change. */
const passing =
  /^\/(tmp|run|var\/run|var\/tmp|var\/cache|var\/log|dev|proc|sys)(\/|$)|\.(pid|sock|lock|pyc|log|swp)$|\/(__pycache__|\.cache|\.npm|\.pytest_cache)(\/|$)|\/\.[a-z_]*history$|^\/var\/lib\/nginx\/|^\/(etc\/(hosts|hostname|resolv\.conf|mtab)|(usr\/)?sbin\/docker-init|dev\/init|\.dockerenv)$/;

const names = ['changed', 'added', 'removed'];
const mostNamed = 5;

/** Files that were changed inside of containers: gone with the next one. */
export async function changedFileFindings(scene: Scene): Promise<Finding[]> {
  const found = await Promise.all(
    plannedContainers(scene).map(async ({ service, spec }): Promise<Finding[]> => {
      const info = scene.inspected.get(spec.name);
      // A root that is read-only cannot have been written to.
      if (!info || info.HostConfig.ReadonlyRootfs) return [];
      const changes = await readChanges(scene, info);
      const own = new Set((spec.uploads ?? []).map(({ file }) => file));
      const told = worthTelling(changes, info, info.Config.WorkingDir).filter(({ Path: path }) => !own.has(path));
      if (told.length === 0) return [];
      const list = told.slice(0, mostNamed).map(({ Path: path, Kind: kind }) => `${path} ${names[kind] ?? ''}`.trim());
      const more = told.length > mostNamed ? [`${told.length - mostNamed} more`] : [];
      return [
        {
          id: `container/${shortName(scene, spec.name)}/files`,
          group: service,
          what: `files in ${shortName(scene, spec.name)}`,
          declared: 'as in the image',
          live: [...list, ...more].join(', '),
          severity: 'information',
          fix: 'replace',
          note: 'The next container of this service will not have them.',
        },
      ];
    }),
  );
  return found.flat();
}

async function readChanges({ docker, facts }: Scene, info: Inspected): Promise<readonly Change[]> {
  const read = facts.local ? await upperLayerChanges(info) : undefined;
  if (read) return read;
  try {
    const changes: unknown = await docker.getContainer(info.Id).changes();
    // Where there is none, the client hands on the engine's `null` as bytes.
    return Array.isArray(changes) ? (changes as Change[]) : [];
  } catch {
    return []; // it has gone meanwhile, or the storage driver cannot tell
  }
}

/**
 * Without folders that changed only because of what is in them, what is mounted, what the engine makes for itself, and what
 * programs write in passing.
 *
 * @param workingDirectory - the engine makes it, where the image has none
 */
export function worthTelling(
  changes: readonly Change[],
  { Mounts: mounts, HostConfig: host }: Pick<Inspected, 'Mounts' | 'HostConfig'>,
  workingDirectory?: string,
): Change[] {
  const mounted = [
    ...mounts.map(({ Destination: path }) => path),
    ...Object.keys((host.Tmpfs as object | null) ?? {}),
    ...(host.Mounts ?? []).map(({ Target: path }) => path),
  ];
  const parents = new Set(
    [...changes, { Path: `${workingDirectory ?? ''}/` }].flatMap(({ Path: path }) => ancestors(path)),
  );
  const sorted = [...changes].sort((a, b) => (a.Path < b.Path ? -1 : 1));
  return sorted.filter(({ Path: path, Kind: kind }) => {
    if (passing.test(path) || path === workingDirectory) return false;
    // What is made for a mount, and what is below one.
    if (mounted.some((it) => it === path || it.startsWith(`${path}/`) || path.startsWith(`${it}/`))) return false;
    return !(kind !== 2 && parents.has(path));
  });
}

function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_part, at) => `/${parts.slice(0, at + 1).join('/')}`);
}
