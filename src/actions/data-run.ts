import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { RevisionSteps } from '../alembic/image';
import type { ContainerSpec } from '../container/spec';
import { RewindError } from '../errors';
import { withLock } from '../lock.mjs';
import type { ReleaseStore } from '../releases/release-store';
import { parseKey, seal, unseal } from '../releases/seal';
import { revealing } from '../sensitive';
import type { DatabaseSettings } from '../settings';
import { replaceFile } from '../store/write';

/** What the commands of one update need to know: written by its program, for commands that run in processes of their own. */
export interface DataRun {
  readonly database: DatabaseSettings;
  /** Revisions that the schema is to stand at. Undefined if there are no migrations that are known of. */
  readonly revisions?: readonly string[];
  /** IDs of the images that may know the way, in the order in which they are asked. */
  readonly images: readonly string[];
  /** The service with the migrations, as planned. */
  readonly alembic?: ContainerSpec;
  /** Services that are to be stopped while the data is not to be seen, besides those that start after the database. */
  readonly users: readonly string[];
  /** Secret values, to be masked in what is said. */
  readonly secrets: readonly string[];
  /** Names of the stack and its services, which tell nothing of a secret that is the same. @default none */
  readonly names?: readonly string[];
  /** Whether a rewind command has locked the stack for this update. */
  readonly isLocked: boolean;
  /** Whether it puts back what ran before an update that has failed. @default false */
  readonly isPutBack?: boolean;
}

/** A way of the schema. */
export interface SchemaMove {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Whether moving it back brings everything back: nothing was undone, and what was applied can be. */
  readonly isReversible: boolean;
}

/** A container in which migrations were loaded ahead, and which of them. */
export interface StandingMigration extends RevisionSteps {
  /** ID. */
  readonly container: string;
  /** ID of the image. */
  readonly image: string;
}

/** What the commands of an update have done. */
export interface DataOutcome {
  /** Whether the application was stopped for it, and the data may be other data since. @default it was not, or is again what it was */
  readonly begun?: boolean;
  /** The snapshot that was taken first. */
  readonly snapshot?: string;
  /** The migrations that are to be run, loaded already. @default they are loaded when they are run */
  readonly standing?: StandingMigration;
  /** A database that is ready to take the place of the live one. */
  readonly prepared?: string;
  /** The database that was replaced, under the name that it is kept by. */
  readonly keptAs?: string;
  /** Where the schema stands, and is about to be moved to; `like` is the container whose surroundings that is done in. */
  readonly moving?: SchemaMove & { readonly like: string };
  /** Where the schema stood before, and stands now. */
  readonly moved?: SchemaMove;
  /** One hash over every object of the schema. */
  readonly schema?: string;
  /** When all of it was checked at the end, ISO 8601. */
  readonly verified?: string;
}

/** Where an update and its commands tell each other what to do, and what was done: `data/` in the stack's folder. */
export class DataExchange {
  readonly #store: ReleaseStore;
  readonly #run: string;
  readonly #outcome: string;
  readonly #target: string;
  readonly #targetBefore: string;

  constructor(store: ReleaseStore) {
    this.#store = store;
    this.#run = join(store.folder, 'data', 'run');
    this.#outcome = join(store.folder, 'data', 'outcome.json');
    this.#target = join(store.folder, 'data', 'target.json');
    this.#targetBefore = join(store.folder, 'data', 'target-before.json');
  }

  /**
   * Writes down what is to be done, encrypted: there are passwords in it. There is room then for what the steps will have
   * done; what ran before is put back also where there is none.
   *
   * @throws RewindError store/unusable
   */
  async begin(key: Buffer, run: DataRun): Promise<void> {
    await this.#guarded(async () => {
      await mkdir(dirname(this.#run), { recursive: true, mode: 0o700 });
      await replaceFile(this.#run, seal(key, JSON.stringify(run, revealing)));
      await replaceFile(this.#outcome, '{}');
    });
    await this.#store.reserveForData().catch((error: unknown) => {
      if (run.isPutBack !== true) throw error;
    });
  }

  /**
   * What is to be done.
   *
   * @param key - `rewind:key`
   * @throws RewindError store/unusable
   */
  async run(key: string): Promise<DataRun> {
    const parsed = parseKey(key);
    const sealed = await this.#guarded(() => readFile(this.#run));
    const text = parsed && unseal(parsed, sealed);
    if (text !== undefined) return JSON.parse(text) as DataRun;
    throw new RewindError({
      code: 'store/unusable',
      message: `What is to be done with the data cannot be read: ${this.#run} was encrypted with another key, or is damaged.`,
      fix: 'Run the update again: it writes it anew.',
    });
  }

  /** Forgets what an earlier update has done. */
  async clear(): Promise<void> {
    await this.#store.giveBackForData();
    await rm(this.#outcome, { force: true }).catch(() => undefined);
  }

  /** What has been done in the latest update. */
  async outcome(): Promise<DataOutcome> {
    try {
      return JSON.parse(await readFile(this.#outcome, 'utf8')) as DataOutcome;
    } catch {
      return {};
    }
  }

  /**
   * Whether the stack's state may say that the data is where an update wants it: a command has brought it there, or had
   * before one brought it elsewhere of whose end the engine may not have heard, as it was killed.
   */
  async mayBeIn(run: DataRun): Promise<boolean> {
    const texts = await Promise.all(
      [this.#target, this.#targetBefore].map((file) => readFile(file, 'utf8').catch(() => undefined)),
    );
    return texts.includes(targetText(run));
  }

  /**
   * The data has been brought to where an update wants it.
   *
   * @throws RewindError store/unusable
   */
  async reached(run: DataRun): Promise<void> {
    await this.#guarded(async () => {
      const before = await readFile(this.#target, 'utf8').catch(() => undefined);
      const now = targetText(run);
      if (before !== undefined && before !== now) await replaceFile(this.#targetBefore, before);
      await replaceFile(this.#target, now);
    });
  }

  /** The update that brought the data there has come to its end: the stack's state says so, too. */
  async settled(): Promise<void> {
    await this.#store.giveBackForData();
    await rm(this.#targetBefore, { force: true }).catch(() => undefined);
  }

  /**
   * Writes down what has been done.
   *
   * @throws RewindError store/unusable
   */
  async add(done: DataOutcome): Promise<void> {
    // Two steps can come to their ends at the same time.
    const add = async (): Promise<void> => {
      const text = JSON.stringify({ ...(await this.outcome()), ...done });
      await replaceFile(this.#outcome, text);
    };
    await this.#guarded(() => withLock(`${this.#outcome}.lock`, add));
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#store.withRoomForData(work);
    } catch (error) {
      throw this.#store.unusable('cannot be used', error);
    }
  }
}

/** What an update wants the data to be, as text. */
function targetText({ revisions, database: { restore } }: DataRun): string {
  return JSON.stringify({ revisions, restore });
}
