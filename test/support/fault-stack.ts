import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'vitest';

import { eventually, execIn, inspectContainer } from './docker';
import { type Moment, RunningRewind } from './running-rewind';
import { TestStack } from './stack';
import { makeTaggedImages, removeTaggedImages } from './tagged-images';
import { databaseService, TestDatabase } from './test-database';

const user = 'shop';
const minute = 60_000;

/** How a stack differs from the usual one. */
export interface FaultStackOptions {
  /** The volume of the database's data, as compose takes it. @default one of the engine */
  readonly volume?: object;
  /** Arguments of the server. @default none */
  readonly server?: readonly string[];
  /** Rows of `goods`, of 300 bytes each. @default 5000 */
  readonly rows?: number;
}

/** A stack with a Postgres and two services that use it, one after the other, to be killed and hindered at work. */
export class FaultStack {
  readonly stack: TestStack;
  readonly db: string;
  readonly database: TestDatabase;
  /** The snapshot that is restored. */
  readonly snapshot: string;
  readonly #image: string;
  readonly #new: string;
  #old = '';
  #round = 0;

  private constructor(stack: TestStack, database: TestDatabase, image: string, snapshot: string, sum: string) {
    this.stack = stack;
    this.db = `${stack.project}-db-1`;
    this.database = database;
    this.snapshot = snapshot;
    this.#image = image;
    this.#new = sum;
  }

  /** Brings it up, fills the table `goods` and takes a snapshot of it. */
  static async create(project: string, options: FaultStackOptions = {}): Promise<FaultStack> {
    const { volume = {}, server = [], rows = 5000 } = options;
    const image = `${project}/app:1`;
    await makeTaggedImages({ [image]: 'plain' });
    const stack = await TestStack.create(project);
    await stack.write('compose.yaml', {
      services: {
        db: { ...databaseService(user), ...(server.length > 0 && { command: ['postgres', ...server] }) },
        app: { image, depends_on: { db: { condition: 'service_healthy' } } },
        web: { image, depends_on: { app: { condition: 'service_started' } } },
      },
      volumes: { data: volume },
    });
    await stack.configure({ database: { service: 'db' } });
    await stack.up();
    const database = new TestDatabase(`${project}-db-1`, user, user);
    await database.sql(`CREATE TABLE goods (id int PRIMARY KEY, name text)`);
    await database.sql(`INSERT INTO goods SELECT i, repeat(md5(i::text), 9) FROM generate_series(1, ${rows}) i`);
    const { id } = await stack.rewindJson<{ id: string }>(['snapshot', 'create']);
    return new FaultStack(stack, database, image, id, await database.sum('goods'));
  }

  async remove(): Promise<void> {
    await this.stack.remove();
    await removeTaggedImages(this.#image);
  }

  /** `snapshot restore …`. */
  get restore(): string[] {
    return ['snapshot', 'restore', this.snapshot, '--yes'];
  }

  /** The folder of the snapshots. */
  get store(): string {
    return join(this.stack.directory, '.rewind', 'stacks', this.stack.project, 'dev', 'snapshots');
  }

  /** Goes on after the snapshot: most rows are gone, and one is there that is in no snapshot. */
  async change(): Promise<void> {
    await this.database.dropKept();
    await this.database.sql(`DELETE FROM goods WHERE id NOT BETWEEN 1 AND 7`);
    await this.database.sql(`INSERT INTO goods VALUES (${-++this.#round}, 'round ${this.#round}')`);
    this.#old = await this.database.sum('goods');
    expect(this.#old).not.toBe(this.#new);
  }

  /** As {@link RunningRewind.hinder}. */
  hinder(command: readonly string[], moment: Moment, fault: Moment): Promise<RunningRewind> {
    return RunningRewind.hinder(this.stack, command, moment, fault);
  }

  /** All of the one or all of the other, and what is not in its place is kept. */
  async expectOldOrNew(): Promise<'old' | 'new'> {
    const sum = await this.database.sum('goods');
    expect([this.#old, this.#new]).toContain(sum);
    if (sum === this.#new) expect(await this.database.keptSums('goods')).toContain(this.#old);
    return sum === this.#new ? 'new' : 'old';
  }

  async expectRunning(...services: string[]): Promise<void> {
    const states = await Promise.all(
      services.map(async (it) => (await inspectContainer(`${this.stack.project}-${it}-1`)).State),
    );
    expect(states.map(({ Status: status }) => status)).toEqual(services.map(() => 'running'));
  }

  /** The restore is done: the data is that of the snapshot, what it has replaced is kept, everything runs. */
  async expectRestored(): Promise<void> {
    expect(await this.expectOldOrNew()).toBe('new');
    await this.expectRunning('db', 'app', 'web');
  }

  /** Nothing is left of a command that did not get to its end. */
  async expectNothingLeft(): Promise<void> {
    expect(await this.database.databases('shadow|proof')).toEqual([]);
    expect(await execIn(this.db, 'sh', '-c', 'ls $PGDATA/base/pgsql_tmp 2>/dev/null | grep rewind')).toBe('');
    expect((await readdir(this.store)).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await readdir(join(this.store, '..'))).not.toContain('paused.json');
    await eventually(
      async () =>
        (await this.database.sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rewind'`)) === '0',
      'the end of the sessions of rewind',
    );
  }

  /** A database of rewind's own is there: `shadow`, `proof`, or one that was replaced, `before`. */
  untilThereIs(kind: string): Moment {
    return (rewind) =>
      rewind.until(eventually(async () => (await this.database.databases(kind)).length > 0, kind, minute));
  }

  /** A snapshot is being written. */
  untilItWrites(): Moment {
    return (rewind) =>
      rewind.until(
        eventually(async () => (await readdir(this.store)).some((name) => name.startsWith('.')), 'a draft', minute),
      );
  }

  /** A session of the server is there for which a condition on pg_stat_activity holds. */
  untilSession(condition: string): Moment {
    return (rewind) => rewind.until(this.database.session(condition));
  }
}

/** It has said something. */
export const says =
  (text: string): Moment =>
  (rewind) =>
    rewind.untilItSays(text);

/** kill -9 of rewind. */
export const killed: Moment = (rewind) => rewind.killAlone();
