import { normalForm } from '../postgres/normal-form';
import type { PostgresServer } from '../postgres/server';
import { SnapshotSession } from '../postgres/session';
import { type CatalogueQuery, catalogueQueries, defaultRightsSql, needsSql } from './queries';
import { type Catalogue, keyOf, type Right, type Row } from './row';

/** An object that was read. */
interface Found {
  readonly key: string;
  readonly row: Row;
  /** Of the index that a constraint has made. */
  readonly index?: unknown;
}

/** What needs what: class, number and column of the one, and of the other. */
type Need = readonly [number, number, number, number, number, number];

/** Numbers of the system catalogues, the same in every Postgres: https://github.com/postgres/postgres/tree/REL_15_STABLE/src/include/catalog */
const classes: Readonly<Record<string, number>> = {
  type: 1247,
  function: 1255,
  table: 1259,
  view: 1259,
  'materialized view': 1259,
  'foreign table': 1259,
  sequence: 1259,
  index: 1259,
  column: 1259,
  constraint: 2606,
  rule: 2618,
  trigger: 2620,
  extension: 3079,
  policy: 3256,
  statistics: 3381,
  collation: 3456,
  'event trigger': 3466,
};

/** A catalogue that is being read. */
export interface CatalogueReading {
  /** Without what needs what, which says nothing of whether something differs. */
  readonly bare: Catalogue;
  /**
   * The whole.
   *
   * @throws RewindError database/…
   */
  readonly whole: () => Promise<Catalogue>;
}

/**
 * Reads everything that makes the schema of the application's database, as it is in one moment.
 *
 * @throws RewindError database/…
 */
export async function readCatalogue(server: PostgresServer, database = server.database): Promise<Catalogue> {
  return SnapshotSession.use(server, database, async (session) => (await catalogueIn(session, server.version)).whole());
}

/**
 * The same in a session that is there, as long as that is.
 *
 * @param version - `server_version_num`
 * @throws RewindError database/…
 */
export async function catalogueIn(session: SnapshotSession, version: number): Promise<CatalogueReading> {
  // All is asked at once: while the server is about one answer, the one before is worked on.
  const [defaults, ...all] = await Promise.all([
    session.query<{ letter: string; rights: readonly Right[] }>(defaultRightsSql),
    ...catalogueQueries(version).map(async (query) => {
      const rows = await session.values<readonly unknown[]>(query.sql);
      return rows.map((values) => foundIn(query, values));
    }),
  ]);
  const found = all.flat();
  const catalogue = (rows: readonly Row[]): Catalogue => ({
    format: 1,
    version,
    defaults: Object.fromEntries(defaults.map(({ letter, rights }) => [letter, rights])),
    rows,
  });
  return {
    bare: catalogue(found.map(({ row }) => row)),
    whole: async () => catalogue(withNeeds(found, await session.values<Need>(needsSql))),
  };
}

/** Which fields hold text that the server may write in two ways. */
const expressions = new Set(['definition', 'default', 'generated', 'query', 'using', 'check']);

/** What is there, and is nothing of the object itself. */
const hints = new Set(['oid', 'position', 'index']);

function foundIn({ fields }: CatalogueQuery, values: readonly unknown[]): Found {
  const row: Record<string, unknown> = {};
  const hint: Record<string, unknown> = {};
  for (const [at, field] of fields.entries()) {
    const value = values[at];
    if (value === null) continue;
    if (hints.has(field)) hint[field] = value;
    else if (typeof value === 'string') row[field] = expressions.has(field) ? normalForm(value) : value;
    else row[field] = withoutNulls(value);
  }
  const { oid, position, index } = hint;
  row['hint'] = { oid: String(oid), ...(position !== undefined && { position }) };
  return { key: keyOf(row as unknown as Row), row: row as unknown as Row, ...(index !== undefined && { index }) };
}

/** A value of JSON, of whose objects what is null is left out. */
function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutNulls);
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === null ? [] : [[name, withoutNulls(inner)]])),
  );
}

/** The rows with what each needs, sorted. */
function withNeeds(found: readonly Found[], needs: readonly Need[]): Row[] {
  const keys = new Map<string, string>();
  for (const { key, row, index } of found) {
    const number = classes[row.kind];
    if (number === undefined) continue;
    keys.set(`${number} ${row.hint!.oid} ${row.kind === 'column' ? row.hint!.position! : 0}`, key);
    // What needs the index of a constraint needs the constraint.
    if (index !== undefined && 'pux'.includes(row['is'] as string)) keys.set(`1259 ${index as string} 0`, key);
  }
  const needed = new Map<string, Set<string>>();
  for (const [number, oid, sub, onNumber, onOid, onSub] of needs) {
    const from = keys.get(`${number} ${oid} ${sub}`) ?? keys.get(`${number} ${oid} 0`);
    const to = keys.get(`${onNumber} ${onOid} ${onSub}`) ?? keys.get(`${onNumber} ${onOid} 0`);
    if (from === undefined || to === undefined || from === to) continue;
    const uses = needed.get(from);
    if (uses) uses.add(to);
    else needed.set(from, new Set([to]));
  }
  return [...found]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, row }) => {
      const uses = needed.get(key);
      return uses ? { ...row, needs: [...uses].sort() } : row;
    });
}
