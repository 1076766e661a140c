import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { engine, eventually, execIn, inspectContainer } from '../support/docker';
import { RunningRewind } from '../support/running-rewind';
import { smallDisk } from '../support/small-disk';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// One stack with a real Postgres, killed and hindered at one stage after the other.

const project = 'rewind-dbfaults';
const image = 'rewind-dbfaults/app:1';
const db = `${project}-db-1`;
const app = `${project}-app-1`;
const kept = 40_000;

const compose = {
  services: {
    db: {
      image: 'apex-db:15',
      environment: { POSTGRES_USER: 'shop', POSTGRES_PASSWORD: 'word', POSTGRES_DB: 'shop' },
      volumes: ['data:/var/lib/postgresql/data'],
      healthcheck: { test: ['CMD', 'pg_isready', '-q', '-U', 'shop', '-d', 'shop'], interval: '10s' },
    },
    app: { image, depends_on: { db: { condition: 'service_healthy' } } },
  },
  volumes: { data: {} },
};

let stack: TestStack;
let snapshot: string;

const sql = (text: string, database = 'shop'): Promise<string> =>
  execIn(db, 'psql', '-X', '-q', '-At', '-P', 'pager=off', '-U', 'shop', '-d', database, '-c', text);
const snapshots = (): string => join(stack.directory, '.rewind', 'stacks', project, 'dev', 'snapshots');
const restore = (): string[] => ['snapshot', 'restore', snapshot, '--yes'];
const rows = (): Promise<string> => sql('SELECT count(*) FROM goods');

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
  await sql(`CREATE TABLE goods (id int PRIMARY KEY, name text)`);
  await sql(`INSERT INTO goods SELECT i, repeat(md5(i::text), 9) FROM generate_series(1, ${kept}) i`);
  snapshot = (await stack.rewindJson<{ id: string }>(['snapshot', 'create'])).id;
});

