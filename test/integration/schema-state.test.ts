import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { execIn } from '../support/docker';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { databaseService } from '../support/test-database';

// One stack with a real Postgres: each test goes on from where the one before it left.

const project = 'rewind-schema';
const app = (tag: string): string => `rewind-schema/app:${tag}`;
const password = 'word-nobody-may-see';

const compose = {
  services: {
    db: databaseService('shop', { password }),
    app: { image: app('1'), depends_on: { db: { condition: 'service_healthy' } } },
  },
  volumes: { data: {} },
};

interface Resource {
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

let stack: TestStack;

const psql = [
  'psql',
  '-X',
  '-q',
  '-At',
  '-P',
  'pager=off',
  '-v',
  'ON_ERROR_STOP=1',
  '-U',
  'shop',
  '-d',
  'shop',
] as const;
const sql = (text: string): Promise<string> => execIn(`${project}-db-1`, ...psql, '-c', text);

/** What stands in the state. */
async function schema(): Promise<Resource> {
  const { deployment } = JSON.parse(await stack.exported()) as { deployment: { resources: Resource[] } };
  const found = deployment.resources.filter(({ type }) => type.endsWith(':SchemaState'));
  expect(found).toHaveLength(1);
  return found[0]!;
}

beforeAll(async () => {
  await makeTaggedImages({ [app('1')]: 'plain', [app('2')]: 'newer' });
  // Without what rewind saves the provider from loading: as it is for whoever calls pulumi.
  stack = await TestStack.create(project, { env: { NODE_OPTIONS: '' } });
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('1'), app('2'));
});

describe('the state of the schema', () => {
  test('stands in the stack’s state after an update, without a secret and without a path of this machine', async () => {
    const { inputs, outputs } = await schema();
    expect(outputs).toMatchObject({
      status: 'reachable',
      revision: '',
      fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      serverVersion: (await sql('SHOW server_version')).split(' ')[0],
      sizeMiB: expect.any(Number) as number,
    });
    const text = JSON.stringify({ inputs, outputs });
    expect(text).not.toContain(password);
    expect(text).not.toContain(stack.directory);
    expect(text).not.toMatch(/\/work\/|\/tmp\/|node_modules|0\.1\.0/);
    expect(await stack.exported()).not.toContain(password);
  });

  test('is no change in a preview, and none in one that looks at the database', async () => {
    expect(await stack.plannedSteps()).toEqual({});
    expect(await stack.preview('--refresh', '--expect-no-changes')).not.toMatch(/[~+-] .*SchemaState/);
  });

  test('is the same for rewind, which runs the program in its own process', async () => {
    await stack.rewind('deploy', 'app=2');
    expect((await schema()).outputs).toMatchObject({ status: 'reachable' });
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('shows in a refresh what somebody has done to the schema, and then again nothing', async () => {
    const before = (await schema()).outputs;
    await sql(`CREATE TABLE goods (id int PRIMARY KEY);
      CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
      INSERT INTO alembic_version VALUES ('0002');`);
    const shown = await stack.refresh();
    expect(shown).toMatch(/\+ revision *: "0002"/);
    expect(shown).toMatch(/\+ table *: "2 [0-9a-f]{12}"/);
    const { outputs } = await schema();
    expect(outputs['fingerprint']).not.toBe(before['fingerprint']);
    expect(outputs['objects']).toMatchObject({ table: expect.stringMatching(/^2 /) as string });
    expect(await stack.refresh()).not.toContain('SchemaState');
  });

  test('shows in a preview to which revision somebody has moved it, and is put down by the next update', async () => {
    await sql(`UPDATE alembic_version SET version_num = '0001'`);
    expect(await stack.preview('--refresh')).toMatch(/~ revision *: "0002" => "0001"/);
    await stack.up('--refresh');
    expect((await schema()).outputs).toMatchObject({ status: 'reachable', revision: '0001' });
    expect((await schema()).outputs).not.toHaveProperty('moved');
    expect(await stack.plannedSteps('--refresh')).toEqual({});
  });

  test('is not news because rows came in', async () => {
    await sql('INSERT INTO goods SELECT generate_series(1, 5000)');
    expect(await stack.refresh()).not.toContain('SchemaState');
  });

  test('is said to be out of reach while the database is down, and what was known is kept', async () => {
    await stack.compose('stop', 'db');
    const shown = await stack.preview('--refresh');
    expect(shown).toContain('database unreachable: The service db of rewind-schema/dev does not run.');
    await stack.refresh();
    expect((await schema()).outputs).toMatchObject({
      status: 'database unreachable: The service db of rewind-schema/dev does not run.',
      revision: '0001',
    });
    await stack.compose('start', 'db');
    expect(await stack.plannedSteps()).toMatchObject({ db: 'update' });
    await stack.up();
    expect((await schema()).outputs).toMatchObject({ status: 'reachable', revision: '0001' });
  });

  test('leaves the database alone when it is taken out of the stack, and so does the rest', async () => {
    await stack.configure({ database: undefined });
    await stack.up();
    expect(await stack.exported()).not.toContain('SchemaState');
    expect(await sql('SELECT count(*) FROM goods')).toBe('5000');
    expect(await stack.plannedSteps()).toEqual({});
  });
});
