import { randomBytes } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import { messageOf, RewindError } from '../errors';
import { numbersIn, writeNew } from '../store/write';
import { parseRecord, type ReleaseRecord, releaseName, renderRecord } from './record';
import { fingerprint, parseKey, seal, unseal, unsealBytes } from './seal';
import { inFolder, type SealedRelease } from './sealed';

const packed = promisify<string, Buffer>(gzip);
const unpacked = promisify<Buffer, Buffer>(gunzip);

/** Bytes: a record of a hundred services has about 40 KiB, and the folders may grow by a block each. */
const roomForRecord = 128 * 1024;

/** Bytes: what the steps on the data write down, several files of some KiB. */
const roomForData = 64 * 1024;

/** A record on disk, or what is wrong with it. */
export type StoredRelease = { readonly number: number } & (
  { readonly record: ReleaseRecord } | { readonly damage: RewindError }
);

/**
 * The releases of one stack, in the store: `stacks/<project>/<stack>/releases/r3.json`, and beside them `sealed/`, the
 * encrypted parts by the keyed hash of their content.
 */
export class ReleaseStore {
  /** Absolute path of the store's folder. */
  readonly root: string;
  /** Folder of this stack in the store. */
  readonly folder: string;
  readonly #stack: string;

  /**
   * @param root - absolute path of the store's folder
   * @param stack - `project/stack` of Pulumi
   */
  constructor(root: string, stack: string) {
    this.#stack = stack;
    this.root = root;
    this.folder = join(root, 'stacks', ...stack.split('/').map(encodeURIComponent));
  }

  /** Numbers of the releases, ascending. */
  async numbers(): Promise<number[]> {
    return numbersIn(join(this.folder, 'releases'), 'r').catch((error: unknown) => {
      throw this.unusable('cannot be read', error);
    });
  }

  /** The record of the newest release. @returns undefined if there is none, or it cannot be read */
  async newest(): Promise<ReleaseRecord | undefined> {
    const [stored] = await this.list(1);
    return stored && 'record' in stored ? stored.record : undefined;
  }

  /**
   * Releases, ascending; a damaged record is told of, not thrown.
   *
   * @param newest - only so many, the newest ones. @default all
   */
  async list(newest = Infinity): Promise<StoredRelease[]> {
    return Promise.all(
      (await this.numbers()).slice(-newest).map(async (number) => {
        try {
          return { number, record: await this.read(number) };
        } catch (error) {
          if (error instanceof RewindError) return { number, damage: error };
          throw error;
        }
      }),
    );
  }

