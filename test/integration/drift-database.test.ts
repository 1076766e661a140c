import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { briefly, docker, driftOf, foundAndPutRight, type MadeDrift } from '../support/drift';
import { eventually, execIn } from '../support/docker';
import { buildMigrationImage, type TestMigration } from '../support/migration-images';
import { SeenByRefresh } from '../support/seen-by-refresh';
import { TestStack } from '../support/stack';
import { removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// A stack with a database that somebody works on by hand. What can be done to a schema is in schema-drift.test.ts; here it
// goes through the command.

const project = 'rewind-drift-database';
const app = (tag: string): string => `rewind-drift-database/app:${tag}`;
const password = 'word-that-nobody-sees';
const db = `${project}-db-1`;

const goods: TestMigration = {
  revision: '0001',
  about: 'Goods',
  upgrade: [
    'CREATE TABLE goods (id serial PRIMARY KEY, name text, kind varchar(10) NOT NULL)',
    'CREATE VIEW names AS SELECT name FROM goods',
    `INSERT INTO goods (name, kind) VALUES ('first', 'a')`,
  ],
  downgrade: ['DROP VIEW names', 'DROP TABLE goods'],
};
const zones: TestMigration = {
  revision: '0002',
  down: '0001',
  about: 'Zones',
  upgrade: ['CREATE TABLE zones (id int PRIMARY KEY)', 'CREATE INDEX goods_name ON goods (name)'],
  downgrade: ['DROP INDEX goods_name', 'DROP TABLE zones'],
};

const compose = {
  services: {
    db: { ...databaseService('shop', { password }), command: ['postgres', '-c', 'log_statement=ddl'] },
    app: {
      image: app('v2'),
      command: ['sleep', 'infinity'],
      init: true,
      environment: { DATABASE_URL: `postgresql://shop:${password}@db/shop` },
      depends_on: { db: { condition: 'service_healthy' } },
    },
  },
  volumes: { data: {} },
};

let stack: TestStack;
const database = new TestDatabase(db, 'shop', 'shop');
const sql = (text: string): Promise<string> => database.sql(text);

const drifts: readonly MadeDrift[] = [
  {
    name: 'an index more',
    make: () => sql('CREATE INDEX by_hand ON goods (kind)'),
    found: { 'database/index public.by_hand': 'changed: not there → there' },
  },
  {
    name: 'an index less',
    make: () => sql('DROP INDEX goods_name'),
    found: { 'database/index public.goods_name': 'changed: there → not there' },
  },
  {
    name: 'a column of another type, which a view reads',
    make: () =>
      sql(
        'DROP VIEW names; ALTER TABLE goods ALTER name TYPE varchar(99); CREATE VIEW names AS SELECT name FROM goods',
      ),
    found: { 'database/column public.goods.name': 'changed: type → another type' },
  },
  {
    name: 'a table more, with rows in it',
    make: () => sql('CREATE TABLE leftover AS SELECT 1 AS a'),
    found: { 'database/table public.leftover': 'changed: not there → there' },
  },
  {
    name: 'a view less',
    make: () => sql('DROP VIEW names'),
    found: { 'database/view public.names': 'broken: there → not there' },
  },
  {
    name: 'a right for everybody',
    make: () => sql('GRANT SELECT ON goods TO PUBLIC'),
    found: { 'database/table public.goods': 'changed: SELECT for everybody → another SELECT for everybody' },
  },
  {
    name: 'a role with a password',
    make: () => sql(`CREATE ROLE intruder LOGIN PASSWORD 'word-of-intruder'`),
    found: { 'database/role intruder': 'changed: not there → there' },
  },
  {
    name: 'a schema that somebody has moved back with alembic',
    make: () => execIn(`${project}-app-1`, 'sh', '-c', 'cd /app && alembic downgrade -1'),
    found: {
      'database/revision': 'broken: 0002 → 0001',
      'database/index public.goods_name': 'changed: there → not there',
      'database/table public.zones': 'broken: there → not there',
    },
  },
  {
    name: 'a table that is gone with its rows, which only a snapshot brings back',
    make: () => sql('DROP TABLE zones'),
    found: { 'database/table public.zones': 'broken: there → not there' },
    mend: () => sql('CREATE TABLE zones (id int PRIMARY KEY)'),
  },
  {
    name: 'a database that is down',
    make: () => docker('stop', db),
    found: {
      'container/db-1/state': 'broken: running → exited with 0',
      'database/unreachable': /^broken: answers → The service db of .* does not run\.$/,
    },
  },
  {
    name: 'a database that is paused',
    make: () => docker('pause', db),
    found: {
      'container/db-1/state': 'broken: running → paused',
      'database/unreachable': /^broken: answers → The service db of .* does not run\.$/,
    },
    fix: ['database/unreachable'],
  },
  {
    name: 'a database without a container',
    make: () => docker('rm', '-f', db),
    found: {
      'container/db-1/exists': 'broken: running → missing',
      'database/unreachable': /^broken: answers → The stack .* has no service db on this engine/,
    },
  },
  {
    name: 'a check that does not hold',
    make: () => sql('DELETE FROM goods'),
    found: { 'database/check there are goods': 'broken: holds → 0, which is less than 1' },
    mend: () => sql(`INSERT INTO goods (name, kind) VALUES ('first', 'a')`),
  },
];

beforeAll(async () => {
  await buildMigrationImage(app('v2'), { migrations: [goods, zones] });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({
    database: { service: 'db', alembic: { service: 'app' } },
    verify: { sql: [{ name: 'there are goods', query: 'SELECT count(*) FROM goods', atLeast: 1 }] },
  });
  await stack.rewind('deploy');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('v2'));
});

