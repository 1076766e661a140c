import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Random } from '../../soak/random';
import { generate, roles } from '../../soak/snapshots/generate';
import { SoakServer } from '../../soak/snapshots/server';
import { countRestoreLoss } from '../../src/actions/count-restore-loss';
import { proveSnapshot } from '../../src/actions/restore-database';
import { takeSnapshot } from '../../src/actions/take-snapshot';
import { countDowngradeLoss, type DowngradeLoss } from '../../src/loss/downgrade-loss';
import type { StepEffects } from '../../src/loss/effects';
import { readEffects } from '../../src/loss/read-effects';
import { compareDatabases, type RestoreLoss, type TableChange } from '../../src/loss/restore-loss';
import { salvage } from '../../src/loss/salvage';
import { PostgresServer } from '../../src/postgres/server';
import { SnapshotStore } from '../../src/snapshots/snapshot-store';
import { engine } from '../support/docker';

// One real Postgres; each test makes a database of its own in it.

const container = 'rewind-loss';
let soak: SoakServer;

beforeAll(async () => {
  soak = await SoakServer.start(container);
  await soak.sql(roles.map((role) => `CREATE ROLE ${role};`).join('\n'));
});

afterAll(() => soak.remove());

async function make(database: string, script: string): Promise<PostgresServer> {
  await soak.sql(`CREATE DATABASE "${database}" TEMPLATE template0 LOCALE 'C.UTF-8'`);
  await soak.sql(script, database);
  return open(database);
}

async function open(database: string): Promise<PostgresServer> {
  return PostgresServer.open(await engine(), { container, service: 'db', user: soak.user, database });
}

async function value(sql: string, database: string): Promise<string> {
  return (await soak.sql(sql, database)).trim();
}

const revision = { revision: '0002', about: '', upgrades: true, downgrades: true };

function steps(sql: string): Promise<StepEffects[]> {
  return readEffects([revision], [{ revision: '0002', sql }]);
}

