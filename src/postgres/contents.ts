import { acl, role } from './catalog';
import type { SnapshotSession } from './session';
import { identifier, literal } from './sql';

/** What a table holds. */
export interface TableContent {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  /** Sum of a hash of each row: the same for the same rows in any order. Empty if rows were only counted. */
  readonly checksum: string;
}

/** Where a sequence stands. */
export interface SequencePosition {
  readonly schema: string;
  readonly name: string;
  /** Null if it has not been used yet. */
  readonly value: string | null;
}

/** Everything that a database holds. */
export interface DatabaseContent {
  readonly tables: readonly TableContent[];
  /** Large objects: how many, and a sum over them as for tables. */
  readonly largeObjects: { readonly count: number; readonly checksum: string };
}

/** Tables in one query: many at once save time, all at once would take the planner's memory. */
const tablesAtOnce = 100;

/**
 * Tables with rows of their own, by name; those that belong to an extension or to the system are left out. A partitioned
 * table has none: its partitions do.
 */
const tablesSql = tablesWith('', '');

/** The same, with how many rows each has taken in since it was made; null if anything else was done to them. */
const takenInSql = tablesWith(
  ', CASE WHEN s.n_tup_upd = 0 AND s.n_tup_del = 0 THEN s.n_tup_ins END AS taken',
  'LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid',
);

function tablesWith(columns: string, join: string): string {
  return `
SELECT n.nspname AS schema, c.relname AS name${columns}
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${join}
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;
}

const largeObjectsSql = `
SELECT pg_catalog.count(*) AS count,
  coalesce(pg_catalog.sum(pg_catalog.hashtextextended(
    pg_catalog.concat_ws(':', o.oid, pg_catalog.md5(pg_catalog.lo_get(o.oid)), ${role('o.lomowner')},
      ${acl('o.lomacl', 'L', 'o.lomowner')}, pg_catalog.obj_description(o.oid, 'pg_largeobject')), 0)::numeric), 0)::text AS checksum
FROM pg_catalog.pg_largeobject_metadata o`;

const largeObjectCountSql = `SELECT pg_catalog.count(*) AS count, ''::text AS checksum FROM pg_catalog.pg_largeobject_metadata`;

const sequencesSql = `
SELECT schemaname AS schema, sequencename AS name, last_value::text AS value
FROM pg_catalog.pg_sequences
ORDER BY schemaname COLLATE "C", sequencename COLLATE "C"`;

/**
 * Reads every row of a database and sums it up.
 *
 * @throws RewindError database/…
 */
export async function readContent(session: SnapshotSession): Promise<DatabaseContent> {
  const tables = await read(session, await session.query<TableName>(tablesSql), summed);
  const [largeObjects] = await session.query<DatabaseContent['largeObjects']>(largeObjectsSql);
  return { tables, largeObjects: largeObjects! };
}

/**
 * Counts what a database holds that was filled just now, without reading what need not be read: where the server has
 * taken in as many rows as are expected, and nothing else was done to a table, these are its rows.
 * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW
 *
 * @param expected - what it was filled with
 * @throws RewindError database/…
 */
export async function countContent(session: SnapshotSession, expected: DatabaseContent): Promise<DatabaseContent> {
  const key = ({ schema, name }: TableName): string => JSON.stringify([schema, name]);
  const wanted = new Map(expected.tables.map((table) => [key(table), table.rows]));
  const found = await session.query<TableName & { taken: number | null }>(takenInSql);
  const isKnown = (table: (typeof found)[number]): boolean =>
    table.taken !== null && table.taken === wanted.get(key(table));
  const counted = await read(
    session,
    found.filter((table) => !isKnown(table)),
    counting,
  );
  const known = found.filter(isKnown).map(({ schema, name, taken }) => ({ schema, name, rows: taken!, checksum: '' }));
  const [largeObjects] = await session.query<DatabaseContent['largeObjects']>(largeObjectCountSql);
  return { tables: [...known, ...counted], largeObjects: largeObjects! };
}

interface TableName {
  readonly schema: string;
  readonly name: string;
}

async function read(
  session: SnapshotSession,
  tables: readonly TableName[],
  sqlOf: (table: TableName) => string,
): Promise<TableContent[]> {
  const contents: TableContent[] = [];
  for (let at = 0; at < tables.length; at += tablesAtOnce) {
    const some = tables.slice(at, at + tablesAtOnce);
    contents.push(...(await session.query<TableContent>(some.map(sqlOf).join('\nUNION ALL\n'))));
  }
  return contents;
}

/**
 * Where the sequences stand now: they are outside of any transaction.
 *
 * @throws RewindError database/…
 */
export async function readSequences(session: SnapshotSession): Promise<SequencePosition[]> {
  return session.query<SequencePosition>(sequencesSql);
}

function summed({ schema, name }: TableName): string {
  return contentSql(
    schema,
    name,
    `coalesce(pg_catalog.sum(pg_catalog.hashtextextended((r.*)::text COLLATE "C", 0)::numeric), 0)`,
  );
}

function counting({ schema, name }: TableName): string {
  return contentSql(schema, name, `''`);
}

function contentSql(schema: string, name: string, checksum: string): string {
  return `SELECT ${literal(schema)}::text AS schema, ${literal(name)}::text AS name, pg_catalog.count(*) AS rows,
  ${checksum}::text AS checksum
FROM ONLY ${identifier(schema)}.${identifier(name)} r`;
}
