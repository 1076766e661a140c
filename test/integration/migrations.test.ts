import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { pathBetween } from '../../src/alembic/graph';
import { AlembicImage } from '../../src/alembic/image';
import type { ContainerSpec } from '../../src/container/spec';
import { execInContainer } from '../../src/docker/exec';
import { RewindError } from '../../src/errors';
import { containerIds, engine, eventually, execIn, inspectContainer } from '../support/docker';
import { buildMigrationImage, plainEnvironment, type TestMigration } from '../support/migration-images';
import { argumentsOf, descendantsOf, nameOf } from '../support/processes';
import { RunningPulumi } from '../support/running-pulumi';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { imageId, removeTaggedImages } from '../support/tagged-images';
import { databaseService } from '../support/test-database';

// A stack with a real alembic, in images with one migration more each. The tests go on from where the one before left.

const project = 'rewind-migrations';
const app = (tag: string): string => `rewind-migrations/app:${tag}`;
const password = 'word-that-nobody-sees';

const goods: TestMigration = {
  revision: '0001',
  about: 'Goods',
  upgrade: ['CREATE TABLE goods (id int PRIMARY KEY, name text)', `INSERT INTO goods VALUES (1, 'first')`],
  downgrade: ['DROP TABLE goods'],
};
const zones: TestMigration = {
  revision: '0002',
  down: '0001',
  about: 'Wind zones',
  upgrade: ['CREATE TABLE zones (id int PRIMARY KEY)'],
  downgrade: ['DROP TABLE zones'],
};
const prices: TestMigration = {
  revision: '0003_a_long_name_of_a_revision',
  down: '0002',
  about: 'Prices',
  upgrade: ['ALTER TABLE goods ADD price int', 'UPDATE goods SET price = 7'],
  downgrade: ['ALTER TABLE goods DROP price'],
};
const halfWay: TestMigration = {
  revision: '0003',
  down: '0002',
  about: 'Fails half way',
  upgrade: [
    'CREATE TABLE halves (id int)',
    'raise RuntimeError(f"cannot go on with {op.get_bind().engine.url.password}")',
  ],
  downgrade: ['DROP TABLE halves'],
};
const oneWay: TestMigration = {
  revision: '0003',
  down: '0002',
  about: 'In capitals',
  upgrade: ['UPDATE goods SET name = upper(name)'],
};
const slow: TestMigration = {
  revision: '0003',
  down: '0002',
  about: 'Takes its time',
  upgrade: ['CREATE TABLE slow (id int)', 'SELECT pg_sleep(4)'],
  downgrade: ['DROP TABLE slow'],
};

const images: Readonly<Record<string, readonly TestMigration[]>> = {
  sick: [goods, zones, prices],
  sickCapitals: [goods, zones, oneWay],
  v1: [goods],
  v2: [goods, zones],
  v3: [goods, zones, prices],
  broken: [goods, zones, halfWay],
  capitals: [goods, zones, oneWay],
  slow: [goods, zones, slow],
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
      healthcheck: {
        test: ['CMD-SHELL', '! test -e /app/sick && ! test -e /state/sick'],
        ...{ interval: '1s', retries: 2, start_period: '0s' },
      },
      volumes: ['state:/state'],
    },
    web: {
      image: app('v1'),
      command: ['sleep', 'infinity'],
      init: true,
      depends_on: { app: { condition: 'service_started' } },
    },
  },
  volumes: { data: {}, state: {} },
};

let stack: TestStack;

const sql = (text: string): Promise<string> =>
  execIn(`${project}-db-1`, 'psql', '-X', '-q', '-At', '-P', 'pager=off', '-U', 'shop', '-d', 'shop', '-c', text);

const revision = (): Promise<string> => sql('SELECT string_agg(version_num, $$,$$ ORDER BY 1) FROM alembic_version');

const tag = (name: string): Promise<void> => stack.configure({ tags: { app: name } });

/** Every container of the stack runs. */
async function expectAllRunning(): Promise<void> {
  for (const service of ['db', 'app', 'web']) {
    expect((await inspectContainer(`${project}-${service}-1`)).State.Running, service).toBe(true);
  }
}

beforeAll(async () => {
  for (const [name, migrations] of Object.entries(images)) {
    await buildMigrationImage(app(name), {
      migrations,
      ...(name.startsWith('sick') && { more: ['RUN touch /app/sick'] }),
    });
  }
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db', alembic: { service: 'app' } } });
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(...Object.keys(images).map(app));
});

