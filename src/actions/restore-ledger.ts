import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { PostgresServer } from '../postgres/server';
import { databaseId } from '../postgres/swap';
import type { ReleaseStore } from '../releases/release-store';
import type { RestoreSettings } from '../settings';
import { replaceFile } from '../store/write';

interface LedgerEntry {
  /** As it stands in the stack configuration. */
  readonly restore: RestoreSettings;
  /** What names the database that takes the place of the live one, whatever it is called. */
  readonly id: number;
  /** ISO 8601. @default it is about to be done */
  readonly done?: string;
}

/**
 * The restores of a stack that have been done. One that stands in the stack configuration is done once: a release that
 * comes back with the same words in its configuration does not replace the data once more.
 */
export class RestoreLedger {
  readonly #store: ReleaseStore;
  readonly #file: string;

  constructor(store: ReleaseStore) {
    this.#store = store;
    this.#file = join(store.folder, 'restores.json');
  }

  /**
   * Whether a restore has been done.
   *
   * @param server - tells it where whoever did it was killed before it was written down. @default that is not asked
   */
  async has(restore: RestoreSettings, server?: PostgresServer): Promise<boolean> {
    const entry = (await this.#list()).find((it) => same(it.restore, restore));
    if (!entry) return false;
    if (entry.done !== undefined || !server) return entry.done !== undefined;
    return (await databaseId(server, server.database)) === entry.id;
  }

  /**
   * Does a restore, and writes it down.
   *
   * @param id - of the database that takes the place of the live one
   * @throws RewindError store/unusable, and whatever `work` throws
   */
  async during<T>(restore: RestoreSettings, id: number, work: () => Promise<T>): Promise<T> {
    const others = (await this.#list()).filter((it) => !same(it.restore, restore));
    await this.#write([...others, { restore, id }]);
    const result = await work();
    await this.#write([...others, { restore, id, done: new Date().toISOString() }]);
    return result;
  }

  /** What was done has been undone. */
  async forget(restore: RestoreSettings): Promise<void> {
    await this.#write((await this.#list()).filter((it) => !same(it.restore, restore)));
  }

  async #list(): Promise<LedgerEntry[]> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as LedgerEntry[];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#store.unusable('cannot be read', error);
    }
  }

  async #write(list: readonly LedgerEntry[]): Promise<void> {
    try {
      await mkdir(this.#store.folder, { recursive: true, mode: 0o700 });
      await this.#store.withRoomForData(() => replaceFile(this.#file, JSON.stringify(list, undefined, 1)));
    } catch (error) {
      throw this.#store.unusable('cannot be written', error);
    }
  }
}

function same(a: RestoreSettings, b: RestoreSettings): boolean {
  return a.at === b.at && JSON.stringify(a.source) === JSON.stringify(b.source);
}
