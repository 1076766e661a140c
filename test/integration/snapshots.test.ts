import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { parseManifest, renderManifest } from '../../src/snapshots/manifest';
import { containerIds, execIn, inspectContainers } from '../support/docker';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { databaseService } from '../support/test-database';

// One stack with a real Postgres: each test goes on from where the one before it left.

const project = 'rewind-snapshots';
const app = 'rewind-snapshots/app:1';
const password = 'word-nobody-may-see';
const db = `${project}-db-1`;

const compose = {
  services: {
    db: databaseService('shop', { password }),
    app: { image: app, depends_on: { db: { condition: 'service_healthy' } } },
    other: { image: app },
  },
  volumes: { data: {} },
};

interface Snapshot {
  readonly id: string;
  readonly rows: number;
  readonly bytes: number;
  readonly revisions: readonly string[];
  readonly proof?: { readonly ok: boolean; readonly findings: readonly string[] };
}

let stack: TestStack;
let first: Snapshot;

const sql = (text: string, database = 'shop'): Promise<string> =>
  execIn(
    db,
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
    database,
    '-c',
    text,
  );

beforeAll(async () => {
  await makeTaggedImages({ [app]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
  await sql(`
    CREATE TABLE goods (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, price numeric(9,2));
    INSERT INTO goods (name, price) SELECT 'good ' || i, i FROM generate_series(1, 500) i;
    CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('0007');
    ALTER DATABASE shop SET work_mem = '8MB';`);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app);
});

const folderOf = (id: string): string => join(stack.directory, '.rewind', 'stacks', project, 'dev', 'snapshots', id);

describe('a snapshot', () => {
  test('is taken of the running database, and proved', async () => {
    first = await stack.rewindJson<Snapshot>(['snapshot', 'create', '--prove', '-m', 'the first']);
    expect(first).toMatchObject({
      id: expect.stringMatching(/^s-\d{8}-\d{6}$/) as string,
      reason: 'the first',
      service: 'db',
      database: 'shop',
      revisions: ['0007'],
      rows: 501,
      proof: { ok: true, findings: [] },
    });
    expect(
      await sql(`SELECT count(*) FROM pg_database WHERE datname LIKE 'shop.%' AND datname NOT LIKE 'shop.ready-%'`),
    ).toBe('0');
  });

  test('is for its owner alone', async () => {
    for (const name of ['archive', 'settings', 'manifest.json']) {
      expect((await stat(join(folderOf(first.id), name))).mode & 0o777).toBe(0o600);
    }
  });

  test('tells nothing of a row in its manifest', async () => {
    expect(await readFile(join(folderOf(first.id), 'manifest.json'), 'utf8')).not.toContain('good 1');
  });

  test('is listed, with what it holds and whether it is restorable', async () => {
    const lines = (await stack.rewind('snapshot', 'list')).split('\n');
    expect(lines[0]).toMatch(/^snapshot +taken +revision +size +proved +why$/);
    expect(lines[1]).toMatch(new RegExp(`^${first.id} +\\S+ \\S+ +0007 +\\S+ KiB +yes, ready +the first$`));
    expect(await stack.rewind('snapshot', 'show', first.id)).toMatch(/public\.goods +500 rows/);
  });

  test('that comes back otherwise than its manifest says is not restorable, which is said and kept', async () => {
    const { id } = await stack.rewindJson<Snapshot>(['snapshot', 'create']);
    await rewriteManifest(id, (text) => text.replace('"rows": 500', '"rows": 501'));
    expect(await stack.tryRewind(['snapshot', 'verify', id])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('public.goods has 500 rows instead of 501') as string,
    });
    const list = await stack.rewind('snapshot', 'list');
    expect(list).toMatch(new RegExp(`^${id} .* NO`, 'm'));
    expect(list).toMatch(new RegExp(`^${first.id} .* yes, ready`, 'm'));
    await rm(folderOf(id), { recursive: true });
  });

  test('that was cut short or changed is damaged, which is said before anything is tried', async () => {
    const { id } = await stack.rewindJson<Snapshot>(['snapshot', 'create']);
    const archive = join(folderOf(id), 'archive');
    const { size } = await stat(archive);
    await truncate(archive, size - 100);
    expect(await stack.tryRewind(['snapshot', 'verify', id])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining(`has ${size - 100} bytes instead of ${size}`) as string,
    });
    await writeFile(join(folderOf(id), 'manifest.json'), '{"format": 1');
    expect(await stack.rewind('snapshot', 'list')).toMatch(
      new RegExp(`^${id} .*damaged: The manifest .* is cut short`, 'm'),
    );
    await rm(folderOf(id), { recursive: true });
  });
});