describe('pulumi up', () => {
  test('brings the schema of a new stack to the migrations of its image', async () => {
    await stack.up();
    expect(await revision()).toBe('0001');
    expect(await stack.plannedSteps('--refresh')).toEqual({});
  });

  test('is preceded by a preview that shows from which revision to which, and what comes', async () => {
    await tag('v3');
    const preview = await stack.preview();
    expect(preview).toMatch(/REVISION *: "0001" => "0003_a_long_name_of_a_revision"/);
    expect(preview).toContain('0002 Wind zones');
    expect(preview).toContain('0003_a_long_name_of_a_revision Prices');
    expect(await revision()).toBe('0001');
  });

  test('with a later tag migrates, and starts what it had stopped', async () => {
    const before = await containerIds(project);
    await stack.up();
    expect(await revision()).toBe('0003_a_long_name_of_a_revision');
    expect(await sql('SELECT price FROM goods')).toBe('7');
    const after = await containerIds(project);
    expect(after[`${project}-web-1`]).toBe(before[`${project}-web-1`]);
    expect(after[`${project}-app-1`]).not.toBe(before[`${project}-app-1`]);
    await expectAllRunning();
    expect(await stack.plannedSteps('--refresh')).toEqual({});
  });

  test('with an earlier tag migrates the schema back with it, in an image that knows the way, after a snapshot', async () => {
    await tag('v1');
    expect(await stack.preview()).toMatch(/REVISION *: "0003_a_long_name_of_a_revision" => "0001"/);
    await stack.up();
    expect(await revision()).toBe('0001');
    await expectAllRunning();
    expect(await stack.plannedSteps()).toEqual({});
    const { snapshots } = await stack.rewindJson<{ snapshots: { revisions: string[] }[] }>(['snapshot', 'list']);
    expect(snapshots.map(({ revisions }) => revisions.join())).toEqual(['0003_a_long_name_of_a_revision', '0001']);
  });

  test('has its snapshots proved behind it, without anybody waiting for that', async () => {
    const proofs = async (): Promise<boolean[] | undefined> => {
      type List = { readonly snapshots: readonly { readonly proof?: { readonly ok: boolean } }[] };
      const { snapshots } = await stack.rewindJson<List>(['snapshot', 'list']);
      const known = snapshots.flatMap(({ proof }) => proof?.ok ?? []);
      return known.length === snapshots.length ? known : undefined;
    };
    expect(await eventually(proofs, 'the proofs', 60_000)).toEqual([true, true]);
  });

  test('of a migration that fails half way leaves the old schema, and the old application running', async () => {
    await tag('broken');
    const before = await containerIds(project);
    const { ok, output } = await stack.tryUp();
    expect(ok).toBe(false);
    expect(output).toContain('The migration failed: RuntimeError: cannot go on');
    expect(output).toContain('[migration/failed]');
    expect(await revision()).toBe('0001');
    expect(await sql(`SELECT to_regclass('halves') IS NULL, to_regclass('zones') IS NULL`)).toBe('t|t');
    expect(await containerIds(project)).toEqual(before);
    await expectAllRunning();
  });
});

test('the history says where the schema of each release stood', async () => {
  await tag('v1');
  const history = await stack.rewindJson<{ release: number; database?: { revisions: string[]; verified?: string } }[]>([
    'history',
  ]);
  expect(history.find(({ release }) => release === 2)?.database).toMatchObject({
    revisions: ['0003_a_long_name_of_a_revision'],
    verified: expect.stringMatching(/^\d{4}-/) as string,
  });
});

