import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { engine, eventually, execIn } from '../support/docker';
import { TestStack } from '../support/stack';
import { buildImage, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// One stack with a real Postgres, named wrongly, shut, and with names that need quotes everywhere.

const project = 'rewind-dbinput';
const [box, bare] = ['rewind-dbinput/box:1', 'rewind-dbinput/bare:1'];
const [password, other] = ['word-nobody-may-see', 'another-nobody-may-see'];
const db = `${project}-db-1`;
const database = new TestDatabase(db, 'shop', 'shop');

let stack: TestStack;
let snapshot: string;

beforeAll(async () => {
  await makeTaggedImages({ [box]: 'plain' });
  const copy = 'COPY --from=box /bin/busybox /bin/sleep';
  await buildImage(bare, `FROM ${box} AS box`, 'FROM scratch', copy, 'CMD ["/bin/sleep", "1000"]');
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', {
    services: {
      db: databaseService('shop', { password }),
      app: { image: box, depends_on: { db: { condition: 'service_healthy' } } },
      bare: { image: bare, stop_grace_period: '0s' },
    },
    volumes: { data: {} },
  });
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
  await database.sql(`CREATE TABLE goods AS SELECT generate_series(1, 100) AS id`);
  snapshot = (await stack.rewindJson<{ id: string }>(['snapshot', 'create'])).id;
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box, bare);
});

/** A command is refused with one error: what is wrong, how it is mended, its code. */
async function expectRefused(command: readonly string[], message: RegExp, fix: RegExp, code: string): Promise<void> {
  const { exitCode, stdout, stderr } = await stack.tryRewind(command);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(message);
  expect(lines[1]).toMatch(fix);
  expect(lines[1]).toContain(`[${code}]`);
}

const restore = (): string[] => ['snapshot', 'restore', snapshot, '--yes'];
const changing = [
  ['snapshot create', () => ['snapshot', 'create']],
  ['snapshot verify', () => ['snapshot', 'verify']],
  ['snapshot restore', restore],
] as const;

test('a service without so much as a shell is no database', async () => {
  await stack.configure({ database: { service: 'bare' } });
  await expectRefused(
    ['snapshot', 'create'],
    /^The service bare is no Postgres database: its container has no program for that/,
    /Name the service that is: pulumi config set --path rewind:database\.service/,
    'database/not-postgres',
  );
  await stack.configure({ database: { service: 'db' } });
});

describe('a password that is wrong', () => {
  const reload = (from: string, to: string): Promise<string> =>
    execIn(db, 'sh', '-c', `sed -i 's/${from}/${to}/' $PGDATA/pg_hba.conf && kill -HUP 1`);

  beforeAll(async () => {
    await database.sql(`ALTER ROLE shop PASSWORD '${other}'`);
    await reload('^\\(local .*\\)trust', '\\1scram-sha-256');
    await eventually(async () => /password/.test(await database.sql('SELECT 1')), 'a server that asks for it');
  });

  afterAll(async () => {
    await reload('^\\(local .*\\)scram-sha-256', '\\1trust');
    await eventually(async () => (await database.sql('SELECT 1')) === '1', 'a server that asks for none');
  });

  test.each(changing)('is told of by %s', async (_name, command) => {
    await expectRefused(
      command(),
      /^The database of db does not let shop in: the password is wrong\./,
      /set POSTGRES_PASSWORD of db to that, or change the role's: ALTER ROLE/,
      'database/no-login',
    );
  });

  test('does not keep the snapshots from being listed', async () => {
    expect(await stack.rewind('snapshot', 'list')).toMatch(
      new RegExp(`${snapshot}[^]*cannot be listed: .*password is wrong`),
    );
  });

  test('is not echoed, and neither is the right one', () => {
    expect(stack.printed.join('\n')).not.toMatch(new RegExp(`${password}|${other}`));
  });
});

describe('a server that takes no changes', () => {
  test.each(changing)('as it is a replica: %s', async (_name, command) => {
    const container = (await engine()).getContainer(db);
    await execIn(db, 'sh', '-c', 'touch $PGDATA/standby.signal');
    await container.restart();
    await eventually(async () => (await database.sql('SELECT pg_is_in_recovery()')) === 't', 'a replica', 20_000);
    await expectRefused(
      command(),
      /^The database of db is a read-only replica\.$/,
      /Name the service of the primary in rewind:database\.service/,
      'database/read-only',
    );
    await execIn(db, 'sh', '-c', 'rm $PGDATA/standby.signal');
    await container.restart();
    await eventually(async () => (await database.sql('SELECT pg_is_in_recovery()')) === 'f', 'a primary', 20_000);
  });

  test('as its role may not: restore and verify say so before anything is done, and a snapshot can be taken', async () => {
    await database.sql('ALTER ROLE shop SET default_transaction_read_only = on');
    for (const command of [['snapshot', 'verify'], restore()]) {
      await expectRefused(
        command,
        /^The database of db takes no changes: default_transaction_read_only is on .*Nothing has been changed\.$/,
        /ALTER ROLE "shop" RESET default_transaction_read_only/,
        'database/read-only',
      );
    }
    await stack.rewind('snapshot', 'create');
    await database.sql('BEGIN READ WRITE; ALTER ROLE shop RESET default_transaction_read_only; COMMIT');
    await stack.rewind('snapshot', 'verify');
  });

  test('as somebody has shut the database', async () => {
    await database.sql('ALTER DATABASE shop ALLOW_CONNECTIONS false', 'postgres');
    await expectRefused(
      ['snapshot', 'create'],
      /^The database "shop" of db takes no connections\.$/,
      /ALTER DATABASE "shop" ALLOW_CONNECTIONS true/,
      'database/unreachable',
    );
    await database.sql('ALTER DATABASE shop ALLOW_CONNECTIONS true', 'postgres');
  });
});

describe('a name that is none of a snapshot', () => {
  test.each(['../../etc/passwd', '..', 's-20260101-000000/../../..'])(
    '%s is refused by show, verify and restore',
    async (id) => {
      for (const command of [
        ['show', id],
        ['verify', id],
        ['restore', id, '--yes'],
      ]) {
        await expectRefused(
          ['snapshot', ...command],
          new RegExp(`^${JSON.stringify(id).replaceAll(/[.\\/]/g, '\\$&')} is not the name of a snapshot\\.$`),
          /Choose one that rewind snapshot list lists/,
          'snapshot/unknown',
        );
      }
    },
  );

  test.each(['../../etc/passwd', 'postgres', 'shop', `shop.before-20260101-000000"; --`])(
    'nor of a database that is kept: %s',
    async (name) => {
      await expectRefused(
        ['snapshot', 'undo', name, '--yes'],
        /^The server of db keeps no database /,
        /rewind snapshot list/,
        'snapshot/unknown',
      );
    },
  );
});

test('the database that every server is made with is restored as any other', async () => {
  const own = new TestDatabase(db, 'shop', 'postgres');
  await own.sql('CREATE TABLE own AS SELECT 1 AS id');
  await stack.configure({ database: { service: 'db', name: 'postgres' } });
  const { id } = await stack.rewindJson<{ id: string }>(['snapshot', 'create', '--prove']);
  await own.sql('DROP TABLE own');
  await stack.rewind('snapshot', 'restore', id, '--yes');
  expect(await own.sql('SELECT id FROM own')).toBe('1');
  await stack.rewind('snapshot', 'undo', '--yes');
  expect(await own.sql(`SELECT to_regclass('own') IS NULL`)).toBe('t');
});