  /**
   * One release.
   *
   * @throws RewindError release/unknown, release/damaged
   */
  async read(number: number): Promise<ReleaseRecord> {
    const path = this.#path(number);
    const text = await readFile(path, 'utf8').catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.unusable('cannot be read', error);
      throw await this.#unknown(number);
    });
    const record = parseRecord(text, path);
    if (record.stack !== this.#stack || record.number !== number) {
      throw new RewindError({
        code: 'release/damaged',
        message: `The release record ${path} is ${releaseName(record.number)} of the stack ${record.stack}, not of ${this.#stack}.`,
        fix: `Remove the file: it belongs to another stack.`,
      });
    }
    return record;
  }

  /**
   * Writes a record under the next number.
   *
   * @returns the record with its number
   * @throws RewindError store/unusable
   */
  async add(record: Omit<ReleaseRecord, 'number' | 'format' | 'stack'>): Promise<ReleaseRecord> {
    for (;;) {
      const number = ((await this.numbers()).at(-1) ?? 0) + 1;
      const numbered: ReleaseRecord = { format: 1, number, stack: this.#stack, ...record };
      if (await this.#write(this.#path(number), renderRecord(numbered))) return numbered;
    }
  }

  /** Removes the newer records that rewind's own commands made: of an update that has failed after all. */
  async dropAfter(number: number): Promise<void> {
    for (const stored of await this.list()) {
      const isOurs = 'record' in stored && stored.record.kind !== 'update';
      if (isOurs && stored.number > number) await rm(this.#path(stored.number), { force: true }).catch(() => undefined);
    }
  }

  /**
   * Makes sure that there is room for a release, before anything is changed that would have to be written down.
   *
   * @param bytes - of its sealed part
   * @throws RewindError store/unusable
   */
  async reserve(bytes: number): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await writeFile(this.#reserved, randomBytes(bytes + roomForRecord), { mode: 0o600, flush: true });
    } catch (error) {
      await this.giveBack();
      throw this.unusable('cannot be written', error);
    }
  }

  /** Gives back the room that was reserved: right before it is used, or when it is not needed any more. */
  async giveBack(): Promise<void> {
    await rm(this.#reserved, { force: true }).catch(() => undefined);
  }

  /**
   * Makes sure that there is room for what the steps on the data write down: once the data has been moved, it has to be.
   *
   * @throws RewindError store/unusable
   */
  async reserveForData(): Promise<void> {
    try {
      await mkdir(dirname(this.#reservedForData), { recursive: true, mode: 0o700 });
      await writeFile(this.#reservedForData, randomBytes(roomForData), { mode: 0o600, flush: true });
    } catch (error) {
      await this.giveBackForData();
      throw this.unusable('cannot be written', error);
    }
  }

  /** Gives back what is reserved for the steps on the data. */
  async giveBackForData(): Promise<void> {
    await rm(this.#reservedForData, { force: true }).catch(() => undefined);
  }

  /**
   * Writes something of a step on the data; into the room that is reserved for it, if the disk has become full.
   *
   * @param mayTryAgain - whether it has not been done for the most part. @default it is all or nothing
   */
  async withRoomForData<T>(write: () => Promise<T>, mayTryAgain: () => boolean = () => true): Promise<T> {
    return write().catch(async (error: unknown) => {
      if (!isFull(error) || !mayTryAgain()) throw error;
      await this.giveBackForData();
      return write();
    });
  }

  /**
   * Encrypts a content and keeps it.
   *
   * @returns its name, to be read back with {@link unseal}
   * @throws RewindError store/unusable
   */
  async seal(key: Buffer, content: string): Promise<string> {
    const name = fingerprint(key, content);
    await this.#write(this.#sealedPath(name), seal(key, content));
    return name;
  }

  /**
   * A sealed content.
   *
   * @throws RewindError release/unreadable if it is gone, damaged, or was made with another key
   */
  async unseal(key: Buffer, record: ReleaseRecord): Promise<string> {
    const path = this.#sealedPath(record.sealed);
    const sealed = await readFile(path).catch(() => undefined);
    const content = sealed && unseal(key, sealed);
    if (content !== undefined && fingerprint(key, content) === record.sealed) return content;
    const why = sealed ? 'was encrypted with another key, or is damaged' : 'is not there';
    throw new RewindError({
      code: 'release/unreadable',
      message: `The configuration of ${releaseName(record.number)} cannot be read: ${path} ${why}.`,
      fix: 'Bring back the file, or the value of rewind:key that the stack configuration had then; or choose another release: rewind history.',
    });
  }

  /**
   * Encrypts what can be packed well, and keeps it: the same content once.
   *
   * @returns its name, to be read back with {@link unsealPacked}
   * @throws RewindError store/unusable
   */
  async sealPacked(key: Buffer, content: string): Promise<string> {
    const name = fingerprint(key, content);
    // What is there already need not be packed again.
    const isThere = await access(this.#sealedPath(name)).then(
      () => true,
      () => false,
    );
    if (!isThere) await this.#write(this.#sealedPath(name), seal(key, await packed(content)));
    return name;
  }

  /** A packed content; undefined if it is gone, damaged, or was made with another key. */
  async unsealPacked(key: Buffer, name: string): Promise<string | undefined> {
    const sealed = await readFile(this.#sealedPath(name)).catch(() => undefined);
    const bytes = sealed && unsealBytes(key, sealed);
    const content = bytes && (await unpacked(bytes).catch(() => undefined))?.toString('utf8');
    return content !== undefined && fingerprint(key, content) === name ? content : undefined;
  }

  get #reserved(): string {
    return join(this.folder, 'reserved');
  }

  get #reservedForData(): string {
    return join(this.folder, 'data', 'reserved');
  }

  #path(number: number): string {
    return join(this.folder, 'releases', `${releaseName(number)}.json`);
  }

  #sealedPath(name: string): string {
    return join(this.folder, 'sealed', name);
  }

  /** Writes a file whole and to disk, or not at all. Returns false if there is one already. */
  async #write(path: string, content: string | Buffer): Promise<boolean> {
    return writeNew(path, content).catch((error: unknown) => {
      throw this.unusable('cannot be written', error);
    });
  }

  async #unknown(number: number): Promise<RewindError> {
    const numbers = await this.numbers();
    const there =
      numbers.length === 0
        ? 'has no release yet'
        : `has ${releaseName(numbers[0]!)} to ${releaseName(numbers.at(-1)!)}`;
    return new RewindError({
      code: 'release/unknown',
      message: `There is no release ${releaseName(number)}: the stack ${this.#stack} ${there}.`,
      fix: 'Choose one of those that rewind history lists.',
    });
  }

  /** The error for a store that cannot be used: it `cannot be written`. */
  unusable(what: string, error: unknown): RewindError {
    return new RewindError({
      code: 'store/unusable',
      message: `The store’s folder ${this.folder} ${what}: ${messageOf(error)}`,
      fix: 'Make the folder writable and make sure that its disk has room, or move the store: rewind:store.',
      cause: error,
    });
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * The sealed part of a release, as it is to run in this folder.
 *
 * @param key - `rewind:key` of the stack configuration
 * @throws RewindError release/unreadable
 */
export async function openRelease(
  store: ReleaseStore,
  record: ReleaseRecord,
  key: string | undefined,
  directory: string,
): Promise<SealedRelease> {
  const parsed = key === undefined ? undefined : parseKey(key);
  if (parsed === undefined) {
    throw new RewindError({
      code: 'release/unreadable',
      message: `The configuration of ${releaseName(record.number)} cannot be read: rewind:key is ${key === undefined ? 'not set' : 'no key'}.`,
      fix: 'Set it to what it was: pulumi config set --secret rewind:key (it asks for the value). Your earlier Pulumi.<stack>.yaml has it.',
    });
  }
  return inFolder(JSON.parse(await store.unseal(parsed, record)) as SealedRelease, directory);
}
