import { afterAll, beforeAll, expect, test } from 'vitest';

import { briefly, docker, driftOf } from '../support/drift';
import { engine, eventually, execIn, inspectContainer, restartContainers } from '../support/docker';
import { buildMigrationImage, type TestMigration } from '../support/migration-images';
import { TestStack } from '../support/stack';
import { removeTaggedImages } from '../support/tagged-images';
import { databaseService } from '../support/test-database';

// What is as it was released is no drift, whatever was done on the way there. The tests go on from where the one before left;
// that of every key of a compose file is in compose-parity.test.ts.

const project = 'rewind-drift-silent';
const app = (tag: string): string => `rewind-drift-silent/app:${tag}`;
const password = 'word-that-nobody-sees';
const db = `${project}-db-1`;

const goods: TestMigration = {
  revision: '0001',
  about: 'Goods',
  upgrade: ['CREATE TABLE goods (id serial PRIMARY KEY, name text)', `INSERT INTO goods (name) VALUES ('first')`],
  downgrade: ['DROP TABLE goods'],
};
const prices: TestMigration = {
  revision: '0002',
  down: '0001',
  about: 'Prices',
  upgrade: ['ALTER TABLE goods ADD price numeric(10, 2)', 'CREATE INDEX goods_price ON goods (price)'],
  downgrade: ['ALTER TABLE goods DROP price'],
};

const compose = {
  services: {
    db: databaseService('shop', { password }),
    app: {
      image: app('v1'),
      command: ['sleep', 'infinity'],
      init: true,
      environment: { DATABASE_URL: `postgresql://shop:${password}@db/shop` },
      depends_on: { db: { condition: 'service_healthy' } },
    },
    job: { image: app('v1'), command: ['true'], depends_on: { db: { condition: 'service_healthy' } } },
  },
  volumes: { data: {} },
};

let stack: TestStack;

beforeAll(async () => {
  await buildMigrationImage(app('v1'), { migrations: [goods] });
  await buildMigrationImage(app('v2'), { migrations: [goods, prices] });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db', alembic: { service: 'app' } } });
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('v1'), app('v2'));
});

async function expectSilence(): Promise<void> {
  const drift = await driftOf(stack);
  expect(briefly(drift)).toEqual({});
  expect(drift.notes).toEqual([]);
}

const answers = (): Promise<unknown> =>
  eventually(async () => /accepting/.test(await execIn(db, 'pg_isready', '-U', 'shop')), 'the database');

test.each([
  ['a deploy', () => stack.rewind('deploy')],
  ['the same once more', () => stack.rewind('deploy')],
  ['a deploy with a migration', () => stack.rewind('deploy', 'app=v2')],
  ['rows that came in', () => execIn(db, ...sql(`INSERT INTO goods (name) SELECT 'x' FROM generate_series(1, 5000)`))],
  ['a revert, which migrates down', () => stack.revert('r1')],
  ['a deploy after a revert', () => stack.rewind('deploy', 'app=v2')],
  ['a revert that leaves the schema', () => stack.rewind('revert', 'r1', '--yes', '--database=keep')],
  ['a bare pulumi up', () => stack.up()],
  ['a refresh', () => stack.refresh()],
  ['a restart by rewind', () => stack.rewind('restart', '--all', '--yes')],
  ['a restart of every container by the engine', () => restartContainers(project)],
  ['a restart by docker compose', () => stack.compose('restart', '--timeout', '1')],
  ['a stop and a start by docker compose', () => stopAndStart()],
  ['a database that was killed and came back', () => killDatabase()],
  ['a snapshot that was restored', () => restoreSnapshot()],
] as readonly (readonly [string, () => Promise<unknown>])[])('nothing is found after %s', async (_what, work) => {
  await work();
  await answers();
  await expectSilence();
});

test('nothing is found in the middle of a deploy, nor is it in the way of it', async () => {
  const deploying = stack.rewind('deploy', 'app=v2');
  let seen = 0;
  const isOver = deploying.then(
    () => true,
    () => true,
  );
  for (;;) {
    const { findings, isUnderWay } = await driftOf(stack);
    if (isUnderWay) seen++;
    expect(findings.filter(({ severity }) => severity !== 'information')).toEqual([]);
    if (await Promise.race([isOver, Promise.resolve(false)])) break;
  }
  await deploying;
  expect(seen).toBeGreaterThan(0);
  await expectSilence();
});

function sql(text: string): string[] {
  return ['psql', '-X', '-q', '-U', 'shop', '-d', 'shop', '-c', text];
}

async function stopAndStart(): Promise<void> {
  await stack.compose('stop', '--timeout', '1');
  await stack.compose('start');
}

async function killDatabase(): Promise<void> {
  await docker('kill', db);
  await (await engine()).getContainer(db).start();
  await eventually(async () => (await inspectContainer(db)).State.Running, 'the database');
}

async function restoreSnapshot(): Promise<void> {
  const { id } = JSON.parse(await stack.rewind('snapshot', 'create', '--json')) as { id: string };
  await stack.rewind('snapshot', 'restore', id, '--yes');
}
