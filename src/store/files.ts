import { createHash, createHmac, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { messageOf, RewindError } from '../errors';

/** A configuration file or folder as the store keeps it. */
export interface KeptFile {
  /** Absolute path of the original. */
  readonly source: string;
  /** `sha256:…` of the content; for a secret a keyed hash, so that nothing can be guessed from it. */
  readonly hash: string;
  /** Absolute path of the kept copy: it never changes, as the hash is part of it. */
  readonly path: string;
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
 */
export class FileStore {
  readonly #root: string;

  /** @param root absolute path of the store's folder */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Where a source's copy is, or will be once {@link keep} has run: reads, but writes nothing.
   *
   * @throws RewindError compose/missing-file
   */
  async locate(source: string, options: KeepOptions = {}): Promise<KeptFile> {
    const digest = await this.#digest(source, options.secret ?? false);
    return { source, hash: `sha256:${digest.hash}`, path: this.#pathOf(source, digest, options) };
  }

  /**
   * A copy kept earlier, by its hash.
   *
   * @returns undefined if the store has no such content
   */
  async find(source: string, hash: string): Promise<KeptFile | undefined> {
    const wanted = hash.replace(/^sha256:/, '');
    const folder = join(this.#root, 'files');
    const entries = await readdir(folder).catch(() => [] as string[]);
    for (const entry of entries.filter((name) => name.startsWith(`${wanted}.`))) {
      const [name] = await readdir(join(folder, entry));
      if (name !== undefined) return { source, hash: `sha256:${wanted}`, path: join(folder, entry, name) };
    }
    return undefined;
  }

  /**
   * Makes sure that the store has a source's copy, complete and on disk.
   *
   * @throws RewindError store/unusable
   */
  async keep(kept: KeptFile): Promise<void> {
    if (await exists(kept.path)) return;
    const folder = dirname(kept.path);
    const partial = `${folder}.${process.pid}.${randomBytes(4).toString('hex')}.partial`;
    try {
      await mkdir(partial, { recursive: true });
      const copy = join(partial, basename(kept.path));
      await cp(kept.source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      await copyOwner(kept.source, copy);
      await flush(copy);
      await mkdir(dirname(folder), { recursive: true });
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      if (await exists(kept.path)) return; // another update kept the same content at the same time
      throw new RewindError({
        code: 'store/unusable',
        message: `The store ${this.#root} cannot keep ${kept.source}: ${messageOf(error)}`,
        fix: 'Make the folder writable and make sure that its disk has room, or move the store: rewind:store.',
        cause: error,
      });
    }
  }

  #pathOf(source: string, digest: { hash: string; mode: string }, { secret, writableFor }: KeepOptions): string {
    const shelf = writableFor === undefined ? (secret ? 'secrets' : 'files') : join('copies', writableFor);
    return join(this.#root, shelf, `${digest.hash}.${digest.mode}`, basename(source));
  }

  async #digest(source: string, secret: boolean): Promise<{ hash: string; mode: string }> {
    const info = await stat(source).catch((error: unknown) => {
      throw new RewindError({
        code: 'compose/missing-file',
        message: `The file ${source} cannot be read: ${messageOf(error)}`,
        fix: 'Put it there, or correct its path in the compose file.',
        cause: error,
      });
    });
    const hash = secret ? createHmac('sha256', await this.#key()) : createHash('sha256');
    if (info.isDirectory()) {
      for (const line of await treeOf(source)) hash.update(line);
    } else {
      hash.update(await readFile(source));
    }
    const owner = info.uid === 0 && info.gid === 0 ? '' : `.${info.uid}.${info.gid}`;
    return { hash: hash.digest('hex'), mode: (info.mode & 0o7777).toString(8).padStart(4, '0') + owner };
  }

  /** The key of secrets' hashes: random, made once, readable by its owner alone. */
  async #key(): Promise<Buffer> {
    const path = join(this.#root, 'secrets.key');
    try {
      await mkdir(this.#root, { recursive: true, mode: 0o700 });
      await writeFile(path, randomBytes(32), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new RewindError({
          code: 'store/unusable',
          message: `The store ${this.#root} cannot be written: ${messageOf(error)}`,
          fix: 'Make the folder writable, or move the store: rewind:store.',
          cause: error,
        });
      }
    }
    return readFile(path);
  }
}

/** A folder as lines of type, mode, path and content hash, in a fixed order. */
async function treeOf(root: string, below = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = join(below, name);
    const info = await lstat(join(root, path));
    const mode = (info.mode & 0o7777).toString(8);
    if (info.isDirectory()) {
      lines.push(`dir ${mode} ${path}\n`, ...(await treeOf(root, path)));
    } else if (info.isSymbolicLink()) {
      lines.push(`link ${path} ${await readlink(join(root, path))}\n`);
    } else {
      const hash = createHash('sha256').update(await readFile(join(root, path)));
      lines.push(`file ${mode} ${path} ${hash.digest('hex')}\n`);
    }
  }
  return lines;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Gives a copy the mode and, where allowed, the owner of its source: a container may run as another user. */
async function copyOwner(source: string, copy: string): Promise<void> {
  const info = await lstat(source);
  if (info.isSymbolicLink()) return;
  if (info.isDirectory()) {
    for (const name of await readdir(source)) await copyOwner(join(source, name), join(copy, name));
  }
  if (process.getuid?.() === 0) await chown(copy, info.uid, info.gid);
  await chmod(copy, info.mode & 0o7777);
}

/** Writes a file or tree through to the disk. */
async function flush(path: string): Promise<void> {
  const info = await lstat(path);
  if (info.isDirectory()) {
    for (const name of await readdir(path)) await flush(join(path, name));
  } else if (info.isFile()) {
    const file = await open(path, constants.O_RDONLY);
    await file.sync().finally(() => file.close());
  }
}
