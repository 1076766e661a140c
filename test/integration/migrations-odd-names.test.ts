import { afterAll, beforeAll, expect, test } from 'vitest';

import { buildMigrationImage, plainEnvironment, type TestMigration } from '../support/migration-images';
import { TestStack } from '../support/stack';
import { removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// Names with quotes and spaces in every place where a name of a database can stand, that of alembic's table among them.

const project = 'rewind-oddnames';
const app = (tag: string): string => `${project}/app:${tag}`;
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

let stack: TestStack;
let database: TestDatabase;

beforeAll(async () => {
  await buildMigrationImage(app('v1'), { migrations: [goods], environment });
  await buildMigrationImage(app('v2'), { migrations: [goods, prices], environment });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', {
    services: {
      db: databaseService(user, { name }),
      app: {
        image: app('v1'),
        command: ['sleep', 'infinity'],
        init: true,
        environment: {
          DATABASE_URL: `postgresql://${encodeURIComponent(user)}:word@db/${name}`,
        },
        depends_on: { db: { condition: 'service_healthy' } },
      },
    },
    volumes: { data: {} },
  });
  await stack.configure({ database: { service: 'db', alembic: { service: 'app' } } });
  database = new TestDatabase(`${project}-db-1`, user, name);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('v1'), app('v2'));
});

const revision = (): Promise<string> => database.sql(`SELECT version_num FROM "op's"."the ""steps"""`);

test('a snapshot knows the revision, the schema goes back, and what that drops lies aside', async () => {
  await stack.rewind('deploy');
  await stack.rewind('deploy', 'app=v2');
  expect(await revision()).toBe('0002');
  expect(await stack.exported()).toContain(`"the \\"steps\\""`);
  expect(await stack.rewindJson(['snapshot', 'create', '--prove'])).toMatchObject({
    revisions: ['0002'],
    proof: { ok: true },
  });
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
});
