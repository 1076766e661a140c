import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { freePorts } from '../test/support/busy-port';
import { engine, eventually, execIn, inspectContainers, type Inspection } from '../test/support/docker';
import { momentOf } from '../test/support/engine-events';
import type { Moment, RunningRewind } from '../test/support/running-rewind';
import type { SmallDisk } from '../test/support/small-disk';
import type { TestStack } from '../test/support/stack';
import { TestDatabase } from '../test/support/test-database';
import type { Way } from './fault';
import { type Ailment, composeOf, imageOf, services, user, type Version } from './shop';

const sumOf = (columns: string, table: string): string =>
  `SELECT count(*) || ':' || coalesce(sum(hashtextextended(ROW(${columns})::text, 0)), 0) FROM ${table}`;

/** What the proof of a snapshot has restored does not stay, unless that is what is tried: {@link Rig.leaveReady}. */
const database = { service: 'db', alembic: { service: 'app' } };

/** Checksums of the rows that were there before a revert. */
interface Rows {
  readonly all: string;
  readonly names: string;
  readonly prices: string;
}

/** The stack of the matrix: r2 runs on a database with rows of its own, and r1 can be brought back. */
export class Rig {
  readonly stack: TestStack;
  readonly database: TestDatabase;
  /** The snapshot that `--database=restore` brings back. */
  snapshot = '';
  #rows: Rows = { all: '', names: '', prices: '' };
  #round = 0;

  /** Published by r1 on 127.0.0.1, and not by r2. */
  readonly port: number;

  /** On which its store lies. @default in the project's folder */
  readonly disk: SmallDisk | undefined;

  private constructor(stack: TestStack, port: number, disk: SmallDisk | undefined) {
    this.stack = stack;
    this.port = port;
    this.disk = disk;
    this.database = new TestDatabase(this.container('db'), user, user);
  }

  /** Makes the stack, and r1 of it, in a folder of its own. */
  static async create(stack: TestStack, disk?: SmallDisk): Promise<Rig> {
    const [port] = await freePorts(1);
    const rig = new Rig(stack, port!, disk);
    await rig.#configure('v1');
    await stack.rewind('deploy');
    return rig;
  }

  get project(): string {
    return this.stack.project;
  }

  /** The stack's folder in its store. */
  get store(): string {
    return join(this.stack.directory, '.rewind', 'stacks', this.project, 'dev');
  }

  container(service: string): string {
    return `${this.stack.project}-${service}-1`;
  }

  image(version: Version): string {
    return imageOf(this.project, version);
  }

  /** What is typed to bring r1 back. */
  command(way: Way): string[] {
    const r1 = ['revert', 'r1', '--yes'];
    if (way === 'images') return [...r1, '--only', 'images'];
    if (way === 'restore') return [...r1, '--database=restore', '--accept-loss', this.snapshot];
    return [...r1, '--database=downgrade', '--accept-loss', '0002,public.goods.price'];
  }

  /** Has what the snapshot holds stay restored on the server. */
  async leaveReady(): Promise<void> {
    await this.stack.configure({ database });
    await this.stack.rewind('snapshot', 'verify', this.snapshot);
    await this.stack.configure({ database: { ...database, readyUpTo: '0' } });
    if ((await this.database.databases('ready')).length !== 1) throw new Error(`${this.snapshot} is not ready`);
  }

  /** r2 runs, on rows that no snapshot has; nothing is kept aside. */
  async reset(way: Way): Promise<void> {
    for (const ailment of ['mute', 'sick', 'stuck'] as const) await this.#cure(ailment);
    if (!(await this.#isAtR2())) {
      await this.#configure('v2');
      await this.stack.rewind('deploy');
    }
    await this.database.dropKept();
    await this.database.sql('DROP SCHEMA IF EXISTS rewind_salvage CASCADE');
    const round = ++this.#round;
    await this.database.sql(`INSERT INTO goods VALUES (${-round}, 'round ${round}', ${round})`);
    this.#rows = {
      all: await this.#sum('id, name, price', 'goods'),
      names: await this.#sum('id, name', 'goods'),
      prices: await this.#sum('id, price', 'goods'),
    };
    if (way === 'restore') this.snapshot = await this.#newestSnapshot();
  }

