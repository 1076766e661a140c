import { createHash, createHmac, randomBytes } from 'node:crypto';
import {
  access,
  constants,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { messageOf, type Problem, RewindError } from '../errors';
import { copyTree, flush, hashInto } from './tree';

/** A configuration file or folder as the store keeps it. */
export interface KeptFile {
  /** Absolute path of the original. */
  readonly source: string;
  /** `sha256:…` of the content; for a secret a keyed hash, so that nothing can be guessed from it. */
  readonly hash: string;
  /** Absolute path of the kept copy: it never changes, as the hash is part of it. */
  readonly path: string;
  /** Mode of the content, and its owner unless that is root: `0644`, `0600.1000.1000`. */
  readonly permissions: string;
  /** The copy that nothing writes to, where `path` is one that a service may write to. @default `path` itself */
  readonly pristine?: string;
  /** True if the hash is keyed. @default false */
  readonly secret?: boolean;
  /** The service that has a copy of its own. @default all share one */
  readonly writableFor?: string;
}

/** How a source is kept. */
export interface KeepOptions {
  /** Hash with the store's own key. @default false */
  readonly secret?: boolean;
  /** Give this service a copy of its own, because it mounts the file writable. @default the shared copy */
  readonly writableFor?: string;
}

/**
 * Configuration files by content: `files/<hash>.<mode>/<name>` below the store's folder. What a container mounts is
 * the kept copy, so a later change of the original reaches it only with an update, and an update back needs no original.
 * Secrets have a shelf of their own, `secrets/`, and so have copies that a service may write to, `copies/<service>/`:
 * what the service writes there stays for as long as its stack has that content.
 */
export class FileStore {
  readonly #root: string;

  /** @param root absolute path of the store's folder */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Where a source's copy is, or will be once {@link keep} has run. Writes nothing, but for the key of secrets' hashes
   * when it is first needed.
   *
   * @throws RewindError compose/missing-file, store/unusable
   */
  async locate(source: string, { secret = false, writableFor }: KeepOptions = {}): Promise<KeptFile> {
    const key = secret ? await this.#key() : undefined;
    try {
      const hash = await hashOf(source, key);
      const place = `${hash}.${await permissionsOf(source)}`;
      return this.#kept(source, secret, join(place, basename(source)), writableFor);
    } catch (error) {
      throw new RewindError({
        code: 'compose/missing-file',
        message: `The file ${source} cannot be read: ${messageOf(error)}`,
        fix: 'Put it there and make it readable, or correct its path in the compose file.',
        cause: error,
      });
    }
  }

  /**
   * A copy kept earlier, by its hash; that of a secret by its keyed hash.
   *
   * @param options - and the `permissions` that it had. @default whichever of that content there are
   * @returns undefined if the store has no such content
   */
  async find(
    source: string,
    hash: string,
    { secret = false, writableFor, permissions }: KeepOptions & { readonly permissions?: string } = {},
  ): Promise<KeptFile | undefined> {
    const wanted = hash.replace(/^sha256:/, '');
    const shelf = join(this.#root, secret ? 'secrets' : 'files');
    const places = (await readdir(shelf).catch(() => [])).filter((place) =>
      permissions === undefined
        ? place.startsWith(`${wanted}.`) && !place.endsWith('.partial')
        : place === `${wanted}.${permissions}`,
    );
    const found: string[] = [];
    for (const place of places.sort()) {
      for (const name of (await readdir(join(shelf, place))).sort()) found.push(join(place, name));
    }
    // The same content may have been kept under several names.
    const path = found.find((candidate) => basename(candidate) === basename(source)) ?? found[0];
    return path === undefined ? undefined : this.#kept(source, secret, path, writableFor);
  }

  /**
   * Makes sure that the store has a source's copy, complete and on disk.
   *
   * @throws RewindError store/unusable
   */
  async keep(kept: KeptFile): Promise<void> {
    const { path, pristine, source } = kept;
    await this.#copy(source, pristine ?? path, kept);
    if (pristine !== undefined) await this.#copy(pristine, path, kept);
  }

  /** Why the store could not keep these files, if it could not. Writes nothing. */
  async obstacle(files: Iterable<KeptFile>): Promise<Problem | undefined> {
    const known = await Promise.all([...files].map(({ path }) => exists(path)));
    if (known.every(Boolean)) return undefined;
    for (let folder = this.#root; ; folder = dirname(folder)) {
      try {
        if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is a file`);
        await access(folder, constants.W_OK);
        return undefined;
      } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (!isMissing || folder === dirname(folder)) return this.#unusable('cannot be written', error);
      }
    }
  }

  /** @param path - `<hash>.<permissions>/<name>` */
  #kept(source: string, secret: boolean, path: string, writableFor: string | undefined): KeptFile {
    const [, hash, permissions] = /^([^.]+)\.([^/]+)\//.exec(path)!;
    const shared = join(this.#root, secret ? 'secrets' : 'files', path);
    return {
      source,
      hash: `sha256:${hash}`,
      permissions: permissions!,
      ...(writableFor === undefined
        ? { path: shared }
        : { path: join(this.#root, 'copies', writableFor, path), pristine: shared, writableFor }),
      ...(secret && { secret }),
    };
  }

  async #copy(from: string, to: string, kept: KeptFile): Promise<void> {
    if (await exists(to)) return;
    // Written elsewhere and put in its place when it is whole: a process may be killed at any time.
    const partial = join(this.#root, 'partial', `${process.pid}.${randomBytes(4).toString('hex')}`);
    const mode = kept.secret ? 0o700 : 0o755;
    try {
      await mkdir(partial, { recursive: true, mode: 0o700 });
      const copy = join(partial, basename(to));
      await copyTree(from, copy);
      const hash = await hashOf(copy, kept.secret ? await this.#key() : undefined);
      if (`sha256:${hash}` !== kept.hash) throw new Error('it has changed in the meantime, run this again');
      await mkdir(dirname(to), { recursive: true, mode });
      await rename(copy, to);
      await flush(dirname(to));
    } catch (error) {
      if (await exists(to)) return; // another update kept the same content at the same time
      throw this.#unusable(`cannot keep ${from}`, error);
    } finally {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** The key of secrets' hashes: random, made once, readable by its owner alone. */
  async #key(): Promise<Buffer> {
    const path = join(this.#root, 'secrets.key');
    try {
      if (!(await exists(path))) {
        await mkdir(this.#root, { recursive: true });
        // A link comes into being whole or not at all, and never in place of another.
        const partial = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
        await writeFile(partial, randomBytes(32), { flag: 'wx', mode: 0o600, flush: true });
        await link(partial, path)
          .catch((error: unknown) => {
            if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
          })
          .finally(() => rm(partial));
      }
      return await readFile(path);
    } catch (error) {
      throw this.#unusable('cannot be read or written', error);
    }
  }

  #unusable(what: string, error: unknown): RewindError {
    return new RewindError({
      code: 'store/unusable',
      message: `The store ${this.#root} ${what}: ${messageOf(error)}`,
      fix: 'Make the folder writable and make sure that its disk has room, or move the store: rewind:store.',
      cause: error,
    });
  }
}

async function hashOf(source: string, key: Buffer | undefined): Promise<string> {
  const hash = key ? createHmac('sha256', key) : createHash('sha256');
  await hashInto(hash, source);
  return hash.digest('hex');
}

/** What else a container sees of a file: its mode, and its owner unless that is root. */
async function permissionsOf(source: string): Promise<string> {
  const { mode, uid, gid } = await stat(source);
  return (mode & 0o7777).toString(8).padStart(4, '0') + (uid === 0 && gid === 0 ? '' : `.${uid}.${gid}`);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
