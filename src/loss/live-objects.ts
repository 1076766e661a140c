import type { PostgresServer } from '../postgres/server';
import { literal, textArray } from '../postgres/sql';
import type { WrittenName } from './effects';
import type { ColumnType } from './narrowing';

/** A column of a table that is there. */
export interface LiveColumn extends ColumnType {
  readonly column: string;
  /** Whether it is made from other columns. */
  readonly isGenerated: boolean;
}

/** A table that is there, with what is asked of it. */
export interface LiveTable {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly isPartitioned: boolean;
  /** Tables that it is a partition of or inherits from, however far up. */
  readonly ancestors: readonly number[];
}

/** What is asked for. */
export interface Wanted {
  readonly kind: 'table' | 'column' | 'schema' | 'type' | 'extension' | 'truncate' | 'function';
  readonly name: WrittenName;
  readonly column?: string;
  /** Whether what depends on it goes with it. */
  readonly cascade: boolean;
}

/** What a wanted name stands for, and what goes with it. */
export interface Found {
  /** Position in the list that was asked for. */
  readonly at: number;
  readonly table: LiveTable | null;
  /** @default the whole table */
  readonly column: LiveColumn | null;
  /** Anything else that goes, described: `view shop.totals`. @default it is a table or column */
  readonly other: string | null;
}

/**
 * What names stand for in a database, and everything that goes with it when it is dropped: as the server's own record of
 * dependencies has it. What is not there has no part in the answer.
 *
 * @throws RewindError database/…
 */
export async function findLive(server: PostgresServer, database: string, wanted: readonly Wanted[]): Promise<Found[]> {
  if (wanted.length === 0) return [];
  return server.query<Found>(findSql(wanted), database);
}

/** Functions of these names that may change something: volatile ones, except those that are known to be harmless. */
export async function changingFunctions(
  server: PostgresServer,
  database: string,
  names: readonly WrittenName[],
): Promise<string[]> {
  if (names.length === 0) return [];
  const rows = await server.query<{ name: string }>(
    `WITH w(n, schema, name) AS (VALUES ${names.map((name, at) => `(${at}, ${text(name.schema)}, ${literal(name.name)})`).join(', ')})
    SELECT DISTINCT w.name FROM w
    WHERE NOT EXISTS (
      SELECT FROM pg_catalog.pg_proc p WHERE p.proname = w.name AND (p.provolatile <> 'v' OR p.oid < 16384 AND p.proname = ANY (${textArray(harmless)})))
      OR EXISTS (
      SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
      WHERE p.proname = w.name AND (w.schema IS NULL OR s.nspname = w.schema)
        AND p.provolatile = 'v' AND p.oid >= 16384)
    ORDER BY 1`,
    database,
  );
  return rows.map(({ name }) => name);
}

const harmless = [
  'clock_timestamp',
  'currval',
  'gen_random_uuid',
  'lastval',
  'nextval',
  'pg_advisory_lock',
  'pg_advisory_unlock',
  'pg_advisory_xact_lock',
  'pg_try_advisory_lock',
  'pg_try_advisory_xact_lock',
  'random',
  'set_config',
  'setval',
  'timeofday',
];

function text(value: string | undefined): string {
  return value === undefined ? 'NULL::text' : `${literal(value)}::text`;
}