const answers = (): Promise<unknown> =>
  eventually(async () => /accepting/.test(await execIn(db, 'pg_isready', '-U', 'shop')), 'the database');

const snapshots = async (): Promise<number> =>
  (JSON.parse(await stack.rewind('snapshot', 'list', '--json')) as { snapshots: unknown[] }).snapshots.length;

test('a stack that was just deployed is as it should be', async () => {
  expect(briefly(await driftOf(stack))).toEqual({});
});

describe('is found, named, and put right:', () => {
  const refresh = new SeenByRefresh('database');

  afterAll(() => refresh.write());

  test.each(drifts)('$name', async (drift) => {
    await foundAndPutRight(drift, {
      stack,
      refresh,
      secrets: /word-of-intruder|word-that-nobody-sees/,
      settled: answers,
    });
  });
});

describe('the statements', () => {
  test('are told both ways, and run in a transaction after a snapshot', async () => {
    const before = await snapshots();
    await sql('CREATE INDEX by_hand ON goods (kind)');
    const { findings } = await driftOf(stack, '--only', 'databases');
    expect(findings).toMatchObject([
      {
        group: 'db',
        fix: 'ddl',
        sql: { forth: expect.stringContaining('CREATE INDEX by_hand') as string, back: 'DROP INDEX public.by_hand;' },
      },
    ]);
    const { stdout } = await stack.tryRewind(['drift']);
    expect(stdout).toMatch(/undone by:\n +DROP INDEX public\.by_hand;/);
    await stack.rewind('drift', '--fix', 'database/index public.by_hand', '--yes');
    expect(await snapshots()).toBe(before + 1);
    expect(briefly(await driftOf(stack))).toEqual({});
    // What verifies a stack agrees.
    await stack.rewind('verify');
  });

  test('that fail leave everything as it was', async () => {
    await sql(
      `CREATE INDEX by_hand ON goods (kind); ALTER TABLE goods ALTER kind DROP NOT NULL; INSERT INTO goods (name) VALUES ('none')`,
    );
    const found = briefly(await driftOf(stack));
    const { exitCode, stderr } = await stack.tryRewind(['drift', '--fix', '--yes']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('null values');
    expect(briefly(await driftOf(stack))).toEqual(found);
    await sql('DELETE FROM goods WHERE kind IS NULL');
    await stack.rewind('drift', '--fix', '--yes');
    expect(briefly(await driftOf(stack))).toEqual({});
  });
});

test('since when it is so, and by what, is told where the server logs it', async () => {
  await sql('CREATE INDEX by_hand ON goods (kind)');
  const { findings } = await driftOf(stack);
  expect(findings).toMatchObject([{ by: expect.stringMatching(/^CREATE INDEX by process \d+$/) as string }]);
  expect(Math.abs(Date.parse(findings[0]!.since!) - Date.now())).toBeLessThan(60_000);
  await sql('DROP INDEX by_hand');
});

describe('rewind drift --accept', () => {
  test('takes a schema over, with a migration that does nothing where it was done by hand', async () => {
    await mkdir(join(stack.directory, 'migrations', 'versions'), { recursive: true });
    await writeFile(join(stack.directory, 'alembic.ini'), '[alembic]\nscript_location = migrations\n');
    await sql(
      'CREATE TABLE extras (id int PRIMARY KEY, at time DEFAULT $$12:30$$); CREATE INDEX by_hand ON goods (kind)',
    );
    await stack.rewind('drift', '--accept', '--yes');
    expect(briefly(await driftOf(stack))).toEqual({});
    await stack.rewind('verify');
    const [name] = await readdir(join(stack.directory, 'migrations', 'versions'));
    const source = await readFile(join(stack.directory, 'migrations', 'versions', name!), 'utf8');
    expect(source).toContain('down_revision = "0002"');
    // The release that has it finds it there; one that goes back takes it away.
    await buildMigrationImage(app('v3'), {
      migrations: [goods, zones],
      more: [`RUN echo ${Buffer.from(source).toString('base64')} | base64 -d > /app/migrations/versions/${name!}`],
    });
    await stack.rewind('deploy', 'app=v3');
    expect(briefly(await driftOf(stack))).toEqual({});
    await stack.revert('r1');
    expect(await sql(`SELECT to_regclass('extras') IS NULL AND to_regclass('by_hand') IS NULL`)).toBe('t');
    expect(briefly(await driftOf(stack))).toEqual({});
    await stack.rewind('deploy', 'app=v3');
    expect(await sql(`SELECT to_regclass('extras') IS NULL OR to_regclass('by_hand') IS NULL`)).toBe('f');
    expect(briefly(await driftOf(stack))).toEqual({});
    await removeTaggedImages(app('v3'));
  });
});
