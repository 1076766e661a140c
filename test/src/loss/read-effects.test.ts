import { describe, expect, test } from 'vitest';

import type { Effect } from '../../../src/loss/effects';
import { readEffects } from '../../../src/loss/read-effects';

const step = { revision: '0002', about: 'Wind zones', upgrades: true, downgrades: true };

async function read(sql: string): Promise<{ effects: readonly Effect[]; unknown: readonly string[] }> {
  const [found] = await readEffects([step], [{ revision: '0002', sql }]);
  return found!;
}

const table = (name: string, schema?: string): { name: string; schema?: string } => ({
  name,
  ...(schema !== undefined && { schema }),
});

describe('the statements of a downgrade', () => {
  test.each<[sql: string, ...effects: Effect[]]>([
    ['DROP TABLE zones', { kind: 'drop-table', table: table('zones'), cascade: false }],
    [
      'DROP TABLE IF EXISTS shop."Größe ""X""", b CASCADE',
      { kind: 'drop-table', table: table('Größe "X"', 'shop'), cascade: true },
      { kind: 'drop-table', table: table('b'), cascade: true },
    ],
    [
      'ALTER TABLE a DROP COLUMN x, DROP COLUMN IF EXISTS "y z" CASCADE',
      { kind: 'drop-column', table: table('a'), column: 'x', cascade: false },
      { kind: 'drop-column', table: table('a'), column: 'y z', cascade: true },
    ],
    [
      'ALTER TABLE ONLY s.a ALTER COLUMN x TYPE varchar(10)',
      {
        kind: 'retype-column',
        table: table('a', 's'),
        column: 'x',
        type: { name: 'varchar', modifiers: [10], isArray: false },
        using: false,
      },
    ],
    [
      'ALTER TABLE a ALTER x TYPE int[] USING ARRAY[x]',
      {
        kind: 'retype-column',
        table: table('a'),
        column: 'x',
        type: { name: 'int4', modifiers: [], isArray: true },
        using: true,
      },
    ],
    ['DELETE FROM a', { kind: 'delete', table: table('a'), all: true }],
    ['DELETE FROM a WHERE id > 3', { kind: 'delete', table: table('a'), all: false }],
    ['DELETE FROM a USING b WHERE a.id = b.id', { kind: 'delete', table: table('a'), all: false }],
    [
      'TRUNCATE a, s.b CASCADE',
      { kind: 'truncate', table: table('a'), cascade: true },
      { kind: 'truncate', table: table('b', 's'), cascade: true },
    ],
    ['UPDATE a SET x = 1, y = y || z', { kind: 'update', table: table('a'), columns: ['x', 'y'], all: true }],
    ['UPDATE a SET (x, y) = (SELECT 1, 2)', { kind: 'update', table: table('a'), columns: ['x', 'y'], all: true }],
    ['UPDATE a SET x = b.x FROM b', { kind: 'update', table: table('a'), columns: ['x'], all: false }],
    [
      'WITH gone AS (DELETE FROM a WHERE x RETURNING *) INSERT INTO b SELECT * FROM gone',
      { kind: 'delete', table: table('a'), all: false },
    ],
    [
      'INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 2',
      { kind: 'update', table: table('a'), columns: ['x'], all: false },
    ],
    [
      'MERGE INTO a USING b ON a.id = b.id WHEN MATCHED AND b.x THEN UPDATE SET x = b.x WHEN MATCHED THEN DELETE',
      { kind: 'update', table: table('a'), columns: ['x'], all: false },
      { kind: 'delete', table: table('a'), all: false },
    ],
    ['DROP SCHEMA s CASCADE', { kind: 'drop-object', object: 'schema', name: table('s'), cascade: true }],
    ['DROP VIEW s.v', { kind: 'drop-object', object: 'view', name: table('v', 's'), cascade: false }],
    [
      'DROP MATERIALIZED VIEW v',
      { kind: 'drop-object', object: 'materialized view', name: table('v'), cascade: false },
    ],
    ['DROP TYPE s.mood', { kind: 'drop-object', object: 'type', name: table('mood', 's'), cascade: false }],
    ['DROP DOMAIN d CASCADE', { kind: 'drop-object', object: 'domain', name: table('d'), cascade: true }],
    [
      'DROP FUNCTION s.f(int, text)',
      { kind: 'drop-object', object: 'function', name: table('f', 's'), cascade: false },
    ],
    ['DROP SEQUENCE numbers', { kind: 'drop-object', object: 'sequence', name: table('numbers'), cascade: false }],
    ['DROP EXTENSION hstore', { kind: 'drop-object', object: 'extension', name: table('hstore'), cascade: false }],
    ['SELECT s.refill(1)', { kind: 'call', name: table('refill', 's') }],
  ])('%s', async (sql, ...effects) => {
    expect(await read(`BEGIN;\n-- Running downgrade\n${sql};\nCOMMIT;`)).toMatchObject({ effects, unknown: [] });
  });

  test.each([
    'CREATE TABLE a (id int)',
    'ALTER TABLE a ADD COLUMN x int, ADD CONSTRAINT c CHECK (x > 0), ALTER y SET NOT NULL, DROP CONSTRAINT d',
    'CREATE INDEX ON a (x); DROP INDEX a_x_idx; ALTER INDEX i RENAME TO j',
    'DROP TRIGGER t ON a; DROP POLICY p ON a; DROP RULE r ON a',
    'INSERT INTO a (x) VALUES (1)',
    "COMMENT ON TABLE a IS 'it''s; DROP TABLE a'",
    'GRANT SELECT ON a TO b; ALTER TABLE a OWNER TO b',
    "UPDATE alembic_version SET version_num = '0001' WHERE alembic_version.version_num = '0002'",
    'DELETE FROM alembic_version; DROP TABLE alembic_version',
    'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DELETE FROM a RETURNING 1 $$',
    'ALTER TABLE a DETACH PARTITION b',
    '',
  ])('that take nothing away: %s', async (sql) => {
    expect(await read(sql)).toMatchObject({ effects: [], unknown: [] });
  });

  test.each([
    ['DO $$ BEGIN DELETE FROM a; END $$', 'a DO block'],
    ['CALL clean_up()', 'CALL of a procedure'],
    ["COPY a TO '/tmp/a'", 'COPY'],
    ['DROP OWNED BY somebody', 'DROP OWNED'],
    ['EXECUTE prepared', 'EXECUTE of a prepared statement'],
    ['ALTER TYPE pair DROP ATTRIBUTE b', 'ALTER TYPE pair'],
    ['DROP TABEL a', 'its SQL cannot be read: syntax error at or near "TABEL"'],
  ])('of which nobody can tell: %s', async (sql, said) => {
    expect(await read(sql)).toMatchObject({ effects: [], unknown: [said] });
  });
});

