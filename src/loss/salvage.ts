import { randomUUID } from 'node:crypto';

import type { PostgresServer } from '../postgres/server';
import { salvageSchema } from '../postgres/salvage-schema';
import { derivedName, identifier, literal, textArray } from '../postgres/sql';
import { type Drop, findDrops } from './drops';
import type { StepEffects } from './effects';

/** Why and when something is kept aside. */
export interface SalvageReason {
  /** The revisions that the database stands at, before they are undone. */
  readonly revision: string;
  /** @default now */
  readonly at?: Date;
}

/** Something that is kept aside. */
export interface Salvaged {
  /** Its table in the schema `rewind_salvage`. */
  readonly keptAs: string;
  readonly schema: string;
  readonly table: string;
  /** @default whole rows */
  readonly column?: string;
  readonly rows: number;
}

/** Waits so long for a lock that somebody else holds on a table, in milliseconds. */
const lockTimeoutMs = 10_000;

/**
 * Copies what a downgrade will take away into the schema `rewind_salvage` of the same database, all of it in one
 * transaction: rows of tables as they are, values of columns with the primary key of their rows. Only the owner may read
 * it. The catalogue of it is `rewind_salvage.items`.
 *
 * Values of types that are not the server's own are kept as text, so that the downgrade can drop the type.
 *
 * @param steps - as `readEffects` gives them
 * @throws RewindError database/…; nothing is kept then, and nothing has changed
 */
export async function salvage(
  server: PostgresServer,
  database: string,
  steps: readonly StepEffects[],
  reason: SalvageReason,
): Promise<Salvaged[]> {
  const { drops } = await findDrops(server, database, steps);
  if (drops.length === 0) return [];
  const shapes = await readShapes(server, database, drops);
  const copies = drops.flatMap((drop) => copiesOf(drop, shapes));
  const batch = randomUUID();
  const at = (reason.at ?? new Date()).toISOString();
  const statements = copies.map((copy, n) => copyScript(copy, n, { batch, revision: reason.revision, at }));
  const script = [
    `SET client_min_messages = error; SET row_security = off; SET search_path = ''; SET lock_timeout = ${lockTimeoutMs};`,
    `BEGIN;`,
    setUp,
    ...statements,
    closeToOthers,
    'COMMIT;',
    itemsOf(batch),
  ].join('\n');
  const rows = JSON.parse(await server.executeNext(script, database)) as (Omit<Salvaged, 'column'> & {
    readonly column: string | null;
  })[];
  return rows.map(({ column, ...row }) => ({ ...row, ...(column !== null && { column }) }));
}

const items = `${salvageSchema}.items`;

const setUp = `
CREATE SCHEMA IF NOT EXISTS ${salvageSchema};
CREATE TABLE IF NOT EXISTS ${items} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch uuid NOT NULL,
  kind text NOT NULL,
  from_schema text NOT NULL,
  from_table text NOT NULL,
  from_column text,
  key_columns text[] NOT NULL,
  column_types jsonb NOT NULL,
  kept_as text NOT NULL UNIQUE,
  revision text NOT NULL,
  undone_revision text NOT NULL,
  kept_at timestamptz NOT NULL,
  rows bigint NOT NULL
);
COMMENT ON SCHEMA ${salvageSchema} IS 'What downgrades have taken away, kept by Rewind. Drop it when nobody needs it any more.';`;

/** Takes away whatever rights new tables give to others by default. */
const closeToOthers = `
DO $rewind$
DECLARE granted record;
BEGIN
  FOR granted IN
    SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
    WHERE c.relnamespace = '${salvageSchema}'::pg_catalog.regnamespace AND c.relkind IN ('r', 'S') AND a.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', granted.relation, granted.role);
  END LOOP;
  FOR granted IN
    SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
    FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
    WHERE n.nspname = '${salvageSchema}' AND a.grantee <> n.nspowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA ${salvageSchema} FROM %s', granted.role);
  END LOOP;
END
$rewind$;`;

/** A column of a table that something is copied from. */
interface ShapeColumn {
  readonly name: string;
  readonly type: string;
  /** Whether type and collation are the server's own, so that a copy of it keeps nothing else in place. */
  readonly isOwn: boolean;
}

interface Shape {
  readonly oid: number;
  readonly columns: readonly ShapeColumn[];
  readonly key: readonly string[];
}

