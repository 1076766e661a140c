import type { SnapshotSession } from '../postgres/session';
import { salvageSchema } from '../postgres/salvage-schema';
import { literal } from '../postgres/sql';

/** A column as it is compared. */
export interface ComparedColumn {
  readonly name: string;
  readonly type: string;
  /** Whether it is a time with a date. */
  readonly isTime: boolean;
  /** Whether it is given the present time if nobody says otherwise. */
  readonly isNow: boolean;
}

/** A table with rows of its own, or all partitions of one together. */
export interface ComparedTable {
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
  readonly columns: readonly ComparedColumn[];
  /** Columns of the primary key; empty if there is none. */
  readonly key: readonly string[];
}

/**
 * Tables of the application: those of extensions, and what Rewind has kept aside, are left out.
 *
 * @throws RewindError database/…
 */
export async function readTables(session: SnapshotSession): Promise<ComparedTable[]> {
  return session.query<ComparedTable>(`
SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS "isPartitioned",
  (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'isTime', a.atttypid IN ('pg_catalog.timestamptz'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype),
      'isNow', coalesce(pg_catalog.pg_get_expr(f.adbin, f.adrelid), '') ~* '(now|timestamp)' AND a.attgenerated = '')
      ORDER BY a.attnum), '[]')
    FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT coalesce(pg_catalog.json_agg(a.attname ORDER BY k.at), '[]')
    FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
    WHERE i.indrelid = c.oid AND i.indisprimary AND k.at <= i.indnkeyatts) AS key
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ${literal(salvageSchema)}
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`);
}

/** The column that tells when a row was changed. */
export interface ChangeColumn {
  readonly name: string;
  /** Whether it is set by an update too. */
  readonly updates: boolean;
}

const updatedNames =
  /^(updated|modified|changed|last_?(updated|modified|changed)|update_?time|modify_?time)(_?(at|on|date|time|ts|timestamp))?$/i;
const createdNames =
  /^(created|inserted|added|recorded|received|create_?time|insert_?time)(_?(at|on|date|time|ts|timestamp))?$/i;

/**
 * Chooses the column that tells when a row was changed, by its name, as most applications call them: `updated_at` before
 * `created_at`; else the only time that is given the present one when a row is inserted.
 */
export function changeColumn(columns: readonly ComparedColumn[]): ChangeColumn | undefined {
  const times = columns.filter(({ isTime }) => isTime);
  const updated = times.find(({ name }) => updatedNames.test(name));
  if (updated) return { name: updated.name, updates: true };
  const created = times.find(({ name }) => createdNames.test(name));
  if (created) return { name: created.name, updates: false };
  const given = times.filter(({ isNow }) => isNow);
  return given.length === 1 ? { name: given[0]!.name, updates: false } : undefined;
}
