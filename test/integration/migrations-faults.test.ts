import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { docker } from '../support/drift';
import { eventually, inspectContainer } from '../support/docker';
import { buildMigrationImage } from '../support/migration-images';
import { goods, prices } from '../support/priced-goods';
import { type Moment, RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { imageId, removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// One stack with a real alembic. A revert that takes a migration back is killed and hindered, at one stage after the other.

const project = 'rewind-migfaults';
const app = (tag: string): string => `${project}/app:${tag}`;
const user = 'shop';

const back = ['revert', 'r1', '--yes', '--database=downgrade', '--accept-loss', '0002,public.goods.price'];

let stack: TestStack;
let database: TestDatabase;
let names: string;

const revision = (): Promise<string> =>
  eventually(
    async () => /^\d{4}$/.exec(await database.sql('SELECT version_num FROM alembic_version'))?.[0],
    'the revision',
    60_000,
  );

const sumOfNames = (): Promise<string> =>
  database.sql('SELECT count(*), sum(hashtextextended(name, 0)) FROM goods WHERE id > 0');

const store = (): string => join(stack.directory, '.rewind', 'stacks', project, 'dev');

beforeAll(async () => {
  await buildMigrationImage(app('v1'), { migrations: [goods] });
  await buildMigrationImage(app('v2'), { migrations: [goods, prices] });
  stack = await TestStack.create(project);
  const waits = { command: ['sleep', 'infinity'], init: true };
  await stack.write('compose.yaml', {
    services: {
      db: databaseService(user),
      app: {
        image: app('v1'),
        environment: { DATABASE_URL: `postgresql://${user}:word@db/${user}` },
        depends_on: { db: { condition: 'service_healthy' } },
        ...waits,
      },
      web: { image: app('v1'), depends_on: { app: { condition: 'service_started' } }, ...waits },
    },
    volumes: { data: {} },
  });
  await stack.configure({ database: { service: 'db', alembic: { service: 'app' } } });
  await stack.rewind('deploy');
  database = new TestDatabase(`${project}-db-1`, user, user);
  names = await sumOfNames();
});

beforeEach(async () => {
  if ((await revision()) !== '0002') await stack.rewind('deploy', 'app=v2');
  expect(await revision()).toBe('0002');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('v1'), app('v2'));
});

const snapshotWritten: Moment = (rewind) =>
  rewind.until(
    eventually(
      async () => (await readdir(join(store(), 'snapshots'))).some((name) => name.startsWith('.')),
      'a draft',
      60_000,
    ),
  );
const schemaMoving: Moment = (rewind) => rewind.until(database.session(`query ~ '^SELECT pg_sleep'`));
const schemaMoved: Moment = async (rewind) => {
  await schemaMoving(rewind);
  await rewind.until(database.until(`(SELECT version_num FROM alembic_version) = '0001'`));
};

const rewindKilled: Moment = (rewind) => rewind.killAlone();
const allKilled: Moment = (rewind) => rewind.kill();
const engineKilled: Moment = (rewind) => {
  rewind.killEngine();
  return Promise.resolve();
};
const connectionLost: Moment = () => database.disconnect(`query ~ '^SELECT pg_sleep'`);
const serverKilled: Moment = () => database.kill();
/** Nothing is left at the address that the migration is connected to, and nobody tells it so. */
const addressChanged: Moment = async () => {
  const [network, container] = [`${project}_default`, `${project}-db-1`];
  const address = async (): Promise<string | undefined> =>
    (await inspectContainer(container)).NetworkSettings.Networks[network]?.IPAddress;
  const before = await address();
  await docker('network', 'disconnect', '--force', network, container);
  // Where the engine gives the lowest free address, this one gets it, and goes.
  const helper = await docker('run', '--detach', '--network', network, app('v1'), 'sleep', '60');
  await docker('network', 'connect', '--alias', 'db', network, container);
  await docker('rm', '--force', helper.trim());
  expect(await address()).not.toBe(before);
};
const standing = async (): Promise<string[]> =>
  (
    await docker(
      'ps',
      '--quiet',
      '--filter',
      'label=dev.rewind.one-off-standing',
      '--filter',
      `network=${project}_default`,
    )
  )
    .split('\n')
    .filter((id) => id !== '');
/** The migrations are loaded ahead, beside the snapshot. */
const loadedAhead: Moment = (rewind) =>
  rewind.until(eventually(async () => (await standing()).length > 0, 'migrations that wait', 60_000));
const aheadKilled: Moment = async () => {
  for (const id of await standing()) await docker('kill', id);
};
const moverKilled: Moment = async () => {
  const filters = ['--filter', 'label=dev.rewind.one-off', '--filter', `network=${project}_default`];
  const movers = (await docker('ps', '--quiet', ...filters)).split('\n').filter((id) => id !== '');
  expect(movers).toHaveLength(1);
  await docker('kill', movers[0]!);
};

/** All of the one release or all of the other: no schema of one with the application of the other that is left to be. */
async function expectRelease(tag: 'v1' | 'v2'): Promise<void> {
  expect(await revision()).toBe(tag === 'v1' ? '0001' : '0002');
  const states = await Promise.all(['db', 'app', 'web'].map((it) => inspectContainer(`${project}-${it}-1`)));
  expect(states.map(({ State: { Running: running } }) => running)).toEqual([true, true, true]);
  expect(states[1]!.Image).toBe(await imageId(app(tag)));
  expect(await sumOfNames()).toBe(names);
  expect(await readdir(store())).not.toContain('paused.json');
}

/** What the downgrade has taken away lies aside. */
async function expectPricesKept(): Promise<void> {
  const tables = await database.sql(
    `SELECT string_agg(quote_ident(table_name), ',') FROM information_schema.columns WHERE table_schema = 'rewind_salvage' AND column_name = 'price'`,
  );
  expect(tables).not.toBe('');
  const [newest] = tables.split(',').sort().reverse();
  expect(await database.sql(`SELECT count(price) FROM rewind_salvage.${newest}`)).toBe('2000');
}

/** The same command, as often as one that was left alone is still at its end. */
async function again(): Promise<void> {
  await eventually(
    async () => {
      const { exitCode, stdout, stderr } = await stack.tryRewind(back);
      if (exitCode === 0) return true;
      expect(`${stdout}${stderr}`).toContain('[release/locked]');
      return false;
    },
    'the revert',
    120_000,
  );
}

describe('a revert that takes a migration back is finished by the same command', () => {
  test.each<[what: string, moment: string, at: Moment, fault: Moment]>([
    ['rewind alone is killed', 'while its snapshot is written', snapshotWritten, rewindKilled],
    ['rewind and its engine are killed', 'while the migrations wait for its snapshot', loadedAhead, allKilled],
    ['the migrations are killed', 'while they wait for its snapshot', loadedAhead, aheadKilled],
    ['rewind and its engine are killed', 'while the schema is moved', schemaMoving, allKilled],
    ['its engine is killed', 'when the schema has been moved', schemaMoved, engineKilled],
  ])('although %s %s', async (_what, _moment, at, fault) => {
    await RunningRewind.hinder(stack, back, at, fault);
    await again();
    await expectRelease('v1');
    await expectPricesKept();
    expect(await standing()).toEqual([]);
    expect(await stack.plannedSteps()).toEqual({});
  });
});

describe('a revert that takes a migration back leaves the old schema with the old application', () => {
  test.each<[what: string, moment: string, at: Moment, fault: Moment]>([
    ['the container that moves the schema is killed', 'at it', schemaMoving, moverKilled],
    ['the connection to the database is lost', 'while the schema is moved', schemaMoving, connectionLost],
    ['the database is killed', 'while the schema is moved', schemaMoving, serverKilled],
    ['the database gets another address', 'while the schema is moved', schemaMoving, addressChanged],
  ])('if %s %s', async (_what, _moment, at, fault) => {
    const rewind = await RunningRewind.hinder(stack, back, at, fault);
    expect(await rewind.ended).not.toBe(0);
    await expectRelease('v2');
    expect(await stack.plannedSteps()).toEqual({});
    await again();
    await expectRelease('v1');
  });

  test('if somebody holds a lock on the table, whom it names; and not for longer than it waits for that', async () => {
    const hold = await database.hold('SELECT FROM goods');
    const { exitCode, stdout, stderr } = await stack.tryRewind(back).finally(() => hold.release());
    expect(exitCode).not.toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/held by shop \(import\), process \d+/);
    await expectRelease('v2');
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('if a statement_timeout of the role, which alembic has to keep, ends it; the snapshot is not ended by that', async () => {
    await database.sql(`ALTER ROLE shop SET statement_timeout = '700ms'`);
    const { exitCode, stdout, stderr } = await stack
      .tryRewind(back)
      .finally(() => database.sql('ALTER ROLE shop RESET statement_timeout'));
    expect(exitCode).not.toBe(0);
    expect(`${stdout}${stderr}`).toContain('canceling statement due to statement timeout');
    await expectRelease('v2');
    expect(await stack.plannedSteps()).toEqual({});
    await again();
    await expectRelease('v1');
  });
});
