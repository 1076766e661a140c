import { renameSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { ReleaseStore } from '../releases/release-store';
import { replaceFile } from '../store/write';

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
  /** The phase that it was in, by the names of `src/operations/timeline.ts`. @default none had begun */
  readonly phase?: string;
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
  #entry: JournalEntry | undefined;
  /** An operation that was interrupted before, and its configuration, where that is still there. */
  #interrupted: { readonly entry: JournalEntry; readonly next?: string } | undefined;

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
   * An operation begins, in place of one that was interrupted.
   *
   * @param next - text of the stack configuration file that it goes to
   * @throws RewindError store/unusable
   */
  async begin(entry: JournalEntry, next: string): Promise<void> {
    const interrupted = await this.read();
    const then = interrupted && (await readFile(this.nextFile, 'utf8').catch(() => undefined));
    this.#interrupted = interrupted && { entry: interrupted, ...(then !== undefined && { next: then }) };
    try {
      await this.#write(entry, next);
      this.#entry = entry;
    } catch (error) {
      await this.takeBack();
      throw this.#releases.unusable('cannot be written', error);
    }
  }

  /** The operation has changed nothing: one that was interrupted before it is still to be made good. */
  async takeBack(): Promise<void> {
    if (!this.#interrupted) return this.end();
    this.#entry = undefined;
    const { entry, next } = this.#interrupted;
    // Where that cannot be written, what stands there tells of an interruption no less.
    await this.#write(entry, next).catch(() => undefined);
  }

  /** A phase begins. Where that cannot be written down, what is written down of the operation as a whole has to do. */
  phase(name: string): void {
    if (!this.#entry) return;
    this.#entry = { ...this.#entry, phase: name };
    try {
      // At no moment is there half an entry: that would be taken for none.
      writeFileSync(`${this.#file}.new`, JSON.stringify(this.#entry), { mode: 0o600, flush: true });
      renameSync(`${this.#file}.new`, this.#file);
    } catch {
      // the store is full, or gone
    }
  }

  /** The operation goes to another configuration now. */
  async goTo(next: string): Promise<void> {
    await replaceFile(this.nextFile, next);
  }

  /** The operation has ended. Where that cannot be written down, the next one makes sure of it. */
  async end(): Promise<void> {
    this.#entry = undefined;
    await rm(this.#file, { force: true }).catch(() => undefined);
    await rm(this.nextFile, { force: true }).catch(() => undefined);
  }

  async #write(entry: JournalEntry, next: string | undefined): Promise<void> {
    if (next !== undefined) await this.goTo(next);
    await replaceFile(this.#file, JSON.stringify(entry));
  }
}
