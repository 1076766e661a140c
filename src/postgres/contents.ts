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
const tablesSql = `
SELECT n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

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
 * @param everyRow - without it rows and large objects are only counted, which takes a fraction of the time. @default true
 * @throws RewindError database/…
 */
export async function readContent(session: SnapshotSession, everyRow = true): Promise<DatabaseContent> {
  const found = await session.query<{ schema: string; name: string }>(tablesSql);
  const tables: TableContent[] = [];
  for (let at = 0; at < found.length; at += tablesAtOnce) {
    const some = found.slice(at, at + tablesAtOnce);
    tables.push(
      ...(await session.query<TableContent>(some.map((table) => contentSql(table, everyRow)).join('\nUNION ALL\n'))),
    );
  }
  const [largeObjects] = await session.query<DatabaseContent['largeObjects']>(
    everyRow ? largeObjectsSql : largeObjectCountSql,
  );
  return { tables, largeObjects: largeObjects! };
}

/**
 * Where the sequences stand now: they are outside of any transaction.
 *
 * @throws RewindError database/…
 */
export async function readSequences(session: SnapshotSession): Promise<SequencePosition[]> {
  return session.query<SequencePosition>(sequencesSql);
}

function contentSql({ schema, name }: { readonly schema: string; readonly name: string }, everyRow: boolean): string {
  const checksum = `coalesce(pg_catalog.sum(pg_catalog.hashtextextended((r.*)::text COLLATE "C", 0)::numeric), 0)`;
  return `SELECT ${literal(schema)}::text AS schema, ${literal(name)}::text AS name, pg_catalog.count(*) AS rows,
  ${everyRow ? checksum : "''"}::text AS checksum
FROM ONLY ${identifier(schema)}.${identifier(name)} r`;
}