describe('what a restore would lose', () => {
  const takenAt = '2026-01-01T00:00:00.000Z';
  const weird = `"Sch ""é'ma"."Größe ""x"" 表"`;

  const compare = async (database: string): Promise<RestoreLoss> =>
    compareDatabases(await open(database), { live: database, past: `${database} then`, takenAt });

  /** Keeps a copy of a database as it is now. */
  const remember = (database: string): Promise<string> =>
    soak.sql(`CREATE DATABASE "${database} then" TEMPLATE "${database}"`);

  const changes = (loss: RestoreLoss): Record<string, Partial<TableChange>> =>
    Object.fromEntries(
      loss.tables.map(({ name, inserted, updated, deleted }) => [name, { inserted, updated, deleted }]),
    );

  test('is right to the row, whatever the keys, names and values are', async () => {
    await make(
      'lost rows',
      `CREATE SCHEMA "Sch ""é'ma";
      CREATE TABLE ${weird} ("kéy ""1""" text, "n 2" int, v bytea, PRIMARY KEY ("n 2", "kéy ""1"""));
      CREATE TABLE parts (id int, note text, at date, PRIMARY KEY (id, note)) PARTITION BY RANGE (id);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (500);
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (500) TO (100000) PARTITION BY HASH (note);
      CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      CREATE TABLE values_of_all_kinds (id uuid PRIMARY KEY, i int, twice int GENERATED ALWAYS AS (i * 2) STORED,
        f float8, n numeric, a text[], j jsonb, t timestamptz, b bytea, r int4range);
      CREATE TABLE same AS SELECT i AS id, 'row ' || i AS text FROM generate_series(1, 100) i;
      INSERT INTO ${weird} SELECT 'k"' || i % 7, i, decode(lpad(to_hex(i), 8, '0'), 'hex') FROM generate_series(1, 900) i;
      INSERT INTO parts SELECT i, 'note ' || i, date '2026-01-01' + i FROM generate_series(1, 1000) i;
      INSERT INTO values_of_all_kinds (id, i, f, n, a, j, t, b, r) SELECT md5(i::text)::uuid, i,
        CASE i % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE i / 3.0 END::float8, CASE i % 4 WHEN 0 THEN 'NaN' ELSE i * 1.10 END,
        CASE i % 3 WHEN 0 THEN NULL ELSE ARRAY['a' || i, NULL, 'tab' || chr(9) || chr(10)] END, jsonb_build_object('k', i),
        timestamptz '2026-01-01' + i * interval '1 s', decode(to_hex(4096 + i), 'hex'), int4range(i, i + 5) FROM generate_series(1, 700) i;`,
    );
    await remember('lost rows');
    const random = new Random(5);
    const expected: Record<string, Partial<TableChange>> = {};
    const change = async (
      name: string,
      table: string,
      ids: number,
      parts: { key: (ids: string) => string; update: string; insert: (from: number, count: number) => string },
    ): Promise<void> => {
      const kinds = Array.from({ length: ids }, () => random.weighted({ same: 8, updated: 1, deleted: 1 }));
      const chosen = (kind: string): number[] => kinds.flatMap((it, at) => (it === kind ? [at + 1] : []));
      const inserted = 1 + random.below(40);
      await soak.sql(
        `UPDATE ${table} SET ${parts.update} WHERE ${parts.key(chosen('updated').join(','))};
        DELETE FROM ${table} WHERE ${parts.key(chosen('deleted').join(','))};
        INSERT INTO ${table} ${parts.insert(ids + 1, inserted)};`,
        'lost rows',
      );
      expected[name] = { inserted, updated: chosen('updated').length, deleted: chosen('deleted').length };
    };
    await change('Größe "x" 表', weird, 900, {
      key: (ids) => `"n 2" IN (${ids})`,
      update: `v = v || '\\x00'`,
      insert: (from, count) => `SELECT '\t', i, NULL FROM generate_series(${from}, ${from + count - 1}) i`,
    });
    await change('parts', 'parts', 1000, {
      key: (ids) => `id IN (${ids})`,
      update: 'at = at + 1',
      insert: (from, count) => `SELECT i, 'new', NULL FROM generate_series(${from}, ${from + count - 1}) i`,
    });
    await change('values_of_all_kinds', 'values_of_all_kinds', 700, {
      key: (ids) => `i IN (${ids})`,
      update: `a = a || ARRAY['more'], f = CASE f WHEN 'NaN' THEN 0 ELSE 'NaN'::float8 END`,
      insert: (from, count) =>
        `(id, i) SELECT md5(i::text)::uuid, i FROM generate_series(${from}, ${from + count - 1}) i`,
    });
    const loss = await compare('lost rows');
    expect(changes(loss)).toEqual(expected);
    expect(loss.compared).toBe(4);
  });

  test('is told of rows without a key by how often they are there', async () => {
    await make(
      'no keys',
      `CREATE TABLE events (what text, n int); INSERT INTO events SELECT 'x', i % 3 FROM generate_series(1, 300) i;`,
    );
    await remember('no keys');
    await soak.sql(
      `INSERT INTO events VALUES ('x', 1), ('x', 1), ('y', NULL); UPDATE events SET what = 'z' WHERE ctid IN (SELECT ctid FROM events WHERE n = 2 LIMIT 10);`,
      'no keys',
    );
    expect((await compare('no keys')).tables).toMatchObject([
      { name: 'events', hasKey: false, inserted: 13, updated: 0, deleted: 10 },
    ]);
  });

  test('counts tables and columns that are new, and tables that come back', async () => {
    await make(
      'other tables',
      `CREATE TABLE kept (id int PRIMARY KEY, a text); INSERT INTO kept SELECT i, 'a' FROM generate_series(1, 10) i;
      CREATE TABLE gone (id int); INSERT INTO gone VALUES (1), (2); CREATE TABLE alembic_version (version_num text PRIMARY KEY);`,
    );
    await remember('other tables');
    await soak.sql(
      `DROP TABLE gone; CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1), (2), (3);
      ALTER TABLE kept ADD COLUMN "b c" int; UPDATE kept SET "b c" = id WHERE id <= 4; UPDATE kept SET a = 'b' WHERE id = 10;
      INSERT INTO alembic_version VALUES ('1'); CREATE SCHEMA rewind_salvage; CREATE TABLE rewind_salvage.x (id int);`,
      'other tables',
    );
    expect((await compare('other tables')).tables).toMatchObject([
      { name: 'fresh', kind: 'new', inserted: 3 },
      { name: 'gone', kind: 'gone', deleted: 2 },
      { name: 'kept', kind: 'changed', inserted: 0, updated: 1, newColumns: [{ column: 'b c', values: 4 }] },
    ]);
  });

  test('says when the first and the last change was, as far as a column tells', async () => {
    await make(
      'times',
      `CREATE TABLE notes (id int PRIMARY KEY, text text, created_at timestamptz, updated_at timestamptz);
      INSERT INTO notes SELECT i, 'n', '2025-06-01', '2025-06-01' FROM generate_series(1, 10) i;`,
    );
    await remember('times');
    await soak.sql(
      `UPDATE notes SET text = 'm', updated_at = '2026-02-01 10:00:00.5+00' WHERE id = 3; UPDATE notes SET text = 'm' WHERE id = 4;
      INSERT INTO notes VALUES (11, 'new', '2026-03-01', '2026-03-01 12:00:00+00'), (12, 'odd', 'infinity', 'infinity');`,
      'times',
    );
    expect(await compare('times')).toMatchObject({
      oldest: '2026-02-01T10:00:00.500Z',
      newest: '2026-03-01T12:00:00.000Z',
      tables: [{ inserted: 2, updated: 2 }],
    });
  });

  test('of a big table reads only the parts that differ, and is right all the same', async () => {
    await make(
      'big',
      `CREATE TABLE big (id bigint PRIMARY KEY, text text); INSERT INTO big SELECT i, 'row ' || i FROM generate_series(1, 60000) i;
      CREATE TABLE bag (n int); INSERT INTO bag SELECT i % 20000 FROM generate_series(1, 60000) i;`,
    );
    await remember('big');
    await soak.sql(
      `UPDATE big SET text = text || '!' WHERE id % 5003 = 0; DELETE FROM big WHERE id = 77; INSERT INTO big VALUES (-1, NULL), (200000, 'x');
      INSERT INTO bag VALUES (1), (1), (-5); DELETE FROM bag WHERE n = 19999;`,
      'big',
    );
    expect(changes(await compare('big'))).toEqual({
      bag: { inserted: 3, updated: 0, deleted: 3 },
      big: { inserted: 2, updated: 11, deleted: 1 },
    });
    await soak.sql(`UPDATE big SET text = text || '?'`, 'big');
    expect(changes(await compare('big'))['big']).toEqual({ inserted: 2, updated: 59_999, deleted: 1 });
  });

  test('is nothing where nothing was changed, in databases that are made up', async () => {
    for (let seed = 1; seed <= 2; seed++) {
      const database = `made up ${seed}`;
      await make(database, generate(new Random(seed * 31), soak.version).script);
      await remember(database);
      expect((await compare(database)).tables).toEqual([]);
    }
  });
});

