import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ReleaseStore } from '../releases/release-store';

/** An operation on a stack that has begun. */
export interface JournalEntry {
  readonly what: string;
  /** `user@host`. */
  readonly by: string;
  readonly startedAt: string;
  /** Number of the newest release then; 0 if there was none. */
  readonly before: number;
  /** The release that it brings back. @default it is no revert */
  readonly revertOf?: number;
  /** Hash of the stack configuration file then. */
  readonly configuration: string;
}

/**
 * What is written down of an operation before it changes anything, so that an interruption can be made good: what it is,
 * and the stack configuration that it goes to.
 */
export class Journal {
  /** The stack configuration that the operation goes to. */
  readonly nextFile: string;
  readonly #releases: ReleaseStore;
  readonly #file: string;

  constructor(releases: ReleaseStore) {
    this.#releases = releases;
    this.#file = join(releases.folder, 'operation.json');
    this.nextFile = join(releases.folder, 'next.yaml');
  }

  /** The operation that has begun and not ended: as the stack is not locked, it was interrupted. */
  async read(): Promise<JournalEntry | undefined> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as JournalEntry;
    } catch {
      return undefined; // there is none, or its writing was cut short before anything else happened
    }
  }

  /**
   * An operation begins.
   *
   * @param next - text of the stack configuration file that it goes to
   * @throws RewindError store/unusable
   */
  async begin(entry: JournalEntry, next: string): Promise<void> {
    try {
      await this.goTo(next);
      await writeFile(this.#file, JSON.stringify(entry), { mode: 0o600, flush: true });
    } catch (error) {
      await this.end();
      throw this.#releases.unusable('cannot be written', error);
    }
  }

  /** The operation goes to another configuration now. */
  async goTo(next: string): Promise<void> {
    await writeFile(this.nextFile, next, { mode: 0o600, flush: true });
  }

  /** The operation has ended. Where that cannot be written down, the next one makes sure of it. */
  async end(): Promise<void> {
    await rm(this.#file, { force: true }).catch(() => undefined);
    await rm(this.nextFile, { force: true }).catch(() => undefined);
  }
}
