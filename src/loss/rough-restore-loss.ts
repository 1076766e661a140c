import type { DatabaseContent } from '../postgres/contents';
import { defaultVersionTable, type VersionTable } from '../postgres/revisions';
import { salvageSchema } from '../postgres/salvage-schema';
import type { PostgresServer } from '../postgres/server';
import { literal } from '../postgres/sql';
import type { Count } from './count';
import { countTables } from './counting';

/** A table whose rows are more or fewer than they were; or one that only one side has. */
export interface RowDifference {
  readonly schema: string;
  readonly name: string;
  /** @default the table was not there */
  readonly was?: number;
  /** @default the table is not there any more */
  readonly is?: Count;
}

/** How many rows there are now and were in a snapshot, which was not restored to find out more. */
export interface RoughRestoreLoss {
  readonly tables: readonly RowDifference[];
  /** At least so many rows were inserted or deleted since; how many were updated nobody has counted. */
  readonly atLeast: number;
  /** Rows that there are now. */
  readonly rows: number;
}

/**
 * Holds the numbers of rows against those in a snapshot's manifest. Changes nothing, and restores nothing.
 *
 * @param limitMs - how long counting may take; what takes longer is estimated. @default 20 s
 * @throws RewindError database/…
 */
export async function compareRowCounts(
  server: PostgresServer,
  content: DatabaseContent,
  { schema: versionSchema = 'public', table: versionTable = defaultVersionTable }: VersionTable = {},
  limitMs?: number,
): Promise<RoughRestoreLoss> {
  const there = await server.query<{ oid: number; schema: string; table: string }>(
    `SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS "table"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
      AND n.nspname NOT IN ('information_schema', ${literal(salvageSchema)})
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  const isCompared = (schema: string, name: string): boolean =>
    schema !== salvageSchema && (schema !== versionSchema || name !== versionTable);
  const wanted = there
    .filter(({ schema, table }) => isCompared(schema, table))
    .map((table) => ({ table, only: true, columns: [] }));
  const counts = await countTables(server, server.database, wanted, limitMs);
  const key = (schema: string, name: string): string => JSON.stringify([schema, name]);
  const now = new Map(wanted.map(({ table }, at) => [key(table.schema, table.table), counts[at]!.rows]));
  const then = new Map(
    content.tables
      .filter(({ schema, name }) => isCompared(schema, name))
      .map(({ schema, name, rows }) => [key(schema, name), rows]),
  );
  const tables = [...new Set([...now.keys(), ...then.keys()])].sort().flatMap((it): RowDifference[] => {
    const [is, was] = [now.get(it), then.get(it)];
    // A table without rows is as good as none.
    if ((is?.value ?? 0) === (was ?? 0) && is?.kind !== 'estimate') return [];
    const [schema, name] = JSON.parse(it) as [string, string];
    return [{ schema, name, ...(was !== undefined && { was }), ...(is && { is }) }];
  });
  return {
    tables,
    // What is estimated proves no change.
    atLeast: tables.reduce(
      (all, { is, was = 0 }) => all + (is?.kind === 'estimate' ? 0 : Math.abs((is?.value ?? 0) - was)),
      0,
    ),
    rows: [...now.values()].reduce((all, { value }) => all + value, 0),
  };
}