  /** Where all rows are that were there before: `undefined` if some are in no place. */
  async rowsAreIn(): Promise<string | undefined> {
    const isAtR2 = (await this.revision()) === '0002';
    if (isAtR2 && (await this.#sum('id, name, price', 'goods')) === this.#rows.all) return 'the database';
    for (const sum of await this.#keptSums()) if (sum === this.#rows.all) return 'the database that is kept';
    if (isAtR2 || (await this.#sum('id, name', 'goods')) !== this.#rows.names) return undefined;
    const salvaged = await this.database.sql(
      `SELECT quote_ident(table_name) FROM information_schema.columns
       WHERE table_schema = 'rewind_salvage' AND column_name = 'price'`,
    );
    for (const table of salvaged.split('\n').filter((name) => name !== '')) {
      if ((await this.#sum('id, price', `rewind_salvage.${table}`)) === this.#rows.prices) return 'rewind_salvage';
    }
    return undefined;
  }

  revision(): Promise<string> {
    return eventually(
      async () => /^\d{4}$/.exec(await this.database.sql('SELECT version_num FROM alembic_version'))?.[0],
      'an answer of the database',
      60_000,
    );
  }

  /** Its containers, by the name of their service. */
  async containers(): Promise<Record<string, Inspection>> {
    const all = Object.values(await inspectContainers(this.project));
    return Object.fromEntries(all.map((it) => [it.Config.Labels['com.docker.compose.service'] ?? it.Name, it]));
  }

  /** Makes a version of the application ill, until the next reset. */
  async fall(version: Version, ailment: Ailment): Promise<void> {
    await execIn(this.container('app'), 'touch', `/state/${ailment}-${version}`);
  }

  async heal(version: Version): Promise<void> {
    for (const ailment of ['mute', 'sick', 'stuck'] as const) await this.#cure(ailment, version);
  }

  /** The operation is in a phase, as it has written down itself. */
  inPhase(phase: string): Moment {
    return untilHere(() => read(join(this.store, 'operation.json')).includes(`"phase":"${phase}"`));
  }

  /** The command has locked the stack. */
  get locked(): Moment {
    return untilHere(() => existsSync(join(this.store, 'lock')));
  }

  /** A snapshot is being written. */
  get snapshotWritten(): Moment {
    return async (rewind) =>
      rewind.until(
        eventually(
          async () => (await readdir(join(this.store, 'snapshots'))).some((name) => name.startsWith('.')),
          'a snapshot being written',
          60_000,
        ),
      );
  }

  /** The migration is being taken back. */
  get schemaMoving(): Moment {
    return (rewind) => rewind.until(this.database.session(`query ~ '^SELECT pg_sleep'`));
  }

  /** kill -9 of the container that moves the schema. */
  get migrationKilled(): Moment {
    return async () => {
      const docker = await engine();
      const filters = { label: [`dev.rewind.one-off-stack=${this.project}/dev`] };
      const found = await docker.listContainers({ filters });
      await Promise.all(found.map(({ Id: id }) => docker.getContainer(id).kill()));
      return found.length > 0 ? undefined : Promise.reject(new Error('no container moves the schema'));
    };
  }

  /** Another database is being filled beside the live one. */
  get shadowFilled(): Moment {
    return (rewind) =>
      rewind.until(eventually(async () => (await this.database.databases('shadow')).length > 0, 'a shadow', 60_000));
  }

  /** What was left ready has been taken. */
  get readyTaken(): Moment {
    return (rewind) =>
      rewind.until(
        eventually(async () => (await this.database.databases('ready')).length === 0, 'it to be taken', 60_000),
      );
  }

  /** Something happens to a container, as the engine tells: `kill`, `destroy`, `create`, `start`, `exec_start`. */
  event(service: string, action: string): Moment {
    const moment = momentOf(this.container(service), action);
    moment.catch(() => undefined); // told when it is awaited
    return (rewind) => rewind.until(moment);
  }

  async #isAtR2(): Promise<boolean> {
    const { app } = await this.containers();
    const isR2 = app?.Config.Image !== undefined && app.Image === (await this.#imageId('v2'));
    if (!isR2 || (await this.revision()) !== '0002') return false;
    const sum = await this.#sum('id, price', 'goods WHERE id > 0 AND price = id');
    return sum.startsWith('2000:') && app.Config.Env.includes('LOG_LEVEL=debug');
  }

  async #imageId(version: Version): Promise<string> {
    return (await (await engine()).getImage(this.image(version)).inspect()).Id;
  }

  async #configure(version: Version): Promise<void> {
    await this.stack.write('compose.yaml', composeOf(this.project, version === 'v1' ? this.port : undefined));
    await this.stack.configure({
      compose: 'compose.yaml',
      images: undefined,
      tags: { app: version, web: version },
      env: { app: { LOG_LEVEL: version === 'v1' ? 'info' : 'debug' } },
      database: { ...database, readyUpTo: '0' },
      verify: { http: [{ service: 'app', port: 8000, path: '/', withinMs: 2000 }] },
      retain: 1000,
    });
  }

  async #cure(ailment: Ailment, version?: Version): Promise<void> {
    const versions = version === undefined ? ['v1', 'v2'] : [version];
    await execIn(this.container('app'), 'rm', '-f', ...versions.map((it) => `/state/${ailment}-${it}`));
  }

  #sum(columns: string, table: string): Promise<string> {
    return eventually(
      async () => /^\d+:-?\d+$/.exec(await this.database.sql(sumOf(columns, table)))?.[0],
      `the rows of ${table}`,
      60_000,
    );
  }

  async #keptSums(): Promise<string[]> {
    const sums: string[] = [];
    for (const name of await this.database.databases('before')) {
      await this.database.sql(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`, 'postgres');
      sums.push(await this.database.sql(sumOf('id, name, price', 'goods'), name));
      await this.database.sql(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`, 'postgres');
    }
    return sums;
  }

  async #newestSnapshot(): Promise<string> {
    type List = { readonly snapshots: readonly { readonly id: string; readonly revisions: readonly string[] }[] };
    const { snapshots } = await this.stack.rewindJson<List>(['snapshot', 'list']);
    return snapshots.find(({ revisions }) => revisions.join() === '0001')?.id ?? '';
  }
}

export { services };

/** Looks every few milliseconds, until the command has ended. */
function untilHere(isHere: () => boolean): Moment {
  return async (rewind: RunningRewind) => {
    let isOver = false;
    void rewind.ended.then(() => (isOver = true));
    const here = async (): Promise<void> => {
      while (!isOver && !isHere()) await new Promise((resolve) => setTimeout(resolve, 2));
      if (!isHere() && isOver) await new Promise(() => undefined); // the command's end is told by until
    };
    await rewind.until(here());
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