beforeEach(async () => {
  await sql(`DELETE FROM goods WHERE id > 7`);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

/** Nothing is left of a command that was killed. */
async function expectNothingLeft(): Promise<void> {
  expect(await sql(`SELECT datname FROM pg_database WHERE datname ~ 'shadow|proof'`)).toBe('');
  expect(await execIn(db, 'sh', '-c', 'ls $PGDATA/base/pgsql_tmp 2>/dev/null | grep rewind')).toBe('');
  expect((await readdir(snapshots())).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(await readdir(join(snapshots(), '..'))).not.toContain('paused.json');
  expect((await inspectContainer(app)).State.Running).toBe(true);
}

/** Starts a command, waits for a moment in its work, and kills it. */
async function killed(moment: (rewind: RunningRewind) => Promise<unknown>, ...command: string[]): Promise<void> {
  const rewind = RunningRewind.start(stack, ...command);
  await moment(rewind);
  await rewind.killAlone();
}

const says =
  (text: string) =>
  (rewind: RunningRewind): Promise<void> =>
    rewind.untilItSays(text);
const database =
  (pattern: string) =>
  (rewind: RunningRewind): Promise<void> =>
    rewind.until(
      eventually(
        async () => (await sql(`SELECT 1 FROM pg_database WHERE datname ~ '${pattern}'`, 'postgres')) === '1',
        pattern,
        30_000,
      ),
    );

describe('a restore that is killed', () => {
  test.each([
    ['when it begins', says('restoring')],
    ['while the other database is being filled', database('shadow')],
    ['when a service has been stopped', says('app: stopped')],
    ['while the two change places', says('switching')],
    ['right after the two have changed places', database('before')],
    ['when the services run again', says('app: ready')],
  ])('%s leaves all of the one or of the other, and is finished by the same command', async (_when, moment) => {
    await stack.rewind('snapshot', 'prune', '--databases', '--yes');
    await killed(moment, ...restore());
    expect(['7', `${kept}`]).toContain(
      await eventually(async () => {
        const count = await rows();
        return /^\d+$/.test(count) && count;
      }, 'an answer of the database'),
    );
    await stack.rewind(...restore());
    expect(await rows()).toBe(`${kept}`);
    await expectNothingLeft();
  });

  test.each([[['deploy']], [['snapshot', 'create']], [['restart']]])(
    'while services are stopped is made good by rewind %s, too',
    async (command) => {
      await killed(says('app: stopped'), ...restore());
      expect((await inspectContainer(app)).State.Running).toBe(false);
      await stack.rewind(...command);
      expect((await inspectContainer(app)).State.Running).toBe(true);
      await stack.rewind('snapshot', 'create');
      await expectNothingLeft();
    },
  );
});

test.each([
  ['create', says('dumped')],
  ['verify', database('proof')],
])('a snapshot %s that is killed leaves nothing behind the next one', async (command, moment) => {
  await killed(moment, 'snapshot', command);
  await stack.rewind('snapshot', 'create', '--prove');
  await expectNothingLeft();
});

test.each([
  ['is being filled', database('shadow')],
  ['is about to take its place', says('switching')],
])('a database that is killed while its replacement %s loses nothing', async (_when, moment) => {
  const rewind = RunningRewind.start(stack, ...restore());
  await moment(rewind);
  await (await engine()).getContainer(db).kill();
  expect(await rewind.end()).not.toBe(0);
  expect(rewind.output).toContain('rewind restart');
  await stack.rewind('restart');
  expect(['7', `${kept}`]).toContain(await rows());
  await stack.rewind(...restore());
  expect(await rows()).toBe(`${kept}`);
  await expectNothingLeft();
});

test('Ctrl-C puts back what has begun, and says so', async () => {
  const rewind = RunningRewind.start(stack, ...restore());
  await database('shadow')(rewind);
  rewind.signal('SIGINT');
  expect(await rewind.end()).toBe(3);
  expect(rewind.stderr).toContain('Everything is as it was before.');
  expect(await rows()).toBe('7');
  await expectNothingLeft();
});

test('a table that somebody has locked is not waited for without end, and it is said who', async () => {
  const holder = spawn('docker', ['exec', '-i', '-e', 'PGAPPNAME=import', db, 'psql', '-U', 'shop', '-d', 'shop']);
  holder.stdin.write('BEGIN; LOCK TABLE goods;\n');
  await eventually(
    async () =>
      (await sql(
        `SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'goods'::regclass`,
      )) === '1',
    'the lock',
  );
  const { exitCode, stderr } = await stack.tryRewind(['snapshot', 'create']);
  holder.stdin.end();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/held by shop \(import\), process \d+, .*on goods.*\[database\/locked\]/s);
});

test('clients that connect over and over, and a short statement_timeout, do not keep the two from changing places', async () => {
  await sql(`ALTER DATABASE shop SET statement_timeout = '1ms'`);
  const loop = 'while :; do psql -q -U shop -d shop -c "SELECT pg_sleep(0.2)" >/dev/null 2>&1; done';
  const client = spawn('docker', ['exec', '-i', db, 'timeout', '20', 'sh', '-c', loop]);
  await stack.rewind(...restore());
  client.kill();
  expect(await rows()).toBe(`${kept}`);
  expect(await sql('SHOW statement_timeout')).toBe('0');
});

test('a store without room for a snapshot is told of, and keeps nothing of it', async (context) => {
  const disk = await smallDisk(join(stack.directory, 'small'), '1m');
  if (!disk) return context.skip();
  try {
    await stack.configure({ store: `file://${disk.path}` });
    const { exitCode, stderr } = await stack.tryRewind(['snapshot', 'create']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('[store/unusable]');
    const left = await readdir(join(disk.path, 'stacks', project, 'dev', 'snapshots'));
    expect(left).toEqual([]);
  } finally {
    await stack.configure({ store: undefined });
    await disk.unmount();
  }
});

test('a disk without room for a second database is told of before anything is done', async () => {
  const small = await TestStack.create('rewind-dbroom');
  try {
    const volume = { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=150m' } };
    await small.write('compose.yaml', { services: { db: compose.services.db }, volumes: { data: volume } });
    await small.configure({ database: { service: 'db' } });
    await small.up();
    const { id } = await small.rewindJson<{ id: string }>(['snapshot', 'create']);
    const { exitCode, stderr } = await small.tryRewind(['snapshot', 'restore', id, '--yes']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/needs \d+ MiB .*Nothing has been changed\..*\[database\/no-room\]/s);
  } finally {
    await small.remove();
  }
});
