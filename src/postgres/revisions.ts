import type { SnapshotSession } from './session';
import { identifier, literal } from './sql';

/** Where alembic keeps the revision of a database: https://alembic.sqlalchemy.org/en/latest/api/runtime.html */
export interface VersionTable {
  /** @default public */
  readonly schema?: string;
  /** @default alembic_version */
  readonly table?: string;
}

/** Alembic's own. */
export const defaultVersionTable = 'alembic_version';

/** Revisions in words. */
export function revisionNames(revisions: readonly string[]): string {
  return revisions.join(', ') || 'none';
}

/**
 * The revisions in alembic's table, sorted: one for each branch; none where there is no such table.
 *
 * @throws RewindError database/…
 */
export async function readRevisions(
  session: Pick<SnapshotSession, 'query'>,
  { schema = 'public', table = defaultVersionTable }: VersionTable = {},
): Promise<string[]> {
  const name = `${identifier(schema)}.${identifier(table)}`;
  const [found] = await session.query<{ there: boolean }>(
    `SELECT pg_catalog.to_regclass(${literal(name)}) IS NOT NULL AS there`,
  );
  if (!found?.there) return [];
  const rows = await session.query<{ revision: string }>(
    `SELECT version_num AS revision FROM ${name} ORDER BY version_num COLLATE "C"`,
  );
  return rows.map(({ revision }) => revision);
}