describe('what a downgrade would lose', () => {
  const count = async (server: PostgresServer, sql: string): Promise<DowngradeLoss> =>
    countDowngradeLoss(server, server.database, await steps(sql));

  const items = ({ items: list }: DowngradeLoss): string[] =>
    list.map(
      ({ kind, schema, table, column, count: { value: number, kind: how } }) =>
        `${kind} ${schema}.${table}${column === undefined ? '' : `.${column}`}: ${how === 'exact' ? '' : `${how} `}${number}`,
    );

  test('is counted in the database as it is now, with all that goes along', async () => {
    const server = await make(
      'down',
      `CREATE SCHEMA extra; CREATE TYPE mood AS ENUM ('good', 'bad');
      CREATE TABLE projects (id int PRIMARY KEY, name text, "wind zone" int, feeling mood, twice int GENERATED ALWAYS AS (id * 2) STORED, price numeric(10, 4));
      INSERT INTO projects (id, name, "wind zone", feeling, price) SELECT i, 'p', nullif(i % 3, 0), CASE WHEN i > 10 THEN 'good'::mood END, i FROM generate_series(1, 30) i;
      CREATE TABLE extra."zo""nes" (id int); INSERT INTO extra."zo""nes" VALUES (1), (2);
      CREATE TABLE extra.more (id int PRIMARY KEY); INSERT INTO extra.more VALUES (1), (2), (3);
      CREATE TABLE linked (id int REFERENCES extra.more); INSERT INTO linked VALUES (1), (1), (2), (3);
      CREATE VIEW named AS SELECT name FROM projects;
      CREATE TABLE parts (id int, x int) PARTITION BY LIST (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2); INSERT INTO parts VALUES (1, 1), (1, NULL), (2, 5);
      CREATE TABLE base (id int, note text); CREATE TABLE derived () INHERITS (base); INSERT INTO base VALUES (1, 'a'); INSERT INTO derived VALUES (2, 'b'), (3, NULL);`,
    );
    expect(items(await count(server, 'DROP TABLE projects CASCADE; DROP TABLE IF EXISTS never_there'))).toEqual([
      'dropped public.projects: 30',
    ]);
    expect(
      items(
        await count(server, 'ALTER TABLE projects DROP COLUMN "wind zone", DROP COLUMN twice, DROP COLUMN not_there'),
      ),
    ).toEqual(['dropped public.projects.wind zone: 20']);
    const schema = await count(server, 'DROP SCHEMA extra CASCADE');
    expect(items(schema)).toEqual(['dropped extra.more: 3', 'dropped extra.zo"nes: 2']);
    expect(schema.rows).toEqual({ value: 5, kind: 'exact' });
    expect(items(await count(server, 'DROP TYPE mood CASCADE'))).toEqual(['dropped public.projects.feeling: 20']);
    expect(items(await count(server, 'DROP TABLE parts'))).toEqual(['dropped public.parts: 3']);
    expect(items(await count(server, 'ALTER TABLE parts DROP COLUMN x'))).toEqual(['dropped public.parts.x: 2']);
    expect(items(await count(server, 'DROP TABLE base CASCADE'))).toEqual([
      'dropped public.base: 1',
      'dropped public.derived: 2',
    ]);
    expect(items(await count(server, 'ALTER TABLE base DROP COLUMN note'))).toEqual(['dropped public.base.note: 2']);
    expect(items(await count(server, 'TRUNCATE extra.more CASCADE'))).toEqual([
      'emptied extra.more: 3',
      'emptied public.linked: 4',
    ]);
    expect(items(await count(server, 'DELETE FROM linked WHERE id = 1; DELETE FROM base'))).toEqual([
      'deleted public.linked: at most 4',
      'deleted public.base: 3',
    ]);
    expect(
      items(await count(server, `ALTER TABLE projects ALTER price TYPE numeric(10, 2), ALTER id TYPE bigint`)),
    ).toEqual(['narrowed public.projects.price: 30']);
    expect(items(await count(server, 'UPDATE projects SET "wind zone" = 1 WHERE id = 1'))).toEqual([
      'overwritten public.projects.wind zone: at most 20',
    ]);
    const column = await count(server, 'ALTER TABLE projects DROP COLUMN name CASCADE');
    expect(items(column)).toEqual(['dropped public.projects.name: 30']);
    expect(column.objects.map(({ what }) => what)).toEqual(['view named']);
  });

  test('is told once, however often the steps come back to it', async () => {
    const server = await open('down');
    const sql =
      'DELETE FROM projects WHERE id = 1; UPDATE projects SET name = NULL; ALTER TABLE projects DROP COLUMN name; DROP TABLE projects';
    expect(items(await count(server, sql))).toEqual(['dropped public.projects: 30']);
  });

  test('leaves out functions that change nothing, and names those that may', async () => {
    const server = await make(
      'calls',
      `CREATE FUNCTION refill() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION pure() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; CREATE TABLE a (id int);`,
    );
    const sql = `SELECT pure(); SELECT setval('x', 3); UPDATE a SET id = coalesce(length(lower('x')), 1); SELECT refill(), unheard_of()`;
    expect((await count(server, sql)).unknown.map(({ what }) => what)).toEqual([
      'a call of refill()',
      'a call of unheard_of()',
    ]);
  });

  test('is estimated where counting takes too long or the table is locked', async () => {
    const server = await make(
      'slow',
      `CREATE TABLE big AS SELECT i AS id, nullif(i % 2, 0) AS half FROM generate_series(1, 1000) i; ANALYZE big;`,
    );
    const holding = soak.sql('BEGIN; LOCK TABLE big; SELECT pg_sleep(6); COMMIT;', 'slow');
    while (
      (await value(
        `SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'big'::regclass`,
        'slow',
      )) === '0'
    );
    const loss = await count(server, 'ALTER TABLE big DROP COLUMN half');
    expect(loss.values).toEqual({ value: 500, kind: 'estimate' });
    await holding;
  });
});

