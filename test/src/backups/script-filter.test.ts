import { describe, expect, test } from 'vitest';

import { type FilterOptions, filterScript } from '../../../src/backups/script-filter';
import { clusterDump, plainDump } from '../../support/plain-dump';

async function filtered(script: string, options: Partial<FilterOptions> = {}): Promise<string> {
  const chunks: Buffer[] = [];
  const whole = {
    database: undefined,
    missingRoles: new Set<string>(),
    owner: 'app',
    version: 150_014,
    isRecoded: false,
  };
  const source = (async function* () {
    const bytes = Buffer.from(script).toString('latin1');
    for (const part of bytes.match(/[\s\S]{1,700}/g) ?? []) yield Promise.resolve(part);
  })();
  for await (const chunk of filterScript(source, { ...whole, ...options })) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

test('of a plain dump, everything but its comments and the commands of psql goes through as it is', async () => {
  const script = plainDump();
  const expected = lines(script).filter((line) => !/^(--|\\(un)?restrict)/.test(line));
  expect(lines(await filtered(script))).toEqual(expected);
});

describe('of a dump of all databases', () => {
  const script = clusterDump({ other: plainDump({ owner: 'stranger', rows: 7 }), shop: plainDump({ rows: 1 }) });

  test('only the part of the wanted one goes through, and nothing of the server', async () => {
    const out = await filtered(script, { database: 'shop' });
    expect(out).toContain('good 1;');
    expect(out).not.toMatch(/good 2;|stranger|ROLE|DATABASE|pg_monitor|\\connect/);
  });

  test('each can be wanted', async () => {
    expect(await filtered(script, { database: 'other' })).toContain('good 7;');
  });
});

test.each([
  'CREATE DATABASE shop;',
  'ALTER DATABASE shop SET work_mem = 1;',
  'DROP DATABASE shop;',
  'ALTER ROLE shop IN DATABASE shop SET work_mem = 1;',
  `COMMENT ON DATABASE shop IS 'x';`,
  'GRANT CONNECT ON DATABASE shop TO public;',
  'GRANT "on" TO shop;',
  'DROP TABLE public.goods;',
  'ALTER TABLE ONLY public.goods DROP CONSTRAINT goods_pkey;',
  `SELECT pg_catalog.lo_unlink('16424');`,
  'BEGIN;',
  'COMMIT;',
  'SET transaction_timeout = 0;',
])('is left out: %s', async (statement) => {
  expect(lines(await filtered(`${statement}\nSELECT 1;\n`))).toEqual(['SELECT 1;']);
});

test.each([
  'CREATE USER MAPPING FOR shop SERVER s;',
  'GRANT SELECT ON TABLE public.goods TO shop;',
  'ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA public GRANT SELECT ON TABLES TO shop;',
  'CREATE TABLE a (b int);\nDROP TABLE a;',
])('goes through: %s', async (statement) => {
  expect(lines(await filtered(statement))).toEqual(lines(statement));
});

describe('of a role that the server does not have', () => {
  const missingRoles = new Set(['Old Shop', 'reader', 'Müller']);

  test.each([
    [
      'its objects belong to the application’s',
      'ALTER TABLE public.goods OWNER TO "Old Shop";',
      'ALTER TABLE public.goods OWNER TO "app";',
    ],
    [
      'what is made as it is made as the application’s',
      `SET SESSION AUTHORIZATION 'reader';`,
      'SET SESSION AUTHORIZATION "app";',
    ],
    ['its name may have any letter', 'ALTER TABLE a OWNER TO "Müller";', 'ALTER TABLE a OWNER TO "app";'],
    ['rights are left out', 'GRANT SELECT ON TABLE public.goods TO reader;', undefined],
    ['rights that it has given are left out', 'GRANT SELECT ON TABLE a TO shop GRANTED BY reader;', undefined],
    ['rights that are taken from it are left out', 'REVOKE ALL ON TABLE a FROM reader;', undefined],
    [
      'its default rights are left out',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "Old Shop" GRANT SELECT ON TABLES TO shop;',
      undefined,
    ],
    ['others keep theirs', 'ALTER TABLE public.goods OWNER TO shop;', 'ALTER TABLE public.goods OWNER TO shop;'],
  ])('%s', async (_what, statement, expected) => {
    expect(lines(await filtered(statement, { missingRoles }))).toEqual(expected === undefined ? [] : [expected]);
  });
});

test('what a dump says of its encoding is left out once it is in another', async () => {
  expect(await filtered(`SET client_encoding = 'LATIN1';`, { isRecoded: true })).toBe('');
});

test('a script that says nothing of owners is made as the owner, but for what only a superuser may', async () => {
  const script = 'CREATE EXTENSION hstore;\nCREATE TABLE a (b int);\n';
  expect(lines(await filtered(script, { allToOwner: true }))).toEqual([
    'SET ROLE "app";',
    ...['RESET ROLE;', 'CREATE EXTENSION hstore;', 'SET ROLE "app";'],
    'CREATE TABLE a (b int);',
  ]);
});

test('what lay in a tablespace that the server does not have lies with the rest', async () => {
  const script = `SET default_tablespace = "Fast disk";\nSET default_tablespace = slow;\nSET default_tablespace = '';`;
  expect(lines(await filtered(script, { missingTablespaces: new Set(['Fast disk']) }))).toEqual([
    `SET default_tablespace = '';`,
    'SET default_tablespace = slow;',
    `SET default_tablespace = '';`,
  ]);
});

test('a newer server keeps its own settings', async () => {
  const statement = 'SET transaction_timeout = 0;';
  expect(await filtered(statement, { version: 170_006 })).toBe(statement);
});
