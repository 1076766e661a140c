import { normalForm } from '../postgres/normal-form';
import type { PostgresServer } from '../postgres/server';
import { SnapshotSession } from '../postgres/session';
import { defaultRightsSql, needsSql, objectsSql } from './queries';
import { type Catalogue, keyOf, type Right, type Row } from './row';

/** A row as the query gives it: `oid` and `position` become its hint. */
type ReadRow = Row & { readonly oid: number; readonly position?: number; readonly index?: string };

interface Need {
  readonly class: number;
  readonly oid: number;
  readonly sub: number;
  readonly onClass: number;
  readonly onOid: number;
  readonly onSub: number;
}

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

/**
 * Reads everything that makes the schema of the application's database, as it is in one moment.
 *
 * @throws RewindError database/…
 */
export async function readCatalogue(server: PostgresServer, database = server.database): Promise<Catalogue> {
  return SnapshotSession.use(server, database, (session) => catalogueIn(session, server.version));
}

/**
 * The same in a session that is there.
 *
 * @param version - `server_version_num`
 * @throws RewindError database/…
 */
export async function catalogueIn(session: SnapshotSession, version: number): Promise<Catalogue> {
  const found = await session.query<{ row: ReadRow }>(objectsSql(version));
  const needs = await session.query<Need>(needsSql);
  const defaults = await session.query<{ letter: string; rights: readonly Right[] }>(defaultRightsSql);
  return {
    format: 1,
    version,
    defaults: Object.fromEntries(defaults.map(({ letter, rights }) => [letter, rights])),
    rows: rowsOf(
      found.map(({ row }) => row),
      needs,
    ),
  };
}

/** Which fields hold text that the server may write in two ways. */
const expressions = new Set(['definition', 'default', 'generated', 'query', 'using', 'check']);

function rowsOf(found: readonly ReadRow[], needs: readonly Need[]): Row[] {
  const keys = new Map<string, string>();
  for (const row of found) {
    const number = classes[row.kind];
    if (number === undefined) continue;
    keys.set(`${number} ${row.oid} ${row.kind === 'column' ? row.position! : 0}`, keyOf(row));
    // What needs the index of a constraint needs the constraint.
    if (row.kind === 'constraint' && row.index !== undefined && 'pux'.includes(row['is'] as string))
      keys.set(`1259 ${row.index} 0`, keyOf(row));
  }
  const needed = new Map<string, Set<string>>();
  for (const { class: number, oid, sub, onClass, onOid, onSub } of needs) {
    const from = keys.get(`${number} ${oid} ${sub}`) ?? keys.get(`${number} ${oid} 0`);
    const to = keys.get(`${onClass} ${onOid} ${onSub}`) ?? keys.get(`${onClass} ${onOid} 0`);
    if (from === undefined || to === undefined || from === to) continue;
    needed.set(from, (needed.get(from) ?? new Set()).add(to));
  }
  return found
    .map(({ oid, position, index: _, ...fields }): Row => {
      const row = { ...fields } as Record<string, unknown> & Row;
      for (const [field, value] of Object.entries(row)) {
        if (typeof value === 'string' && expressions.has(field)) row[field] = normalForm(value);
      }
      const uses = needed.get(keyOf(row));
      return {
        ...row,
        ...(uses && { needs: [...uses].sort() }),
        hint: { oid: String(oid), ...(position !== undefined && { position }) },
      };
    })
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