describe('a snapshot that cannot be taken', () => {
  test.each([
    [
      'of a service that is no database',
      { service: 'app' },
      /The service app is no Postgres database.*\[database\/not-postgres\]/s,
    ],
    ['of a service that is not there', { service: 'dbb' }, /has no service dbb .*There are: app, db, other\./s],
    [
      'of a database that is not there',
      { service: 'db', name: 'sh"op' },
      /has no database "sh\\"op"\..*\[database\/unknown\]/s,
    ],
    [
      'as a role that is not there',
      { service: 'db', user: "o'brien" },
      /does not let o'brien in\..*\[database\/no-login\]/s,
    ],
  ])('%s: with what to do', async (_what, database, said) => {
    await stack.configure({ database });
    const { exitCode, stderr } = await stack.tryRewind(['snapshot', 'create']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(said);
  });

  test('without a setting that says where the database is', async () => {
    await stack.configure({ database: undefined });
    expect(await stack.tryRewind(['snapshot', 'create'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has no rewind:database') as string,
    });
    await stack.configure({ database: { service: 'db' } });
  });

  test.each(['../../etc/passwd', 's-20200101-000000', 'newest'])('named %s is not there', async (id) => {
    const { exitCode, stderr } = await stack.tryRewind(['snapshot', 'show', id]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${JSON.stringify(id)} is not`);
  });
});

describe('a restore', () => {
  test('brings the rows back, and stops only what uses the database', async () => {
    const before = await startedAt();
    await sql(
      `DELETE FROM goods WHERE id > 10; UPDATE alembic_version SET version_num = '0008'; ALTER DATABASE shop SET work_mem = '9MB';`,
    );
    const result = await stack.rewindJson<{ keptAs: string; outageSeconds: number; loss: object }>([
      'snapshot',
      'restore',
      first.id,
      '--yes',
    ]);
    expect(result.loss).toMatchObject({ tables: [{ name: 'goods', inserted: 0, updated: 0, deleted: 490 }] });
    expect(await sql('SELECT count(*), max(version_num) FROM goods, alembic_version')).toBe('500|0007');
    expect(await sql('SHOW work_mem')).toBe('8MB');
    const after = await startedAt();
    expect(after['app']).not.toBe(before['app']);
    expect([after['other'], after['db']]).toEqual([before['other'], before['db']]);
    expect(await stack.rewind('snapshot', 'list')).toContain(result.keptAs);
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('is undone at once: what was replaced takes its place again, complete', async () => {
    await stack.rewind('snapshot', 'undo', '--yes');
    expect(await sql('SELECT count(*), max(version_num) FROM goods, alembic_version')).toBe('10|0008');
    expect(await sql('SHOW work_mem')).toBe('9MB');
  });

  test('of a snapshot that does not come back changes nothing', async () => {
    const { id } = await stack.rewindJson<Snapshot>(['snapshot', 'create']);
    await rewriteManifest(id, (text) => text.replace('"rows": 10', '"rows": 11'));
    const before = await containerIds(project);
    const { exitCode, stderr } = await stack.tryRewind(['snapshot', 'restore', id, '--yes']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('public.goods has 10 rows instead of 11');
    expect(await sql('SELECT count(*) FROM goods')).toBe('10');
    expect(await containerIds(project)).toEqual(before);
    expect(await sql(`SELECT count(*) FROM pg_database WHERE datname LIKE 'shop.shadow%'`)).toBe('0');
  });

  test('is not done without being asked for', async () => {
    expect(await stack.tryRewind(['snapshot', 'restore', first.id])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--yes') as string,
    });
  });

  test('leaves nothing but what is wanted: prune removes the rest, and says what', async () => {
    const out = await stack.rewind('snapshot', 'prune', '--keep', '1', '--databases', '--yes');
    expect(out).toContain(first.id);
    expect(
      await stack.rewindJson<{ snapshots: Snapshot[]; keptDatabases: unknown[] }>(['snapshot', 'list']),
    ).toMatchObject({
      snapshots: [expect.anything()],
      keptDatabases: [],
    });
  });
});

test('a large database is not compared row by row again, once its snapshot is proved, unless that is asked for', async () => {
  await sql(`
    CREATE TABLE large (id int PRIMARY KEY, data text);
    ALTER TABLE large ALTER data SET STORAGE EXTERNAL;
    INSERT INTO large SELECT i, repeat(md5(i::text), 1000) FROM generate_series(1, 2200) i;`);
  const { id } = await stack.rewindJson<Snapshot>(['snapshot', 'create', '--prove']);
  expect(await stack.rewind('snapshot', 'restore', id, '--yes')).toContain('restored already, counting rows');
  await rewriteManifest(id, (text) =>
    text.replace(/("name": "large",\s+"rows": 2200,\s+"checksum": ")/, (matched) => `${matched}1`),
  );
  const { exitCode, stdout, stderr } = await stack.tryRewind(['snapshot', 'restore', id, '--prove', '--yes']);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('restored, comparing every row');
  expect(stderr).toContain('public.large has other rows');
});

test('the password is in nothing that was printed', () => {
  expect(stack.printed.join('\n')).not.toContain(password);
});

async function startedAt(): Promise<Record<string, string>> {
  const containers = Object.values(await inspectContainers(project));
  return Object.fromEntries(
    containers.map(({ Config: { Labels: labels }, State: state }) => [
      labels['com.docker.compose.service']!,
      state.StartedAt,
    ]),
  );
}

/** Changes a manifest as somebody would who knows how: with a checksum that fits. */
async function rewriteManifest(id: string, change: (text: string) => string): Promise<void> {
  const path = join(folderOf(id), 'manifest.json');
  const manifest = parseManifest(await readFile(path, 'utf8'), path);
  const changed = JSON.parse(change(JSON.stringify(manifest, undefined, 1))) as typeof manifest;
  await writeFile(path, renderManifest(changed));
}