describe('rewind', () => {
  test('deploys a migration', async () => {
    await stack.rewind('deploy', 'app=capitals');
    expect(await revision()).toBe('0003');
    expect(await sql('SELECT name FROM goods')).toBe('FIRST');
  });

  test('refuses to go back over a migration without a downgrade before anything changes, and says what can be done', async () => {
    const before = await containerIds(project);
    const { exitCode, stdout, stderr } = await stack.tryRewind(['revert', 'r3', '--yes']);
    expect(exitCode).toBe(1);
    const said = `${stdout}${stderr}`;
    expect(said).toContain('there is no downgrade for: 0003 In capitals');
    expect(said).toContain('--database=keep');
    expect(said).toMatch(/--database=restore with rewind revert \(s-\d+-\d+\)/);
    expect(await containerIds(project)).toEqual(before);
    expect(await stack.rewind('plan', 'r3')).toContain('0003 In capitals');
  });

  test('keeps the schema when a release comes back, if that is asked for', async () => {
    await stack.rewind('revert', 'r3', '--yes', '--database=keep');
    expect(await revision()).toBe('0003');
    expect((await inspectContainer(`${project}-app-1`)).Config.Image).toBe(
      (await inspectContainer(`${project}-web-1`)).Config.Image,
    );
  });

  test('brings the data of then back from a snapshot, and keeps what it replaces', async () => {
    await sql(`INSERT INTO goods VALUES (2, 'second')`);
    await stack.revert('r3', '--database=restore');
    expect(await revision()).toBe('0001');
    expect(await sql('SELECT string_agg(name, $$,$$ ORDER BY id) FROM goods')).toBe('first');
    const { keptDatabases } = await stack.rewindJson<{ keptDatabases: unknown[] }>(['snapshot', 'list']);
    expect(keptDatabases).toHaveLength(1);
    await expectAllRunning();
    expect(await stack.plannedSteps('--refresh')).toEqual({});
  });

  test('does not restore once more what stands in the configuration', async () => {
    await sql(`INSERT INTO goods VALUES (3, 'third')`);
    await stack.rewind('deploy', 'app=v2');
    expect(await revision()).toBe('0002');
    expect(await sql('SELECT string_agg(name, $$,$$ ORDER BY id) FROM goods')).toBe('first,third');
    await stack.revert('--database=downgrade');
    expect(await revision()).toBe('0001');
    expect(await sql('SELECT string_agg(name, $$,$$ ORDER BY id) FROM goods')).toBe('first,third');
  });
});

describe('a deploy whose service does not get ready after its migration', () => {
  test('is put back with the schema: what can be undone is undone', async () => {
    await sql(`INSERT INTO goods VALUES (4, 'fourth')`);
    const { exitCode, stdout } = await stack.tryRewind(['deploy', 'app=sick']);
    expect(stdout).toContain('runs again');
    expect(exitCode).not.toBe(0);
    expect(await revision()).toBe('0001');
    expect(await sql('SELECT string_agg(name, $$,$$ ORDER BY id) FROM goods')).toBe('first,third,fourth');
    await expectAllRunning();
  });

  test('is put back with the data of before, where undoing would not bring it back', async () => {
    await stack.tryRewind(['deploy', 'app=sickCapitals']);
    expect(await revision()).toBe('0001');
    expect(await sql('SELECT string_agg(name, $$,$$ ORDER BY id) FROM goods')).toBe('first,third,fourth');
    await expectAllRunning();
    expect(await stack.plannedSteps()).toEqual({});
  });
});

test('a revert with a restore whose service does not get ready is put back with the data of before', async () => {
  await stack.rewind('snapshot', 'create');
  const app = { ...compose.services.app, healthcheck: { ...compose.services.app.healthcheck, test: ['CMD', 'true'] } };
  await stack.write('compose.yaml', { ...compose, services: { ...compose.services, app } });
  await stack.rewind('deploy');
  await sql(`INSERT INTO goods VALUES (5, 'fifth')`);
  const asRoot = async (...argv: string[]): Promise<void> => {
    const container = (await engine()).getContainer(`${project}-app-1`);
    expect(await execInContainer(container, { argv, user: 'root' })).toMatchObject({ exitCode: 0 });
  };
  await asRoot('touch', '/state/sick');
  const command = await stack.agreeing('revert', '--yes', '--database=restore');
  const { exitCode, stdout, stderr } = await stack.tryRewind(command);
  expect(stdout, stderr).toMatch(/Service app (is unhealthy|did not become ready)[^]*runs again/);
  expect(exitCode).not.toBe(0);
  expect(await sql('SELECT string_agg(name, $$,$$ ORDER BY id) FROM goods')).toBe('first,third,fourth,fifth');
  await expectAllRunning();
  expect(await stack.plannedSteps()).toEqual({});
  await asRoot('rm', '/state/sick');
});

