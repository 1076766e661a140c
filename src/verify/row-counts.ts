import { countTables } from '../loss/counting';
import type { PostgresServer } from '../postgres/server';

/** By `schema.table`, how many rows there are. */
export type RowCounts = Readonly<Record<string, number>>;

/** Counting takes no longer, in milliseconds; what is left is estimated by the server's statistics. */
const limitMs = 10_000;

/**
 * How many rows the tables of the application's database have.
 *
 * @throws RewindError database/…
 */
export async function countContentRoughly(server: PostgresServer): Promise<RowCounts> {
  const tables = await server.query<{ oid: number; schema: string; table: string }>(
    `SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS "table"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  const wanted = tables.map((table) => ({ table, only: true, columns: [] }));
  const counts = await countTables(server, server.database, wanted, limitMs);
  return Object.fromEntries(tables.map(({ schema, table }, at) => [`${schema}.${table}`, counts[at]!.rows.value]));
}
