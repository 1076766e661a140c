import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import { messageOf, RewindError } from '../errors';
import { isAlive } from '../lock.mjs';
import { flush } from '../store/tree';
import { replaceFile } from '../store/write';
import { isSnapshotId, snapshotId } from './id';
import { parseManifest, renderManifest, type SnapshotFile, type SnapshotManifest } from './manifest';
import { parseProof, type SnapshotProof } from './proof';

/** A snapshot in the store. */
export interface ReadableSnapshot {
  readonly id: string;
  readonly manifest: SnapshotManifest;
  readonly proof?: SnapshotProof;
}

/** A snapshot in the store, or what is wrong with it. */
export type StoredSnapshot = ReadableSnapshot | { readonly id: string; readonly damage: RewindError };

/**
 * The newest snapshot that was taken at some revisions, and of which no test has failed; undefined if there is none. What an
 * update that failed ran on counts only where there is nothing else: the same update again is to find what it found before.
 *
 * @param stored - oldest first
 */
export function newestAt(
  stored: readonly StoredSnapshot[],
  revisions: readonly string[],
): ReadableSnapshot | undefined {
  const good = stored.filter(
    (it): it is ReadableSnapshot =>
      'manifest' in it && it.manifest.revisions.join() === revisions.join() && it.proof?.ok !== false,
  );
  return good.findLast(({ manifest }) => manifest.isOfFailed !== true) ?? good.at(-1);
}

type FileName = 'archive' | 'settings';

/**
 * The snapshots of one stack, in the store: `snapshots/s-20261124-101500/` with `archive`, `settings`, `manifest.json`
 * and, once it was restored for a test, `proof.json`. A folder is there whole or not at all.
 */
export class SnapshotStore {
  readonly folder: string;

  /** @param stackFolder - the stack's folder in the store */
  constructor(stackFolder: string) {
    this.folder = join(stackFolder, 'snapshots');
  }

  /** IDs of the snapshots, oldest first. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unusable('cannot be read', error);
    });
    return names.filter(isSnapshotId).sort();
  }

  /** Snapshots, oldest first; a damaged one is told of, not thrown. */
  async list(): Promise<StoredSnapshot[]> {
    return Promise.all(
      (await this.ids()).map(async (id): Promise<StoredSnapshot> => {
        try {
          const [manifest, proof] = await Promise.all([this.read(id), this.proof(id)]);
          return { id, manifest, ...(proof && { proof }) };
        } catch (error) {
          if (error instanceof RewindError) return { id, damage: error };
          throw error;
        }
      }),
    );
  }

  /** ID of the newest good snapshot that was taken at these revisions: {@link newestAt}. */
  async newestAt(revisions: readonly string[]): Promise<string | undefined> {
    return newestAt(await this.list(), revisions)?.id;
  }

  /**
   * The manifest of a snapshot.
   *
   * @throws RewindError snapshot/unknown, snapshot/damaged
   */
  async read(id: string): Promise<SnapshotManifest> {
    if (!isSnapshotId(id)) throw unknownSnapshot(id, 'is not the name of a snapshot');
    const path = join(this.folder, id, 'manifest.json');
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw unknownSnapshot(id, 'is not in the store');
      throw this.#unusable('cannot be read', error);
    });
    return parseManifest(text, path);
  }

  /** How the latest test of a snapshot ended. */
  async proof(id: string): Promise<SnapshotProof | undefined> {
    const text = await readFile(join(this.folder, id, 'proof.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : parseProof(text);
  }

  /**
   * Keeps how a test of a snapshot ended.
   *
   * @throws RewindError store/unusable
   */
  async keepProof(id: string, proof: SnapshotProof): Promise<void> {
    const path = join(this.folder, id, 'proof.json');
    await this.#guarded(() => replaceFile(path, `${JSON.stringify(proof, undefined, 1)}\n`));
  }

  /** Absolute path of a snapshot's file. */
  path(id: string, file: FileName): string {
    return join(this.folder, id, file);
  }

  /**
   * Reads a file of a snapshot and holds it against its manifest.
   *
   * @throws RewindError snapshot/damaged
   */
  async check(manifest: SnapshotManifest, file: FileName): Promise<void> {
    const path = this.path(manifest.id, file);
    const expected = manifest.files[file];
    const damaged = (why: string): RewindError =>
      new RewindError({
        code: 'snapshot/damaged',
        message: `The snapshot ${manifest.id} is damaged: ${path} ${why}.`,
        fix: 'Bring the file back from a backup, or choose another snapshot: rewind snapshot list.',
      });
    const info = await stat(path).catch(() => undefined);
    if (!info) throw damaged('is not there');
    if (info.size !== expected.bytes) throw damaged(`has ${info.size} bytes instead of ${expected.bytes}`);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    if (hash.digest('hex') !== expected.sha256) throw damaged('has another content');
  }

  /**
   * Begins a snapshot; nothing of it is seen before {@link Draft.complete}.
   *
   * @throws RewindError store/unusable
   */
  async begin(time: Date): Promise<SnapshotDraft> {
    const taken = new Set(await this.ids());
    const base = snapshotId(time);
    let id = base;
    for (let number = 2; taken.has(id); number++) id = `${base}-${number}`;
    await this.removeAbandoned();
    const draft = join(this.folder, `.${id}.${process.pid}@${hostname()}`);
    await this.#guarded(() => mkdir(draft, { recursive: true, mode: 0o700 }));
    return new SnapshotDraft(id, draft, join(this.folder, id), (work) => this.#guarded(work));
  }

  /** What processes have left that were killed while they wrote; those on other machines cannot be asked. */
  async removeAbandoned(): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const [, pid, host] = /^\.s-[\d-]+\.(\d+)@(.+)$/.exec(name) ?? [];
      const isAbandoned = host === hostname() && !isAlive(Number(pid));
      if (isAbandoned || name.endsWith('.removed')) {
        await rm(join(this.folder, name), { recursive: true, force: true }).catch(() => undefined);
      }
    }
  }

  /** Removes a snapshot. */
  async remove(id: string): Promise<void> {
    await this.read(id).catch((error: unknown) => {
      if (!(error instanceof RewindError) || error.code !== 'snapshot/damaged') throw error;
    });
    // First out of sight: what is left of a removal that was cut short is no snapshot.
    const aside = join(this.folder, `.${id}.removed`);
    await this.#guarded(async () => {
      await rename(join(this.folder, id), aside);
      await rm(aside, { recursive: true, force: true });
    });
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof RewindError ? error : this.#unusable('cannot be written', error);
    }
  }

  #unusable(what: string, error: unknown): RewindError {
    return new RewindError({
      code: 'store/unusable',
      message: `The store’s folder ${this.folder} ${what}: ${messageOf(error)}`,
      fix: 'Make the folder writable and make sure that its disk has room, or move the store: rewind:store.',
      cause: error,
    });
  }
}

