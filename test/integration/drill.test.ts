import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, engine } from '../support/docker';
import { buildMigrationImage, type TestMigration } from '../support/migration-images';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// A stack with a database, of which a drill makes a copy: the stack itself is only read.

const project = 'rewind-drill';
const app = (tag: string): string => `${project}/app:${tag}`;

const goods: TestMigration = {
  revision: '0001',
  about: 'Goods',
  upgrade: ['CREATE TABLE goods (id int PRIMARY KEY)', 'INSERT INTO goods SELECT generate_series(1, 100)'],
  downgrade: ['DROP TABLE goods'],
};
const zones: TestMigration = {
  revision: '0002',
  down: '0001',
  about: 'Zones',
  upgrade: ['CREATE TABLE zones (id int)', 'INSERT INTO zones VALUES (7)'],
  downgrade: ['DROP TABLE zones'],
};
/** Its downgrade fails as soon as there is a zone that was made later. */
const stuck: TestMigration = { ...zones, downgrade: ['SELECT 1 / 0', 'DROP TABLE zones'] };

let stack: TestStack;
let database: TestDatabase;

interface Drill {
  readonly ok: boolean;
  readonly failure?: string;
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
}

/** Everything on the engine that a drill could have left. */
async function leftovers(): Promise<string[]> {
  const docker = await engine();
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  const names = [
    ...containers.flatMap(({ Names: all }) => all),
    ...networks.map(({ Name: name }) => name),
    ...volumes.map(({ Name: name }) => name),
  ];
  return names.filter((name) => name.includes(`${project}-drill-`));
}

beforeAll(async () => {
  await buildMigrationImage(app('v1'), { migrations: [goods] });
  await buildMigrationImage(app('v2'), { migrations: [goods, zones] });
  await buildMigrationImage(app('stuck'), { migrations: [goods, stuck] });
  stack = await TestStack.create(project);
  await stack.write('settings.conf', 'colour = green\n');
  await stack.write('compose.yaml', {
    services: {
      db: { ...databaseService('shop'), ports: ['127.0.0.1:18732:5432'] },
      app: {
        image: app('v1'),
        command: ['sleep', 'infinity'],
        init: true,
        environment: { DATABASE_URL: 'postgresql://shop:word@db/shop' },
        depends_on: { db: { condition: 'service_healthy' } },
        volumes: ['./settings.conf:/etc/settings.conf:ro'],
      },
    },
    volumes: { data: {} },
  });
  await stack.configure({
    database: { service: 'db', alembic: { service: 'app' } },
    verify: { sql: [{ name: 'the goods are there', query: 'SELECT count(*) FROM goods' }] },
  });
  await stack.configureSecret('verify.sql[0].equals', '100');
  await stack.rewind('deploy');
  await stack.rewind('deploy', 'app=v2');
  database = new TestDatabase(`${project}-db-1`, 'shop', 'shop');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('v1'), app('v2'), app('stuck'));
});

describe('a drill', () => {
  test('goes back on a copy of the stack with its data, and leaves the stack alone and nothing behind', async () => {
    const before = await containerIds(project);
    const { ok, phases, failure } = await stack.rewindJson<Drill>(['drill']);
    expect(failure).toBeUndefined();
    expect(ok).toBe(true);
    expect(phases.map(({ name }) => name)).toEqual(['prepare', 'protect', 'switch', 'record']);
    expect(await containerIds(project)).toEqual(before);
    expect(await database.sql('SELECT version_num FROM alembic_version')).toBe('0002');
    expect(await database.sql('SELECT count(*) FROM zones')).toBe('1');
    expect(await stack.plannedSteps()).toEqual({});
    expect(await leftovers()).toEqual([]);
    expect(await readdir(join(stack.directory, '.rewind', 'drills'))).toEqual([]);
  });

  test('is told with the times of the last one, and has a report', async () => {
    expect(await stack.rewind('drill')).toMatch(/gone back and verified +[\d.]+ s {2}\([\d.]+ s the last time\)/);
    expect(await stack.rewind('report')).toContain('drill: r2 back to r1');
  });

  test('that is killed is cleared away by the next one', async () => {
    await RunningRewind.hinder(
      stack,
      ['drill'],
      (rewind) => rewind.untilItSays('going back'),
      (rewind) => rewind.kill(),
    );
    expect(await leftovers()).not.toEqual([]);
    await stack.rewind('drill');
    expect(await leftovers()).toEqual([]);
  });

  test('shows that a rollback does not work, before anybody needs it', async () => {
    await stack.rewind('revert', 'r1', '--yes', '--accept-loss', 'public.zones');
    await stack.rewind('deploy', 'app=stuck');
    const { exitCode, stdout } = await stack.tryRewind(['drill', '--revert-to', 'r1']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/does NOT work/);
    expect(stdout).toContain('division by zero');
    expect(await database.sql('SELECT version_num FROM alembic_version')).toBe('0002');
    expect(await leftovers()).toEqual([]);
  });

  test('can be run regularly', async () => {
    expect(await stack.rewind('drill', '--print', 'cron')).toMatch(/^17 3 2 1,4,7,10 \* cd .* && npx rewind drill/m);
    expect(await stack.rewind('drill', '--print', 'systemd', '--every', 'daily')).toContain('OnCalendar=*-*-* 03:17');
    expect(await stack.rewind('drill', '--print', 'compose')).toContain('npx rewind drill --stack dev');
  });
});
