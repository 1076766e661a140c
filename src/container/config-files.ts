import { lstat, opendir } from 'node:fs/promises';
import { relative } from 'node:path';

import type { ComposeProject } from '../compose/load';
import { type Problem, RewindError } from '../errors';
import type { FileStore, KeptFile } from '../store/files';

/** Folders larger than this are data, not configuration: they are mounted in place. */
const largestFolderEntries = 500;

/** The configuration files of a project. */
export interface ConfigFiles {
  /** By absolute path of the source. */
  readonly kept: ReadonlyMap<string, KeptFile>;
  /** Hash by the path as people know it: relative to the compose project; without secrets. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/**
 * Finds the files that count as configuration: files of `configs:` and `secrets:`, and what services mount from within
 * the project's folder: single files, and folders mounted read-only. A folder mounted writable is data and stays in
 * place, and so does whatever lies outside the project (sockets, system files).
 *
 * @param pins content hashes by path, from `rewind:files`: earlier contents to use instead of what is on disk
 */
export async function findConfigFiles(
  project: ComposeProject,
  store: FileStore,
  pins: Readonly<Record<string, string>>,
): Promise<ConfigFiles> {
  const secrets = new Set(Object.values(project.model.secrets).flatMap((object) => object.file ?? []));
  const sources = new Map<string, { writableFor?: string }>();
  for (const object of [...Object.values(project.model.configs), ...Object.values(project.model.secrets)]) {
    if (object.file !== undefined) sources.set(object.file, {});
  }
  const wantedPins = new Map(Object.entries(pins).map(([path, hash]) => [withoutDot(path), hash]));
  for (const [service, definition] of Object.entries(project.model.services)) {
    for (const mount of definition.volumes ?? []) {
      if (mount.type !== 'bind' || mount.source === undefined || sources.has(mount.source)) continue;
      const pinned = wantedPins.has(nameOf(project, mount.source));
      const kind = pinned ? 'file' : await kindOf(project, mount.source);
      if (kind === 'file') sources.set(mount.source, mount.read_only ? {} : { writableFor: service });
      else if (kind === 'folder' && mount.read_only) sources.set(mount.source, {});
    }
  }

  const kept = new Map<string, KeptFile>();
  const hashes: Record<string, string> = {};
  const problems: Problem[] = [];
  await Promise.all(
    [...sources].map(async ([source, { writableFor }]) => {
      const name = nameOf(project, source);
      const secret = secrets.has(source);
      try {
        const pin = wantedPins.get(name);
        const file =
          pin === undefined
            ? await store.locate(source, { secret, ...(writableFor !== undefined && { writableFor }) })
            : await pinned(store, source, name, pin);
        kept.set(source, file);
        if (!secret) hashes[name] = file.hash;
      } catch (error) {
        if (!(error instanceof RewindError)) throw error;
        problems.push(...error.problems);
      }
    }),
  );
  for (const name of wantedPins.keys()) {
    if (name in hashes || problems.some((problem) => problem.message.includes(name))) continue;
    problems.push({
      code: 'config/file-pin',
      message: `rewind:files pins ${name}, which no service mounts.`,
      fix: `Remove it: pulumi config rm --path 'rewind:files["${name}"]'. Mounted are: ${Object.keys(hashes).sort().join(', ') || 'none'}.`,
    });
  }
  return { kept, hashes: Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1))), problems };
}

async function pinned(store: FileStore, source: string, name: string, pin: string): Promise<KeptFile> {
  const found = await store.find(source, pin);
  if (found) return found;
  throw new RewindError({
    code: 'config/file-pin',
    message: `rewind:files pins ${name} to ${pin}, which the store does not have.`,
    fix: `Take a hash that an earlier update put out (pulumi stack output files), or remove the pin: pulumi config rm --path 'rewind:files["${name}"]'.`,
  });
}

/** The path as people know it: relative to the compose project's folder. */
function nameOf(project: ComposeProject, source: string): string {
  return relative(project.directory, source);
}

function withoutDot(path: string): string {
  return path.replace(/^\.\//, '');
}

async function kindOf(project: ComposeProject, source: string): Promise<'file' | 'folder' | 'other'> {
  const name = nameOf(project, source);
  if (name === '' || name.startsWith('..')) return 'other';
  try {
    const info = await lstat(source);
    if (info.isFile()) return 'file';
    return info.isDirectory() && (await isSmall(source)) ? 'folder' : 'other';
  } catch {
    return 'other'; // a source that is not there is the engine's to create or to refuse
  }
}

async function isSmall(folder: string): Promise<boolean> {
  const entries = await opendir(folder, { recursive: true });
  for (let seen = 0; seen <= largestFolderEntries; seen++) {
    if ((await entries.read()) === null) {
      await entries.close();
      return true;
    }
  }
  await entries.close();
  return false;
}
