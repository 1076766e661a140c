import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { SoakServer } from '../../soak/snapshots/server';
import { PostgresServer } from '../../src/postgres/server';
import { SnapshotSession } from '../../src/postgres/session';
import { readCatalogue } from '../../src/schema/read-catalogue';
import type { Catalogue } from '../../src/schema/row';
import { SchemaComparison, type SchemaDifference } from '../../src/schema/comparison';
import { engine } from '../support/docker';
import { driftSchema, schemaDrifts } from '../support/schema-drifts';

// A real Postgres, in which somebody changes the schema: each change is found, named, and taken back.

let server: SoakServer;
let postgres: PostgresServer;
let declared: Catalogue;

beforeAll(async () => {
  server = await SoakServer.start('rewind-schema-drift-db-1');
  await server.sql('CREATE DATABASE pattern;');
  await server.sql(driftSchema, 'pattern');
});

afterAll(async () => {
  await server.remove();
});

beforeEach(async () => {
  await server.sql('DROP DATABASE IF EXISTS shop WITH (FORCE); CREATE DATABASE shop TEMPLATE pattern;');
  postgres = await PostgresServer.open(await engine(), {
    container: server.container,
    service: 'db',
    user: server.user,
    database: 'shop',
  });
  declared = await readCatalogue(postgres);
});

const compare = async (): Promise<SchemaComparison> =>
  new SchemaComparison(declared, await readCatalogue(postgres), 'shop');

const inWords = ({ how, name, what }: SchemaDifference): string =>
  `${how} ${name}${what.length === 0 ? '' : `: ${what.join(', ')}`}`;

const transaction = (statements: readonly string[]): string =>
  ['BEGIN;', `SET LOCAL search_path = '';`, ...statements, 'COMMIT;'].join('\n');

test('the schema is read in the session that has just answered, or in another one if that was ended', async () => {
  const backends = async (): Promise<number[]> => {
    const rows = await postgres.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return rows.map(({ pid }) => pid);
  };
  const [first] = await backends();
  const inSession = await SnapshotSession.use(postgres, 'shop', (session) =>
    session.query<{ pid: number; path: string }>(
      `SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.current_setting('search_path') AS path`,
    ),
  );
  expect(inSession).toEqual([{ pid: first, path: '""' }]);
  const [second] = await backends();
  expect(second).not.toBe(first);
  await server.sql(`SELECT pg_terminate_backend(${second});`);
  expect(await readCatalogue(postgres)).toEqual(declared);
});

describe('a schema that somebody has changed', () => {
  test.each(schemaDrifts)('$what', async ({ sql, found, isLossy }) => {
    await server.sql(`${sql};`, 'shop');
    const comparison = await compare();
    const differences = comparison.differences();
    expect(differences.map(inWords).sort()).toEqual([...found].sort());
    expect(comparison.isSame()).toBe(found.length === 0);
    expect(differences.every(({ isWhole }) => isWhole)).toBe(!isLossy);
    const { statements, gaps } = comparison.wayBack();
    expect(gaps).toEqual([]);
    await server.sql(transaction(statements), 'shop').catch((error: unknown) => {
      throw new Error(`${String(error)}\n${statements.join('\n')}`);
    });
    const left = (await compare()).differences();
    expect(left.map(inWords), statements.join('\n')).toEqual([]);
    // What is said to have been done does the same again.
    for (const { forth } of differences) expect(forth.statements.length).toBeGreaterThan(0);
    expect(comparison.wayForth().gaps.filter((gap) => !gap.includes('publication'))).toEqual([]);
  });
});
