import { afterAll, beforeAll, expect, test } from 'vitest';

import { Random } from '../../soak/random';
import { randomChange } from '../../soak/snapshots/changes';
import { generate, roles } from '../../soak/snapshots/generate';
import { SoakServer } from '../../soak/snapshots/server';
import { run } from '../../src/process';
import { PostgresServer } from '../../src/postgres/server';
import { readCatalogue } from '../../src/schema/read-catalogue';
import { SchemaComparison } from '../../src/schema/comparison';
import { engine } from '../support/docker';

// Schemas that are made up, copied by a dump, and changed: always the same ones.

let server: SoakServer;

beforeAll(async () => {
  server = await SoakServer.start('rewind-schema-random-db-1');
  await server.sql(roles.map((role) => `CREATE ROLE ${role};`).join('\n'));
});

afterAll(async () => {
  await server.remove();
});

const open = async (database: string): Promise<PostgresServer> =>
  PostgresServer.open(await engine(), { container: server.container, service: 'db', user: server.user, database });

test.each([1, 2, 3, 4, 5, 6, 7, 8])('schema %i: a copy is no drift, and a random drift is taken back', async (seed) => {
  const random = new Random(seed * 7919);
  const model = generate(random, server.version);
  const fresh = `DROP DATABASE IF EXISTS made WITH (FORCE); DROP DATABASE IF EXISTS copy WITH (FORCE);`;
  await server.sql(`${fresh} CREATE DATABASE made TEMPLATE template0; CREATE DATABASE copy TEMPLATE template0;`);
  await server.sql(model.script, 'made');
  const declared = await readCatalogue(await open('made'));
  const dump = ['sh', '-c', 'pg_dump -U owner made | psql -U owner -X -q -v ON_ERROR_STOP=1 -d copy -o /dev/null'];
  const { exitCode, stderr } = await run(['docker', 'exec', server.container, ...dump]);
  expect(exitCode, stderr).toBe(0);
  const copy = await open('copy');
  const compare = async (): Promise<SchemaComparison> =>
    new SchemaComparison(declared, await readCatalogue(copy), 'copy');
  expect((await compare()).differences().map(({ name, what }) => [name, what])).toEqual([]);
  const base = await readCatalogue(copy);
  const sql = randomChange(model, random);
  await server.try(sql, 'copy');
  const comparison = new SchemaComparison(base, await readCatalogue(copy), 'copy');
  const { statements, gaps } = comparison.wayBack();
  if (gaps.length > 0) return; // told, and not put right
  const script = ['BEGIN;', `SET LOCAL search_path = '';`, ...statements, 'COMMIT;'].join('\n');
  await server.sql(script, 'copy').catch((error: unknown) => {
    throw new Error(`after ${sql}: ${String(error)}\n${script}`);
  });
  const left = new SchemaComparison(base, await readCatalogue(copy), 'copy').differences();
  expect(
    left.map(({ name, what }) => [name, what]),
    `${sql}\n${script}`,
  ).toEqual([]);
});