/** A snapshot that is being written. */
export class SnapshotDraft {
  readonly id: string;
  readonly #folder: string;
  readonly #target: string;
  readonly #guarded: <T>(work: () => Promise<T>) => Promise<T>;

  constructor(id: string, folder: string, target: string, guarded: <T>(work: () => Promise<T>) => Promise<T>) {
    this.id = id;
    this.#folder = folder;
    this.#target = target;
    this.#guarded = guarded;
  }

  /** Absolute path of a file of it. */
  path(file: FileName): string {
    return join(this.#folder, file);
  }

  /**
   * Writes a file of the snapshot, once and to the disk.
   *
   * @param fill - writes its content
   * @throws RewindError store/unusable, and whatever `fill` throws
   */
  async write(file: FileName, fill: (target: Writable) => Promise<void>): Promise<SnapshotFile> {
    const handle = await this.#guarded(() => open(this.path(file), 'wx', 0o600));
    const target = new MeasuredFile(handle);
    try {
      await fill(target)
        .then(() => target.finished())
        .catch((error: unknown) => {
          // When the disk is full, whoever fills fails too, for want of room.
          throw target.refused ?? error;
        });
      await handle.sync();
    } catch (error) {
      if (error === target.refused) await this.#guarded(() => Promise.reject(target.refused!));
      throw error;
    } finally {
      target.destroy();
      await handle.close();
    }
    return { bytes: target.bytes, sha256: target.hash.digest('hex') };
  }

  /**
   * Makes the snapshot one of the store.
   *
   * @throws RewindError store/unusable
   */
  async complete(manifest: SnapshotManifest): Promise<void> {
    await this.#guarded(async () => {
      const file = await open(join(this.#folder, 'manifest.json'), 'wx', 0o600);
      try {
        await file.writeFile(renderManifest(manifest));
        await file.sync();
      } finally {
        await file.close();
      }
      await flush(this.#folder);
      await rename(this.#folder, this.#target);
      await flush(join(this.#target, '..'));
    });
  }

  /** Removes what was written of it. */
  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** A file that is written, and what has been written to it. */
class MeasuredFile extends Writable {
  readonly hash = createHash('sha256');
  bytes = 0;
  /** Why the disk does not take more. */
  refused: Error | undefined;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    super({ highWaterMark: 1024 * 1024 });
    this.#handle = handle;
    // Whoever fills it need not listen at the moment in which the disk refuses: `refused` tells of it.
    this.on('error', () => undefined);
  }

  /** Resolves when everything has been given to the disk; rejects if the disk has refused any of it, even before. */
  finished(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.once('error', reject);
      this.end((error?: Error | null) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#handle.appendFile(chunk).then(
      () => {
        this.hash.update(chunk);
        this.bytes += chunk.length;
        done();
      },
      (error: unknown) => {
        this.refused = error as Error;
        done(this.refused);
      },
    );
  }
}

function unknownSnapshot(id: string, why: string): RewindError {
  return new RewindError({
    code: 'snapshot/unknown',
    message: `${JSON.stringify(id)} ${why}.`,
    fix: 'Choose one that rewind snapshot list lists.',
  });
}