describe('names', () => {
  test('of what is renamed first are those of before', async () => {
    const { effects } = await read(
      'ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME COLUMN x TO y; ALTER TABLE b DROP COLUMN y; DROP TABLE b',
    );
    expect(effects).toEqual([
      { kind: 'drop-column', table: table('a'), column: 'x', cascade: false },
      { kind: 'drop-table', table: table('a'), cascade: false },
    ]);
  });

  test('that were exchanged are told apart', async () => {
    const { effects } = await read(
      'ALTER TABLE a RENAME TO t; ALTER TABLE b RENAME TO a; ALTER TABLE t RENAME TO b; DROP TABLE a',
    );
    expect(effects).toEqual([{ kind: 'drop-table', table: table('b'), cascade: false }]);
  });

  test('of a schema that is renamed, and of a table that moves', async () => {
    const { effects } = await read(
      'ALTER SCHEMA s RENAME TO r; DROP TABLE r.a; ALTER TABLE b SET SCHEMA r; DROP TABLE r.b',
    );
    expect(effects).toEqual([
      { kind: 'drop-table', table: table('a', 's'), cascade: false },
      { kind: 'drop-table', table: table('b'), cascade: false },
    ]);
  });

  test('of what the script makes itself are not mentioned', async () => {
    const { effects } = await read(`
      CREATE TABLE a_new (id int); INSERT INTO a_new SELECT id FROM a; DROP TABLE a; ALTER TABLE a_new RENAME TO a;
      ALTER TABLE a DROP COLUMN id; DROP TABLE a;
      CREATE TEMP TABLE t AS SELECT 1; DROP TABLE t; ALTER TABLE b ADD COLUMN x int; UPDATE b SET x = 1`);
    expect(effects).toEqual([{ kind: 'drop-table', table: table('a'), cascade: false }]);
  });

  test('of what is only made if it is not there are', async () => {
    expect((await read('CREATE TABLE IF NOT EXISTS a (id int); DROP TABLE a')).effects).toHaveLength(1);
  });

  test('are looked for in the search path that the script sets', async () => {
    const { effects } = await read('SET search_path TO "Shop", public; DROP TABLE a; RESET search_path; DROP TABLE b');
    expect(effects).toEqual([
      { kind: 'drop-table', table: { name: 'a', path: ['Shop', 'public'] }, cascade: false },
      { kind: 'drop-table', table: table('b'), cascade: false },
    ]);
  });

  test('are followed from one step to the next', async () => {
    const older = { ...step, revision: '0001' };
    const [, second] = await readEffects(
      [step, older],
      [
        { revision: '0002', sql: 'ALTER TABLE a RENAME TO b' },
        { revision: '0001', sql: 'DROP TABLE b' },
      ],
    );
    expect(second!.effects).toEqual([{ kind: 'drop-table', table: table('a'), cascade: false }]);
  });
});

describe('a step', () => {
  test('without a downgrade is named', async () => {
    const [found] = await readEffects([{ ...step, downgrades: false }], [{ revision: '0002', sql: '' }]);
    expect(found).toMatchObject({ noDowngrade: 'the migration has no downgrade', effects: [] });
  });

  test('that merges branches has nothing to undo', async () => {
    const [found] = await readEffects(
      [{ ...step, upgrades: false, downgrades: false }],
      [{ revision: '0002', sql: 'DELETE FROM alembic_version' }],
    );
    expect(found).toMatchObject({ effects: [], unknown: [] });
    expect(found).not.toHaveProperty('noDowngrade');
  });

  test('that cannot be written down as SQL is one that cannot be told', async () => {
    const [found] = await readEffects([step], [{ revision: '0002', problem: 'AttributeError: no connection' }]);
    expect(found!.unknown).toEqual(['it cannot be written down as SQL: AttributeError: no connection']);
  });

  test('keeps alembic’s own table where the settings say it is', async () => {
    const sql = 'DELETE FROM ops.versions; DELETE FROM alembic_version';
    const [found] = await readEffects([step], [{ revision: '0002', sql }], { schema: 'ops', table: 'versions' });
    expect(found!.effects).toEqual([{ kind: 'delete', table: table('alembic_version'), all: true }]);
  });
});
