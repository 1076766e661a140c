import type { PostgresServer } from '../postgres/server';
import { identifier } from '../postgres/sql';
import type { Count } from './count';
import type { LiveTable } from './live-objects';

/** What is counted of a table: its rows, and the values of some of its columns. */
export interface Counted {
  readonly table: Pick<LiveTable, 'oid' | 'schema' | 'table'>;
  /** Without the tables that inherit from it. */
  readonly only: boolean;
  readonly columns: readonly string[];
}

/** How many rows a table has, and how many values its columns. */
export interface TableCounts {
  readonly rows: Count;
  readonly values: Readonly<Record<string, Count>>;
}

/** Counting all there is takes no longer than about this, in milliseconds. */
const defaultLimitMs = 20_000;
/** Even when that is used up, a table is given this long. */
const shortestMs = 100;
const lockTimeoutMs = 2000;

const nowMs = `pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000`;
/** Gives the next statement what is left of the time for all of them. */
const setTimeLeft = `SELECT pg_catalog.set_config('statement_timeout',
  greatest(${shortestMs}, pg_catalog.current_setting('rewind.until')::float8 - ${nowMs})::int::text, false);`;

/**
 * Counts rows and values that are not null. What takes too long, or is locked, is estimated by the server's statistics.
 *
 * @param limitMs - how long all of it may take. @default 20 s
 * @throws RewindError database/…
 */
export async function countTables(
  server: PostgresServer,
  database: string,
  wanted: readonly Counted[],
  limitMs = defaultLimitMs,
): Promise<TableCounts[]> {
  if (wanted.length === 0) return [];
  const script = [
    // A table with row level security would be counted in part: that is an error then.
    `SET default_transaction_read_only = on; SET row_security = off; SET search_path = '';`,
    `SET lock_timeout = ${lockTimeoutMs};`,
    `SELECT pg_catalog.set_config('rewind.until', (${nowMs} + ${limitMs})::text, false);`,
    ...wanted.flatMap((it, at) => [setTimeLeft, `SELECT pg_catalog.json_build_array(${at}, (${countSql(it)}));`]),
  ].join('\n');
  const argv = ['psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=0', '--file=-'];
  const result = await server.tool(argv, { input: script, database });
  if (result.exitCode !== 0) throw server.problem('Rows cannot be counted', result, database);
  const answers = result.stdout.split('\n').filter((line) => line.startsWith('['));
  const counted = new Map(answers.map((line) => JSON.parse(line) as [at: number, counts: number[]]));
  const missing = wanted.filter((_, at) => !counted.has(at));
  const estimates = await estimate(server, database, missing);
  return wanted.map((it, at) => {
    const counts = counted.get(at);
    if (!counts) return estimates.get(it)!;
    const [rows = 0, ...values] = counts.map((value): Count => ({ value, kind: 'exact' }));
    return { rows: rows as Count, values: Object.fromEntries(it.columns.map((column, i) => [column, values[i]!])) };
  });
}

function countSql({ table, only, columns }: Counted): string {
  const counts = ['pg_catalog.count(*)', ...columns.map((column) => `pg_catalog.count(t.${identifier(column)})`)];
  const from = `${only ? 'ONLY ' : ''}${identifier(table.schema)}.${identifier(table.table)}`;
  return `SELECT pg_catalog.to_json(ARRAY[${counts.join(', ')}]) FROM ${from} t`;
}

/** A row of a table whose size alone is known takes about this, in bytes. */
const typicalRow = 100;

async function estimate(
  server: PostgresServer,
  database: string,
  tables: readonly Counted[],
): Promise<Map<Counted, TableCounts>> {
  if (tables.length === 0) return new Map();
  const rows = await server.query<{ at: number; rows: number; nulls: Readonly<Record<string, number>> | null }>(
    `WITH RECURSIVE wanted(n, oid, only_it) AS (VALUES ${tables.map(({ table, only }, at) => `(${at}, ${table.oid}::oid, ${only})`).join(', ')}),
    family(n, oid) AS (
      SELECT n, oid FROM wanted
      UNION SELECT f.n, i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid
        JOIN wanted w ON w.n = f.n WHERE NOT w.only_it)
    SELECT f.n AS at,
      pg_catalog.round(pg_catalog.sum(CASE WHEN c.relkind = 'p' THEN 0 WHEN c.reltuples >= 0 THEN c.reltuples
        ELSE pg_catalog.pg_relation_size(c.oid) / ${typicalRow} END)::numeric) AS rows,
      (SELECT pg_catalog.json_object_agg(s.attname, s.null_frac) FROM wanted w
        JOIN pg_catalog.pg_class k ON k.oid = w.oid JOIN pg_catalog.pg_namespace z ON z.oid = k.relnamespace
        JOIN pg_catalog.pg_stats s ON s.schemaname = z.nspname AND s.tablename = k.relname
        WHERE w.n = f.n) AS nulls
    FROM family f JOIN pg_catalog.pg_class c ON c.oid = f.oid
    GROUP BY f.n`,
    database,
  );
  return new Map(
    rows.map(({ at, rows: value, nulls }) => {
      const counted = tables[at]!;
      const some = (column: string): Count => ({
        value: Math.round(value * (1 - (nulls?.[column] ?? 0))),
        kind: 'estimate',
      });
      return [
        counted,
        {
          rows: { value, kind: 'estimate' },
          values: Object.fromEntries(counted.columns.map((column) => [column, some(column)])),
        },
      ];
    }),
  );
}