test('a migration waits for a lock that somebody else holds, but not for ever, and says who holds it', async () => {
  const reading = sql('BEGIN; SELECT FROM goods; SELECT pg_sleep(120)');
  const holds = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)' AND pid <> pg_backend_pid()`;
  const pid = await eventually(async () => (await sql(holds)) || undefined, 'the reader', 20_000);
  const { exitCode, stdout } = await stack.tryRewind(['deploy', 'app=v3']);
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`It is held by shop (psql), process ${pid}`);
  expect(stdout).toContain('Nothing has changed.');
  await sql(`SELECT pg_terminate_backend(${pid})`);
  await reading;
  expect(await revision()).toBe('0001');
  await expectAllRunning();
});

/** Whether the slow migration is at work. */
const isAtIt = async (): Promise<boolean> =>
  (await sql(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'`)) === '1';

test('a command that is killed in the middle of a migration is finished by the same command', async () => {
  await stack.rewind('deploy', 'app=v2');
  await tag('slow');
  await stack.configure({ images: undefined });
  const running = RunningPulumi.start(stack, 'up', '--yes', '--skip-preview');
  await eventually(isAtIt, 'the migration', 60_000);
  const ops: number[] = [];
  for (const pid of descendantsOf(running.pid)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.startsWith('node\0') && line.includes('op.js\0migrate')) ops.push(pid);
  }
  expect(ops).toHaveLength(1);
  process.kill(ops[0]!, 'SIGKILL');
  expect(await running.ended).not.toBe(0);
  await stack.up();
  expect(await revision()).toBe('0003');
  await expectAllRunning();
  expect(await stack.plannedSteps()).toEqual({});
});

/** What stands in the state of the commands: which properties, and whether they are secret. */
async function commandsInState(): Promise<Record<string, unknown>> {
  interface Resource {
    readonly type: string;
    readonly urn: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly outputs: Readonly<Record<string, unknown>>;
  }
  const { deployment } = JSON.parse(await stack.exported()) as { deployment: { resources: Resource[] } };
  const kinds = (properties: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(properties).map(([name, it]) => [
        name,
        JSON.stringify(it).includes('ciphertext') ? 'secret' : typeof it,
      ]),
    );
  const commands = deployment.resources.filter(
    ({ type, urn }) => type === 'command:local:Command' && !urn.endsWith('-restore'),
  );
  return Object.fromEntries(
    commands.map(({ urn, inputs, outputs }) => [
      urn,
      { inputs: kinds(inputs), outputs: kinds(outputs), create: inputs['create'] },
    ]),
  );
}

test('rewind does the steps itself, and the state is as if the plugin had done them', async () => {
  await tag('v2');
  await stack.configure({ images: undefined });
  await stack.up();
  expect(await revision()).toBe('0002');
  const byPlugin = await commandsInState();
  expect(Object.keys(byPlugin)).toHaveLength(3);

  const rewind = RunningRewind.start(stack, 'deploy', 'app=slow');
  await rewind.until(eventually(isAtIt, 'the migration', 60_000));
  const started = descendantsOf(rewind.pid).map((pid) => `${nameOf(pid)} ${argumentsOf(pid)}`);
  expect(started.some((it) => it.includes('pulumi-resource-docker'))).toBe(true);
  expect(started.filter((it) => /op\.js|resource-command/.test(it))).toEqual([]);
  expect(await rewind.end(), rewind.stdout).toBe(0);
  expect(await revision()).toBe('0003');
  expect(await commandsInState()).toEqual(byPlugin);
  expect(await stack.plannedSteps()).toEqual({});
});

describe('alembic in an image', () => {
  const odd = async (
    name: string,
    image: Parameters<typeof buildMigrationImage>[1],
    envs: readonly string[] = [],
  ): Promise<AlembicImage> => {
    await buildMigrationImage(app(name), image);
    await sql(`CREATE DATABASE ${name}`);
    const like: ContainerSpec = {
      name: `${project}-${name}`,
      image: undefined,
      labels: [],
      restart: 'no',
      maxRetryCount: 0,
      networksAdvanced: [{ name: `${project}_default` }],
      envs: [`DATABASE_URL=postgresql://shop:${password}@db/${name}`, ...envs],
    };
    odds.push(app(name));
    return new AlembicImage(await engine(), like, await imageId(app(name)));
  };
  const odds: string[] = [];
  afterAll(() => removeTaggedImages(...odds));

  test('with branches, a merge and several heads moves each, up and down', async () => {
    const step = (name: string, down?: string | readonly string[]): TestMigration => ({
      revision: name,
      ...(down !== undefined && { down }),
      about: name,
      upgrade: [`CREATE TABLE t_${name} (id int)`],
      downgrade: [`DROP TABLE t_${name}`],
    });
    const migrations = [
      step('a'),
      step('b1', 'a'),
      step('b2', 'a'),
      step('m', ['b1', 'b2']),
      step('x'),
      step('y', 'x'),
    ];
    const alembic = await odd('branches', { migrations });
    const graph = await alembic.graph();
    expect(graph.heads).toEqual(['m', 'y']);
    const move = async (from: string[], to: string[]): Promise<readonly string[]> => {
      const { undo, apply } = pathBetween(graph, from, to);
      const names = (list: typeof undo): string[] => list.map((it) => it.revision);
      return (await alembic.move({ undo: names(undo), apply: names(apply) })).heads;
    };
    expect(await move([], ['m', 'y'])).toEqual(['m', 'y']);
    expect(await move(['m', 'y'], ['b1', 'x'])).toEqual(['b1', 'x']);
    expect(await move(['b1', 'x'], ['b2', 'y'])).toEqual(['b2', 'y']);
  });

  test('in an asynchronous env.py, with a version table of its own in a schema of its own', async () => {
    const environment = plainEnvironment
      .replace('options = {}', 'options = dict(version_table="steps", version_table_schema="ops")')
      .replace('else:\n', 'else:\n  import asyncio\n  async def run():\n    await asyncio.sleep(0)\n')
      .concat('  asyncio.run(run())\n');
    const alembic = await odd('asynchronous', { migrations: [goods], environment });
    await execIn(`${project}-db-1`, 'psql', '-U', 'shop', '-d', 'asynchronous', '-c', 'CREATE SCHEMA ops');
    expect((await alembic.graph()).versionTable).toEqual({ table: 'steps', schema: 'ops' });
    expect(await alembic.move({ undo: [], apply: ['0001'] })).toMatchObject({
      heads: ['0001'],
      table: 'steps',
      schema: 'ops',
    });
  });

  test('loaded ahead goes on from there; where nothing waits any more, it is loaded again', async () => {
    const alembic = await odd('ahead', { migrations: [goods] });
    const client = await engine();
    const label = ['dev.rewind.one-off=migration', `dev.rewind.one-off-like=${project}-ahead`];
    const there = async (): Promise<string[]> =>
      (await client.listContainers({ filters: { label } })).map(({ Id: id }) => id);
    const up = { undo: [], apply: ['0001'] };
    const ahead = await alembic.standBy(up);
    let seen: string[] = [];
    const whenLoaded = async (): Promise<void> => {
      seen = await there();
    };
    expect((await alembic.state()).heads).toEqual([]);
    expect((await alembic.move(up, { whenLoaded, standing: ahead })).heads).toEqual(['0001']);
    expect(seen).toEqual([ahead]);

    const down = { undo: ['0001'], apply: [] };
    const killed = await alembic.standBy(down);
    await client.getContainer(killed).remove({ force: true });
    expect((await alembic.move(down, { whenLoaded, standing: killed })).heads).toEqual([]);
    expect(seen).toHaveLength(1);
    expect(seen).not.toContain(killed);
    await eventually(async () => (await there()).length === 0, 'the end of all containers', 10_000);
  });

  test('does nothing unless it is told to go on once everything is loaded', async () => {
    const alembic = await odd('waiting', { migrations: [goods] });
    const stopped = new RewindError({ code: 'migration/failed', message: 'not now', fix: 'Later.' });
    await expect(
      alembic.move({ undo: [], apply: ['0001'] }, { whenLoaded: () => Promise.reject(stopped) }),
    ).rejects.toBe(stopped);
    expect((await alembic.state()).heads).toEqual([]);
  });
});

test('the password is in nothing that was printed, and in nothing that is kept of the stack', async () => {
  expect(stack.printed.join('\n')).not.toContain(password);
  expect(await stack.exported()).not.toContain(password);
  const run = await readFile(join(stack.directory, '.rewind', 'stacks', project, 'dev', 'data', 'run'));
  expect(run.includes(password)).toBe(false);
});
