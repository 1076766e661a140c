import { opendir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

import type { ComposeProject } from '../compose/load';
import { type Problem, RewindError } from '../errors';
import type { FileStore, KeepOptions, KeptFile } from '../store/files';

/** Folders with more entries than this are data, not configuration: they are mounted in place. */
const largestFolderEntries = 500;

/** So are files of more bytes than this, and folders with so much in them. */
const largestBytes = 16 * 1024 * 1024;

/** The configuration files of a project. */
export interface ConfigFiles {
  /** By absolute path of the source. */
  readonly kept: ReadonlyMap<string, KeptFile>;
  /** Hash by the path as people know it: relative to the compose project; without secrets. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** A source of configuration, before it is looked for. */
interface Source {
  readonly secret: boolean;
  /** A service that mounts it writable: then it has a copy that may be written to. */
  writableFor?: string;
}

/** A configuration file as a release ran with it. */
export interface KnownFile extends Source {
  /** `sha256:…`; for a secret the keyed hash. */
  readonly hash: string;
  /** Its mode and owner, as the store has them: the same content may be kept with several. */
  readonly permissions?: string;
}

/**
 * Finds the files that count as configuration: files of `configs:` and `secrets:`, and what services mount from within
 * the project's folder: single files, and folders mounted read-only. A folder mounted writable is data and stays in
 * place, and so does whatever lies outside the project (sockets, system files).
 *
 * @param pins content hashes by path, from `rewind:files`: earlier contents to use instead of what is on disk
 * @param known the files of a release, by their source: nothing on disk is looked at. @default the files as they are now
 */
export async function findConfigFiles(
  project: ComposeProject,
  store: FileStore,
  pins: Readonly<Record<string, string>>,
  known?: Readonly<Record<string, KnownFile>>,
): Promise<ConfigFiles> {
  const wanted = new Map(Object.entries(pins).map(([path, hash]) => [path.replace(/^\.\//, ''), hash]));
  const sources = known ? new Map(Object.entries(known)) : await sourcesOf(project, wanted);
  const kept = new Map<string, KeptFile>();
  const hashes: Record<string, string> = {};
  const problems: Problem[] = [];
  await Promise.all(
    [...sources].map(async ([path, { secret, writableFor }]) => {
      const name = nameOf(project, path);
      const pin = wanted.get(name);
      const options = { secret, ...(writableFor !== undefined && { writableFor }) };
      try {
        const file =
          pin !== undefined
            ? await pinned(store, path, name, pin, options)
            : known
              ? await ofRelease(store, path, name, known[path]!)
              : await store.locate(path, options);
        kept.set(path, file);
        if (!secret) hashes[name] = file.hash;
      } catch (error) {
        if (!(error instanceof RewindError)) throw error;
        problems.push(...error.problems);
      }
    }),
  );
  const mounted = [...sources.keys()].map((path) => nameOf(project, path)).sort();
  for (const name of wanted.keys()) {
    if (mounted.includes(name)) continue;
    problems.push({
      code: 'config/file-pin',
      message: `rewind:files pins ${name}, which no service mounts.`,
      fix: `Remove the pin: ${removal(name)}. Mounted are: ${mounted.join(', ') || 'none'}.`,
    });
  }
  return { kept, hashes: Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1))), problems };
}

/** Configuration by absolute path. A pinned path counts even if nothing is there any more. */
async function sourcesOf(
  project: ComposeProject,
  pins: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Source>> {
  const { configs, secrets, services } = project.model;
  const sources = new Map<string, Source>();
  for (const { file } of Object.values(configs)) if (file !== undefined) sources.set(file, { secret: false });
  for (const { file } of Object.values(secrets)) if (file !== undefined) sources.set(file, { secret: true });
  for (const [service, { volumes = [] }] of Object.entries(services)) {
    for (const { type, source, read_only: readOnly = false } of volumes) {
      if (type !== 'bind' || source === undefined) continue;
      if (!sources.has(source)) {
        const kind = pins.has(nameOf(project, source)) ? 'file' : await kindOf(project, source);
        if (kind === 'other' || (kind === 'folder' && !readOnly)) continue;
        sources.set(source, { secret: false });
      }
      if (!readOnly) sources.get(source)!.writableFor ??= service;
    }
  }
  return sources;
}

async function pinned(
  store: FileStore,
  source: string,
  name: string,
  pin: string,
  options: KeepOptions,
): Promise<KeptFile> {
  if (options.secret) {
    throw new RewindError({
      code: 'config/file-pin',
      message: `rewind:files pins ${name}, which is a secret: only the contents of other files are kept by their hash.`,
      fix: `Remove the pin: ${removal(name)}.`,
    });
  }
  const found = await store.find(source, pin, options);
  if (found) return found;
  throw new RewindError({
    code: 'config/file-pin',
    message: `rewind:files pins ${name} to ${pin}, which the store does not have.`,
    fix: `Take a hash that an earlier update put out (pulumi stack output files), or remove the pin: ${removal(name)}.`,
  });
}

async function ofRelease(store: FileStore, source: string, name: string, known: KnownFile): Promise<KeptFile> {
  const found = await store.find(source, known.hash, known);
  if (found) return found;
  throw new RewindError({
    code: 'release/unreadable',
    message: `The release ran with ${name} (${known.hash}), which the store does not have any more.`,
    fix: 'Bring the store’s folder back from a backup, or choose another release: rewind history.',
  });
}

function removal(name: string): string {
  return `pulumi config rm --path 'rewind:files["${name}"]'`;
}

/** The path as people know it: relative to the compose project's folder. */
function nameOf(project: ComposeProject, source: string): string {
  return relative(project.directory, source);
}

async function kindOf(project: ComposeProject, source: string): Promise<'file' | 'folder' | 'other'> {
  const name = nameOf(project, source);
  if (name === '' || name === '..' || name.startsWith('../')) return 'other';
  try {
    const info = await stat(source);
    if (info.isFile()) return info.size <= largestBytes ? 'file' : 'other';
    return info.isDirectory() && (await isConfiguration(source)) ? 'folder' : 'other';
  } catch {
    return 'other'; // a source that is not there is the engine's to create or to refuse
  }
}

/** Whether a folder can be configuration: not too large, and with nothing in it but files, folders and links. */
async function isConfiguration(folder: string): Promise<boolean> {
  let seen = 0;
  let bytes = 0;
  for await (const entry of await opendir(folder, { recursive: true })) {
    if (++seen > largestFolderEntries) return false;
    if (!entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink()) return false;
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
    if (bytes > largestBytes) return false;
  }
  return true;
}
