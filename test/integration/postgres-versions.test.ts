import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { snapshotRoundTrips } from '../../soak/snapshots/round-trips';
import { buildMigrationImage, plainEnvironment, type TestMigration } from '../support/migration-images';
import { postgresImages } from '../support/postgres-images';
import { TestStack } from '../support/stack';
import { removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// All of it on the oldest version of Postgres that Rewind works with, on the example's and on a newer one: with names with
// quotes and spaces in every place where a name of a database can stand, that of alembic's table among them.

const app = (tag: string): string => `rewind-versions/app:${tag}`;
const user = 'the shop'; // initdb takes no quotes
const name = `the shop's "data"`;

const environment = plainEnvironment
  .replace('options = {}', `options = dict(version_table='the "steps"', version_table_schema="op's")`)
  .replace(
    /^( *)context\.configure\(connection/m,
    `$1connection.execute(sa.text('CREATE SCHEMA IF NOT EXISTS "op\\'s"'))\n$&`,
  );

const goods: TestMigration = {
  revision: '0001',
  about: `The "goods" of Ann's shop`,
  upgrade: [`CREATE TABLE "the ""goods""" ("it's" int PRIMARY KEY)`, `INSERT INTO "the ""goods""" VALUES (1)`],
  downgrade: ['DROP TABLE "the ""goods"""'],
};
const prices: TestMigration = {
  revision: '0002',
  down: '0001',
  about: `The "prices", and what they're for`,
  upgrade: [`ALTER TABLE "the ""goods""" ADD "a ""price""" int`, `UPDATE "the ""goods""" SET "a ""price""" = 7`],
  downgrade: [`ALTER TABLE "the ""goods""" DROP "a ""price"""`],
};

function composeFile(image: string): object {
  return {
    services: {
      db: { ...databaseService(user, { name }), image },
      app: {
        image: app('v1'),
        command: ['sleep', 'infinity'],
        init: true,
        environment: { DATABASE_URL: `postgresql://${encodeURIComponent(user)}:word@db/${name}` },
        depends_on: { db: { condition: 'service_healthy' } },
      },
    },
    volumes: { data: {} },
  };
}

beforeAll(async () => {
  await buildMigrationImage(app('v1'), { migrations: [goods], environment });
  await buildMigrationImage(app('v2'), { migrations: [goods, prices], environment });
});

afterAll(async () => {
  await removeTaggedImages(app('v1'), app('v2'));
});

describe.each(postgresImages)('Postgres $version', ({ version, made }) => {
  let image: string | undefined;

  beforeAll(async () => {
    image = await made();
  });

  test('a snapshot knows the revision, the schema goes back, and what that drops lies aside', async (context) => {
    if (!image) return context.skip(cannotBeHad);
    const project = `rewind-postgres${version}`;
    const stack = await TestStack.create(project);
    try {
      await stack.write('compose.yaml', composeFile(image));
      await stack.configure({ database: { service: 'db', alembic: { service: 'app' } } });
      const database = new TestDatabase(`${project}-db-1`, user, name);
      const revision = (): Promise<string> => database.sql(`SELECT version_num FROM "op's"."the ""steps"""`);
      await stack.rewind('deploy');
      await stack.rewind('deploy', 'app=v2');
      expect(await revision()).toBe('0002');
      expect(await database.sql('SHOW server_version')).toMatch(new RegExp(`^${version}[.]`));
      expect(await stack.exported()).toContain(`"the \\"steps\\""`);
      expect(await stack.rewindJson(['snapshot', 'create', '--prove'])).toMatchObject({
        revisions: ['0002'],
        proof: { ok: true },
      });
      expect(await compressionOf(stack)).toBe(Number(version) < 16 ? 'gzip' : 'zstd');
      expect(await stack.rewind('plan', 'r1')).toContain(`The "prices", and what they're for`);
      await stack.revert('r1', '--database=downgrade');
      expect(await revision()).toBe('0001');
      const kept = await database.sql(
        `SELECT quote_ident(table_name) FROM information_schema.columns WHERE table_schema = 'rewind_salvage' AND column_name = 'a "price"'`,
      );
      expect(await database.sql(`SELECT "a ""price""" FROM rewind_salvage.${kept}`)).toBe('7');
      await stack.revert('r2', '--database=restore');
      expect(await revision()).toBe('0002');
      expect(await database.sql(`SELECT "a ""price""" FROM "the ""goods"""`)).toBe('7');
      expect(await stack.plannedSteps('--refresh')).toEqual({});
    } finally {
      await stack.remove();
    }
  });

  test('a database that is made up, changed and restored from its snapshot is again what it was', async (context) => {
    if (!image) return context.skip(cannotBeHad);
    await snapshotRoundTrips({
      project: `rewind-snapshots-random${version}`,
      seed: 11,
      rounds: 2,
      say: () => undefined,
      postgresImage: image,
    });
  });
});

test('roles that read every table are refused on Postgres 13 before anything changes', async (context) => {
  const image = await postgresImages[0]!.made();
  if (!image) return context.skip(cannotBeHad);
  const stack = await TestStack.create('rewind-postgres13-roles');
  try {
    const ports = ['127.0.0.1:47816:5432'];
    await stack.write('compose.yaml', {
      services: { db: { ...databaseService('shop'), image, ports } },
      volumes: { data: {} },
    });
    await stack.configure({ database: { service: 'db' } });
    await stack.rewind('deploy');
    await stack.configure({ database: { service: 'db', verifier: true, roles: { monitor: 'none', reports: 'read' } } });
    const { exitCode, stdout, stderr } = await stack.tryRewind(['deploy']);
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toMatch(
      /The database of db is Postgres 13[.]\d+, which has no role that reads every table/,
    );
    expect(stdout + stderr).toContain('rewind:database declares verifier, roles.reports. Nothing has been changed.');
    await stack.configure({ database: { service: 'db', roles: { monitor: 'none' } } });
    await stack.rewind('deploy');
    const database = new TestDatabase('rewind-postgres13-roles-db-1', 'shop', 'shop');
    expect(await database.sql(`SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`)).toBe('monitor\nshop');
  } finally {
    await stack.remove();
  }
});

/** How the newest snapshot is compressed, by its header: src/bin/pg_dump/pg_backup_archiver.h, common/compression.h. */
async function compressionOf(stack: TestStack): Promise<'gzip' | 'zstd' | undefined> {
  const { snapshots } = await stack.rewindJson<{ snapshots: { id: string }[] }>(['snapshot', 'list']);
  const store = join(stack.directory, '.rewind', 'stacks', stack.project, 'dev', 'snapshots');
  const archive = await readFile(join(store, snapshots[0]!.id, 'archive'));
  return archive[6]! < 15 ? 'gzip' : ({ 1: 'gzip', 3: 'zstd' } as const)[archive[11]!];
}

const cannotBeHad = `neither a registry nor Debian's packages have it here`;