describe('what is kept aside before a downgrade', () => {
  test('is complete to the last value, for its owner alone, and in nobody’s way', async () => {
    const server = await make(
      'kept',
      `CREATE ROLE curious; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO curious; ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO curious;
      CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('good', 'bad'); CREATE DOMAIN app.short AS varchar(9);
      CREATE COLLATION app.german (provider = icu, locale = 'de');
      CREATE TABLE app."T""able ä" (a text, b int, secret text COLLATE app.german, feelings app.mood[], s app.short, f float8, n numeric, raw bytea, PRIMARY KEY (b, a));
      INSERT INTO app."T""able ä" SELECT 'k' || i, i, 'word ' || i, ARRAY['bad', NULL]::app.mood[], 's' || i, 'NaN', i / 7.0, decode('00ff', 'hex') FROM generate_series(1, 50) i;
      INSERT INTO app."T""able ä" (a, b) VALUES ('empty', 0);
      CREATE TABLE bag (x int, y text); INSERT INTO bag VALUES (1, 'a'), (1, 'a'), (2, NULL);`,
    );
    const before = await value(`SELECT md5(string_agg(t::text, '|' ORDER BY b)) FROM app."T""able ä" t`, 'kept');
    const sql = `ALTER TABLE app."T""able ä" DROP COLUMN secret; ALTER TABLE bag DROP COLUMN y`;
    const first = await salvage(server, 'kept', await steps(sql), { revision: '0002' });
    expect(first).toEqual([
      { keptAs: '1 app.T"able ä.secret', schema: 'app', table: 'T"able ä', column: 'secret', rows: 50 },
      { keptAs: '2 public.bag.y', schema: 'public', table: 'bag', column: 'y', rows: 3 },
    ]);
    // The same again, and more: nothing collides.
    const all = `${sql}; DROP SCHEMA app CASCADE; DROP TABLE bag`;
    const second = await salvage(server, 'kept', await steps(all), { revision: '0002', at: new Date(0) });
    expect(second.map(({ keptAs, rows }) => [keptAs, rows])).toEqual([
      ['3 app.T"able ä', 51],
      ['4 public.bag', 3],
    ]);
    await soak.sql(all, 'kept');
    const back = `SELECT md5(string_agg(t::text, '|' ORDER BY b)) FROM rewind_salvage."3 app.T""able ä" t`;
    expect(await value(back, 'kept')).toBe(before);
    expect(
      await value(
        `SELECT string_agg(b || secret, ',' ORDER BY b) FROM rewind_salvage."1 app.T""able ä.secret" WHERE b < 3`,
        'kept',
      ),
    ).toBe('1word 1,2word 2');
    expect(await value(`SELECT count(*) FROM rewind_salvage."4 public.bag" WHERE x = 1 AND y = 'a'`, 'kept')).toBe('2');
    expect(
      await value(
        `SELECT string_agg(concat_ws(' ', id, kind, from_schema, from_table, from_column, key_columns, revision, undone_revision, rows), '; ' ORDER BY id) FROM rewind_salvage.items`,
        'kept',
      ),
    ).toBe(
      '1 dropped app T"able ä secret {b,a} 0002 0002 50; 2 dropped public bag y {} 0002 0002 3; 3 dropped app T"able ä {b,a} 0002 0002 51; 4 dropped public bag {} 0002 0002 3',
    );
    expect(await value(`SELECT column_types ->> 'feelings' FROM rewind_salvage.items WHERE id = 3`, 'kept')).toBe(
      'app.mood[]',
    );
    const rights = `SELECT count(*) FROM pg_class c WHERE relnamespace = 'rewind_salvage'::regnamespace AND (has_table_privilege('curious', c.oid, 'SELECT') OR has_schema_privilege('curious', 'rewind_salvage', 'USAGE'))`;
    expect(await value(rights, 'kept')).toBe('0');
    await soak.sql('DROP OWNED BY curious; DROP ROLE curious', 'kept');
  });

  test('is all or nothing', async () => {
    const server = await make(
      'all or nothing',
      'CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1);',
    );
    await soak.sql(`CREATE SCHEMA rewind_salvage; CREATE TABLE rewind_salvage.items (id int)`, 'all or nothing');
    await expect(
      salvage(server, 'all or nothing', await steps('DROP TABLE a'), { revision: '1' }),
    ).rejects.toMatchObject({ code: 'database/failed' });
    expect(
      await value(
        `SELECT count(*) FROM pg_class WHERE relnamespace = 'rewind_salvage'::regnamespace`,
        'all or nothing',
      ),
    ).toBe('1');
  });

  test('has names of 63 bytes at most, whatever they are made from', async () => {
    const name = 'ä'.repeat(31);
    const server = await make(
      'long names',
      `CREATE TABLE "${name}" (id int, "${name}" int, "${name.slice(1)}b" int); INSERT INTO "${name}" VALUES (1, 2, 3);`,
    );
    const sql = `ALTER TABLE "${name}" DROP COLUMN "${name}", DROP COLUMN "${name.slice(1)}b"`;
    const kept = await salvage(server, 'long names', await steps(sql), { revision: '1' });
    expect(new Set(kept.map(({ keptAs }) => keptAs)).size).toBe(2);
    expect(
      await value(
        `SELECT count(*) FROM pg_class WHERE relnamespace = 'rewind_salvage'::regnamespace AND relname LIKE '% public.%'`,
        'long names',
      ),
    ).toBe('2');
  });

  test('of databases that are made up is all that they hold', async () => {
    for (let seed = 1; seed <= 2; seed++) {
      const database = `salvaged ${seed}`;
      const model = generate(new Random(seed * 31), soak.version);
      const server = await make(database, model.script);
      const drops = model.tables.map(({ name }) => `DROP TABLE IF EXISTS ${name} CASCADE;`).join('\n');
      const rows = await countDowngradeLoss(server, database, await steps(drops));
      const kept = await salvage(server, database, await steps(drops), { revision: 'x' });
      expect(kept.reduce((sum, it) => sum + it.rows, 0)).toBe(rows.rows.value);
      const types = [...model.objects.enum, ...model.objects.domain].map((name) =>
        `DROP TYPE ${name};`.replace(/TYPE/, model.objects.domain.includes(name) ? 'DOMAIN' : 'TYPE'),
      );
      await soak.sql(drops, database);
      // What is kept holds no type of the application's in its place.
      for (const drop of types) await soak.try(drop.replace(';', ' RESTRICT;'), database);
      expect(
        await value(
          `SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relnamespace = 'rewind_salvage'::regnamespace JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid`,
          database,
        ),
      ).toBe('0');
    }
  });

  test('comes along in the next snapshot, which is proved, and is no loss of a restore', async () => {
    const server = await make(
      'proved',
      `CREATE TABLE a (id int PRIMARY KEY, x text); INSERT INTO a SELECT i, 'x' FROM generate_series(1, 20) i;`,
    );
    const folder = await mkdtemp(join(tmpdir(), 'rewind-loss-'));
    try {
      const store = new SnapshotStore(folder);
      const before = await takeSnapshot({ server, store, stack: 'loss/dev' });
      await salvage(server, 'proved', await steps('ALTER TABLE a DROP COLUMN x'), { revision: '0002' });
      const after = await takeSnapshot({ server, store, stack: 'loss/dev' });
      expect(await proveSnapshot({ server, store, manifest: after })).toMatchObject({ ok: true, findings: [] });
      expect(after.schema).toEqual(before.schema);
      await soak.sql('DELETE FROM a WHERE id < 4', 'proved');
      expect(await countRestoreLoss({ server, store, manifest: after })).toMatchObject({ deleted: 3 });
      expect(
        await value(
          `SELECT count(*) FROM pg_database WHERE datname LIKE 'proved.%' AND datname NOT LIKE 'proved.ready-%'`,
          'postgres',
        ),
      ).toBe('0');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