function findSql(wanted: readonly Wanted[]): string {
  const rows = wanted.map(
    ({ kind, name, column, cascade }, at) =>
      `(${at}, ${literal(kind)}, ${text(name.schema)}, ${literal(name.name)}, ${text(column)}, ${cascade}, ${name.path === undefined ? 'NULL::text[]' : textArray(name.path)})`,
  );
  // Addresses as pg_depend has them: https://www.postgresql.org/docs/current/catalog-pg-depend.html
  return `
WITH RECURSIVE wanted(n, kind, schema, name, col, goes_along, path) AS (VALUES ${rows.join(',\n')}),
placed AS (
  SELECT w.*, coalesce(
    CASE WHEN w.schema IS NOT NULL THEN ARRAY[w.schema] END, w.path, pg_catalog.current_schemas(false)::text[]) AS schemas
  FROM wanted w),
start(n, classid, objid, objsubid, goes_along) AS (
  SELECT w.n, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, c.oid, coalesce(a.attnum, 0)::int, w.goes_along
  FROM placed w
  CROSS JOIN LATERAL (
    SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
    WHERE c.relname = w.name AND s.nspname = ANY (w.schemas) AND c.relkind IN ('r', 'p', 'f')
    ORDER BY pg_catalog.array_position(w.schemas, s.nspname::text) LIMIT 1) c
  LEFT JOIN pg_catalog.pg_attribute a ON w.col IS NOT NULL AND a.attrelid = c.oid AND a.attname = w.col AND NOT a.attisdropped
  WHERE w.kind IN ('table', 'column', 'truncate') AND (w.col IS NULL OR a.attnum IS NOT NULL)
  UNION ALL
  SELECT w.n, 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid, s.oid, 0, w.goes_along
  FROM placed w JOIN pg_catalog.pg_namespace s ON s.nspname = w.name WHERE w.kind = 'schema'
  UNION ALL
  SELECT w.n, 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, 0, w.goes_along
  FROM placed w JOIN pg_catalog.pg_type t ON t.typname = w.name JOIN pg_catalog.pg_namespace s ON s.oid = t.typnamespace
  WHERE w.kind = 'type' AND s.nspname = ANY (w.schemas)
  UNION ALL
  SELECT w.n, 'pg_catalog.pg_extension'::pg_catalog.regclass::oid, e.oid, 0, w.goes_along
  FROM placed w JOIN pg_catalog.pg_extension e ON e.extname = w.name WHERE w.kind = 'extension'),
gone(n, classid, objid, objsubid, goes_along) AS (
  SELECT * FROM start
  UNION
  SELECT g.n, x.classid, x.objid, x.objsubid, g.goes_along
  FROM gone g CROSS JOIN LATERAL (
    SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d
    WHERE d.refclassid = g.classid AND d.refobjid = g.objid AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
      AND (d.deptype IN ('a', 'i', 'e', 'P', 'S') OR g.goes_along AND d.deptype = 'n')
    UNION ALL
    SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend d
    WHERE d.classid = g.classid AND d.objid = g.objid AND d.objsubid = g.objsubid AND d.deptype = 'i') x
  WHERE (SELECT w.kind FROM wanted w WHERE w.n = g.n) <> 'truncate'),
emptied(n, oid) AS (
  SELECT s.n, s.objid FROM start s JOIN wanted w USING (n) WHERE w.kind = 'truncate' AND s.objsubid = 0
  UNION
  SELECT e.n, f.conrelid FROM emptied e JOIN pg_catalog.pg_constraint f ON f.contype = 'f' AND f.confrelid = e.oid
  WHERE (SELECT w.goes_along FROM wanted w WHERE w.n = e.n)),
everything AS (
  SELECT n, classid, objid, objsubid FROM gone UNION SELECT n, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, oid, 0 FROM emptied)
SELECT g.n AS at,
  CASE WHEN c.oid IS NOT NULL THEN pg_catalog.json_build_object(
    'oid', c.oid::bigint, 'schema', s.nspname, 'table', c.relname, 'isPartitioned', c.relkind = 'p',
    'ancestors', (
      WITH RECURSIVE up(oid) AS (
        SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid
        UNION SELECT i.inhparent FROM up JOIN pg_catalog.pg_inherits i ON i.inhrelid = up.oid)
      SELECT coalesce(pg_catalog.json_agg(oid::bigint), '[]') FROM up)) END AS "table",
  CASE WHEN a.attnum IS NOT NULL THEN pg_catalog.json_build_object(
    'column', a.attname, 'isGenerated', a.attgenerated <> '', 'modifier', a.atttypmod,
    'name', coalesce(el.typname, t.typname), 'isArray', el.oid IS NOT NULL) END AS "column",
  CASE WHEN c.oid IS NULL THEN pg_catalog.pg_describe_object(g.classid, g.objid, 0) END AS other
FROM everything g
LEFT JOIN pg_catalog.pg_class c ON g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = g.objid AND c.relkind IN ('r', 'p')
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = g.objsubid AND g.objsubid > 0
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type el ON el.oid = t.typelem AND t.typcategory = 'A'
WHERE (c.oid IS NOT NULL AND s.nspname !~ '^pg_'
  OR g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_class v WHERE v.oid = g.objid AND v.relkind IN ('v', 'm', 'f'))
  OR g.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  OR g.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND EXISTS (
    SELECT FROM pg_catalog.pg_type y LEFT JOIN pg_catalog.pg_class k ON k.oid = y.typrelid
    WHERE y.oid = g.objid AND (y.typtype IN ('e', 'd', 'r') OR k.relkind = 'c')))
ORDER BY g.n, s.nspname COLLATE "C", c.relname COLLATE "C", a.attnum`;
}