async function readShapes(
  server: PostgresServer,
  database: string,
  drops: readonly Drop[],
): Promise<ReadonlyMap<number, Shape>> {
  const oids = [...new Set(drops.map(({ table }) => table.oid))];
  const rows = await server.query<Shape>(
    `SELECT c.oid::bigint AS oid,
      (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
          'isOwn', coalesce(nullif(t.typelem, 0), t.oid) < 16384 AND t.oid < 16384 AND a.attcollation < 16384) ORDER BY a.attnum), '[]')
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
      (SELECT coalesce(pg_catalog.json_agg(a.attname ORDER BY k.at), '[]')
        FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
        WHERE i.indrelid = c.oid AND i.indisprimary AND k.at <= i.indnkeyatts) AS key
    FROM pg_catalog.pg_class c WHERE c.oid IN (${oids.join(', ')})`,
    database,
  );
  return new Map(rows.map((shape) => [shape.oid, shape]));
}

/** What is kept in one go. */
interface Batch {
  readonly batch: string;
  readonly revision: string;
  readonly at: string;
}

/** One table in the salvage. */
interface Copy {
  readonly drop: Drop;
  readonly columns: readonly ShapeColumn[];
  readonly key: readonly string[];
  readonly only: boolean;
  /** @default all rows */
  readonly where?: string;
}

function copiesOf(drop: Drop, shapes: ReadonlyMap<number, Shape>): Copy[] {
  const shape = shapes.get(drop.table.oid);
  if (!shape) return [];
  const { column, kind, table } = drop;
  const { columns, key } = shape;
  // Those that inherit from a table that is dropped are kept on their own.
  const only = column === undefined && kind === 'dropped' && !table.isPartitioned;
  // Without a key that stays, only the whole row says which one it was.
  if (column === undefined || key.length === 0 || key.includes(column.column)) {
    return [{ drop, columns, key, only }];
  }
  const wanted = [...key, column.column];
  return [
    {
      drop,
      columns: columns.filter(({ name }) => wanted.includes(name)),
      key,
      only,
      where: `t.${identifier(column.column)} IS NOT NULL`,
    },
  ];
}

function copyScript(copy: Copy, n: number, { batch, revision, at }: Batch): string {
  const { drop, columns, key, only, where } = copy;
  const { schema, table } = drop.table;
  const column = drop.column?.column;
  const label = ` ${schema}.${table}${column === undefined ? '' : `.${column}`}`;
  const list = columns.map(({ name, isOwn }) => {
    const value = isOwn ? `t.${identifier(name)}` : `(t.${identifier(name)}::text COLLATE "pg_catalog"."default")`;
    return `${value} AS ${identifier(name)}`;
  });
  const types = JSON.stringify(Object.fromEntries(columns.map(({ name, type }) => [name, type])));
  const from = `${only ? 'ONLY ' : ''}${identifier(schema)}.${identifier(table)}`;
  // The number comes first: whatever the names are, and however often they come, no two are the same.
  return `
SELECT pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('${items}', 'id')) AS rewind_id_${n} \\gset
SELECT :rewind_id_${n} || ${literal(derivedName(label, ' '.repeat(digits)).slice(0, -digits))} AS rewind_name_${n} \\gset
CREATE TABLE ${salvageSchema}.:"rewind_name_${n}" AS
  SELECT ${list.join(', ')} FROM ${from} t${where === undefined ? '' : ` WHERE ${where}`};
INSERT INTO ${items} (id, batch, kind, from_schema, from_table, from_column, key_columns, column_types, kept_as, revision, undone_revision, kept_at, rows)
  OVERRIDING SYSTEM VALUE
  SELECT :rewind_id_${n}, ${literal(batch)}, ${literal(drop.kind)}, ${literal(schema)}, ${literal(table)}, ${column === undefined ? 'NULL' : literal(column)},
    ${textArray(key)}, ${literal(types)}::jsonb, :'rewind_name_${n}', ${literal(revision)}, ${literal(drop.revision)}, ${literal(at)}, pg_catalog.count(*)
  FROM ${salvageSchema}.:"rewind_name_${n}";`;
}

/** Room for the number in front of a name. */
const digits = 12;

/** What is kept of one batch, as JSON. */
function itemsOf(batch: string): string {
  return `SELECT coalesce(pg_catalog.json_agg(q), '[]') FROM (
    SELECT kept_as AS "keptAs", from_schema AS schema, from_table AS "table", from_column AS "column", rows
    FROM ${items} WHERE batch = ${literal(batch)} ORDER BY id) q;`;
}
