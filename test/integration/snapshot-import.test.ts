import { spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { run } from '../../src/process';
import { eventually } from '../support/docker';
import { TestStack } from '../support/stack';
import { databaseService } from '../support/test-database';

// The command on a real stack, with backups that its own server has made: each test goes on from the one before it.

const project = 'rewind-import';
const password = 'word-nobody-may-see';
const db = `${project}-db-1`;

const compose = {
  services: {
    db: databaseService('shop', { password }),
  },
  volumes: { data: {} },
};

interface Imported {
  readonly id: string;
  readonly takenAt: string;
  readonly rows: number;
  readonly database: string;
  readonly reason?: string;
  readonly revisions: readonly string[];
  readonly proof: { readonly ok: boolean };
  readonly backup: { readonly kind: string; readonly missingRoles: readonly string[] };
}

let stack: TestStack;

const file = (name: string): string => join(stack.directory, 'backups', name);

/** Runs a program in the database's container. */
async function inDatabase(argv: readonly string[], input?: string): Promise<string> {
  const login = ['PGUSER=shop', 'PGDATABASE=shop', 'PGOPTIONS=-c client_min_messages=warning'];
  const options = [...(input === undefined ? [] : ['-i']), ...login.flatMap((variable) => ['--env', variable])];
  const { exitCode, stdout, stderr } = await run(
    ['docker', 'exec', ...options, db, ...argv],
    input === undefined ? {} : { input },
  );
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

const sql = (text: string): Promise<string> =>
  inDatabase(['psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-f', '-'], text);

/** What pg_dump writes, without what is another one each time. */
const dumped = async (...options: string[]): Promise<string> =>
  (await inDatabase(['pg_dump', ...options])).replaceAll(/^\\(un)?restrict .*$/gm, '');

/** All rows of all tables, and where the sequences stand, without to whom they belong. */
const rows = async (): Promise<string> => (await dumped('--data-only')).replaceAll(/^--.*$/gm, '');

const imported = (name: string, ...options: string[]): Promise<Imported> =>
  stack.rewindJson<Imported>(['snapshot', 'import', join('backups', name), ...options]);

/** All but what the proof of an imported one has left. */
const databases = (): Promise<string> =>
  sql(`SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname NOT LIKE '%.ready-%'`);
const besideTheData = (): Promise<string> => inDatabase(['sh', '-c', 'ls "$PGDATA/base/pgsql_tmp" 2>/dev/null; true']);

beforeAll(async () => {
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
  await mkdir(file(''));
  await sql(`
    CREATE ROLE "Old Shop";
    CREATE ROLE reader;
    CREATE SCHEMA app;
    CREATE TABLE app.goods (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
    INSERT INTO app.goods (name) SELECT E'Müller\\r\\n; \\\\! it''s ' || i FROM generate_series(1, 300) i;
    CREATE VIEW app.names AS SELECT name FROM app.goods;
    CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('0007');
    ALTER TABLE app.goods OWNER TO "Old Shop";
    GRANT SELECT ON app.goods TO reader;
    ALTER DATABASE shop SET work_mem = '8MB';`);
  await writeFile(file('backup_20261120_101500.sql.gz'), gzipSync(await dumped()));
  await writeFile(file('tables.sql'), await dumped('--schema-only'));
  await writeFile(file('nightly.dump'), Buffer.from(await inDatabase(['sh', '-c', 'pg_dump -Fc | base64']), 'base64'));
});

afterAll(() => stack.remove());

describe('rewind snapshot import', () => {
  test('makes a snapshot like any other, with what and when it is of', async () => {
    const snapshot = await imported('nightly.dump', '--at', '2026-11-01T10:15:00Z', '-m', 'for the record');
    expect(snapshot).toMatchObject({
      database: 'shop',
      reason: 'for the record',
      rows: 301,
      revisions: ['0007'],
      takenAt: '2026-11-01T10:15:00.000Z',
      proof: { ok: true },
      backup: { kind: 'custom', missingRoles: [] },
    });
    expect(await stack.rewind('snapshot', 'list')).toMatch(
      new RegExp(`^${snapshot.id} .* 0007 .* yes, ready +for the record$`, 'm'),
    );
    expect(await stack.rewind('snapshot', 'show', snapshot.id)).toMatch(/imported from +\S+nightly\.dump/);
    expect(await stack.rewind('snapshot', 'verify', snapshot.id)).toMatch(/proved +restorable/);
  });

  test('brings the data of another owner’s backup back, and says to whom it belongs now', async () => {
    const before = await rows();
    // What the proof has left stands on these roles, too.
    await stack.rewind('snapshot', 'prune', '--databases', '--yes');
    await sql(`DROP OWNED BY reader; DROP ROLE reader; ALTER TABLE app.goods OWNER TO shop; DROP ROLE "Old Shop";`);
    const out = await stack.rewind('snapshot', 'import', 'backups/backup_20261120_101500.sql.gz');
    expect(out).toContain('This server has no role Old Shop, reader: what belonged to it belongs to shop');
    expect(out).toContain('Its time is the one in its name.');
    expect(out).toMatch(/taken +2026-11-20 10:15/);
    const [, id] = /^(s-\d{8}-\d{6}\S*)$/m.exec(out) ?? [];
    await sql(
      `DELETE FROM app.goods WHERE id > 10; INSERT INTO app.goods (name) VALUES ('since then'); DROP VIEW app.names;`,
    );
    await stack.rewind('snapshot', 'restore', id!, '--yes');
    expect(await rows()).toBe(before);
    expect(await sql('SELECT count(*) FROM app.names')).toBe('300');
    expect(await sql(`SELECT tableowner FROM pg_tables WHERE tablename = 'goods'`)).toBe('shop');
    expect(await sql('SHOW work_mem')).toBe('8MB');
  });

  test('of an archive keeps the rights of roles that are there', async () => {
    await sql('CREATE ROLE reader;');
    const { id, backup } = await imported('nightly.dump');
    expect(backup.missingRoles).toEqual(['Old Shop']);
    await stack.rewind('snapshot', 'restore', id, '--yes');
    expect(await sql(`SELECT has_table_privilege('reader', 'app.goods', 'SELECT')`)).toBe('t');
  });

  test('says what is wrong with one that cannot be used, and touches nothing', async () => {
    const before = [await databases(), await readdir(snapshots()), await dumped()];
    const { exitCode, stdout, stderr } = await stack.tryRewind(['snapshot', 'import', 'backups/tables.sql']);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 1 });
    expect(stderr).toContain('backups/tables.sql has only the tables, no data (pg_dump --schema-only).');
    expect(stderr).toContain('Nothing has been touched.');
    expect(stderr).toContain('[snapshot/unusable]');
    expect([await databases(), await readdir(snapshots()), await dumped()]).toEqual(before);
    expect(await stack.tryRewind(['snapshot', 'import', 'backups/tables.sql', '--at', 'tomorrow'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--at is "tomorrow", which is no time in the past.') as string,
    });
  });

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'that is ended by %s leaves nothing, at the latest for the next one',
    async (signal) => {
      await writeFile(file('slow.sql'), slow(await dumped()));
      const before = [await databases(), await readdir(snapshots())];
      const [program, ...args] = stack.rewindCommand('snapshot', 'import', 'backups/slow.sql');
      const child = spawn(program!, args, {
        cwd: stack.directory,
        env: { ...process.env, ...stack.env },
        stdio: 'ignore',
      });
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      await eventually(async () => (await databases()).includes('.import-'), 'a scratch database', 60_000);
      await eventually(
        async () => (await sql(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`)) !== '0',
        'a restore',
      );
      child.kill(signal);
      await ended;
      if (signal === 'SIGKILL') await imported('nightly.dump');
      expect(await databases()).toBe(before[0]);
      expect(await besideTheData()).toBe('');
      if (signal === 'SIGINT') expect(await readdir(snapshots())).toEqual(before[1]);
    },
  );

  test('lets the password be seen nowhere', () => {
    expect(stack.printed.join('\n')).not.toContain(password);
  });
});

const snapshots = (): string => join(stack.directory, '.rewind', 'stacks', project, 'dev', 'snapshots');

/** A dump that takes a minute to restore. */
function slow(dump: string): string {
  return dump.replace(/(SET row_security = off;\n)/, '$1SELECT pg_sleep(60);\n');
}
