import type { DatabaseObject } from './object';
import { inheritedFrom, type Objects, parentOf } from './objects';
import { keyOf, type Row } from './row';

/** How one object is another than it is declared. */
export interface Change {
  readonly key: string;
  /** As it is declared. @default somebody has added it */
  readonly from?: DatabaseObject;
  /** As it is. @default somebody has removed it */
  readonly to?: DatabaseObject;
  /** Whether its core is another. */
  readonly isOther: boolean;
  /** Names of the facets that are others. */
  readonly facets: readonly string[];
}

/** Two objects that are one: somebody has given it another name. */
export interface Rename {
  readonly from: string;
  readonly to: string;
}

/** A change with what has come of it. */
export interface ChangeGroup {
  /** Key of what was changed in the first place; of something renamed the declared one. */
  readonly key: string;
  readonly change: Change;
  readonly rename?: Rename;
  /** Keys of all that is to be changed to put it right. */
  readonly keys: readonly string[];
}

/** Everything that is another one. */
export function changesBetween(from: Objects, to: Objects): Map<string, Change> {
  const changes = new Map<string, Change>();
  for (const key of new Set([...from.rows.keys(), ...to.rows.keys()])) {
    const [was, is] = [from.rows.get(key), to.rows.get(key)];
    if (was && is && sameRow(was, is)) continue;
    const [before, after] = [was && from.get(key), is && to.get(key)];
    const change = changeOf(key, ...unset(from, to, before, after));
    if (change) changes.set(key, change);
  }
  return changes;
}

/** Default rights that nobody has changed are not written down anywhere: they are what they are by default then. */
function unset(
  from: Objects,
  to: Objects,
  before: DatabaseObject | undefined,
  after: DatabaseObject | undefined,
): [DatabaseObject | undefined, DatabaseObject | undefined] {
  const { row } = before ?? after!;
  if (row.kind !== 'default rights') return [before, after];
  const bare = { ...row, rights: undefined } as Row;
  return [before ?? from.make(bare), after ?? to.make(bare)];
}

/** Whether all fields are the same that are the object's own. */
function sameRow(a: Row, b: Row): boolean {
  const own = (row: Row): string[] => Object.keys(row).filter((field) => field !== 'hint' && field !== 'needs');
  const fields = own(a);
  return fields.length === own(b).length && fields.every((field) => sameValue(a[field], b[field]));
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

function changeOf(key: string, from?: DatabaseObject, to?: DatabaseObject): Change | undefined {
  if (!from || !to) return { key, ...(from && { from }), ...(to && { to }), isOther: true, facets: [] };
  const names = new Set([...Object.keys(from.facets), ...Object.keys(to.facets)]);
  // A sequence that belongs to a column has the owner of the table.
  const isOwned = [from, to].some(({ row }) => row['ownedBy'] !== undefined);
  const facets = [...names].filter(
    (name) => from.facets[name]?.value !== to.facets[name]?.value && !(isOwned && name === 'owner'),
  );
  const isOther = from.core !== to.core;
  return isOther || facets.length > 0 ? { key, from, to, isOther, facets } : undefined;
}

const renamed = new Set(['schema', 'table', 'foreign table', 'column', 'sequence', 'view', 'materialized view']);

/** What has only got another name: the server's number for it is still the same. */
export function renamesAmong(changes: ReadonlyMap<string, Change>): Rename[] {
  const id = ({ kind, hint, on }: Row): string | undefined =>
    hint === undefined || hint.oid === '0' || !renamed.has(kind)
      ? undefined
      : [kind, hint.oid, hint.position ?? '', kind === 'column' ? on : ''].join(' ');
  const gone = new Map<string, string>();
  for (const { key, from, to } of changes.values()) {
    const name = from && !to ? id(from.row) : undefined;
    if (name !== undefined) gone.set(name, key);
  }
  const all = [...changes.values()].flatMap(({ key, from, to }) => {
    const name = to && !from ? id(to.row) : undefined;
    const was = name === undefined ? undefined : gone.get(name);
    return was === undefined ? [] : [{ from: was, to: key }];
  });
  // What is in a schema goes with its name.
  const schemas = new Map(all.filter((it) => it.from.startsWith('schema ')).map((it) => [it.from, it.to]));
  return all.filter(({ from, to }) => {
    const [was, is] = [changes.get(from)!.from!.row.schema, changes.get(to)!.to!.row.schema];
    return was === undefined || is === undefined || schemas.get(`schema ${was}`) !== `schema ${is}`;
  });
}

/** Changes with what has come of them: what was dropped with a table, what is written otherwise since a column has another type. */
export function groupChanges(changes: ReadonlyMap<string, Change>, declared: Objects, live: Objects): ChangeGroup[] {
  const renames = renamesAmong(changes);
  const newName = new Map(renames.map((it) => [it.from, it]));
  const oldName = new Map(renames.map((it) => [it.to, it]));
  const rootOf = (key: string, seen: ReadonlySet<string> = new Set()): string => {
    if (seen.has(key)) return key;
    const cause = causeOf(changes.get(key)!, changes, declared, live, oldName);
    return cause === undefined ? key : rootOf(cause, new Set([...seen, key]));
  };
  const groups = new Map<string, string[]>();
  for (const key of changes.keys()) {
    const root = rootOf(key);
    groups.set(root, [...(groups.get(root) ?? []), key]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, keys]) => {
      const rename = newName.get(key);
      return { key, change: changes.get(key)!, ...(rename && { rename }), keys: keys.sort() };
    });
}

/** The change that a change has come of; undefined if it was made on its own. */
function causeOf(
  change: Change,
  changes: ReadonlyMap<string, Change>,
  declared: Objects,
  live: Objects,
  oldName: ReadonlyMap<string, Rename>,
): string | undefined {
  const { key, from, to } = change;
  const { row } = (from ?? to)!;
  const renamedFrom = oldName.get(key);
  if (renamedFrom) return renamedFrom.from;
  const isWhole = (it: Change | undefined): boolean => it !== undefined && !(it.from && it.to);
  const parents = [
    parentOf(row),
    // A column of a child comes with that of its parent.
    ...(row['inherited'] === true ? inheritedFrom(row, from ? declared : live) : []),
    ...(row.schema === undefined ? [] : [`schema ${row.schema}`]),
    ...(row.kind === 'membership' ? [`role ${row['role'] as string}`, `role ${row['member'] as string}`] : []),
    ...ownersOf(row),
  ].filter((it): it is string => it !== undefined);
  for (const parent of parents) {
    const above = changes.get(parent);
    if (!above) continue;
    if (isWhole(above) && (!(from && to) || row.kind === 'sequence')) return parent;
    // With the parent's column; or what an attached partition has of its own no more.
    if (row['inherited'] === true && parent.startsWith('column ')) return parent;
    if (above.facets.some((facet) => facet === 'partition' || facet.startsWith('child of')) && parent === parentOf(row))
      return parent;
  }
  const needs = [...new Set([...(from?.row.needs ?? []), ...(to?.row.needs ?? [])])].sort();
  for (const need of needs) {
    const needed = changes.get(need);
    if (!needed) continue;
    // Dropped with what it needs.
    if (from && !to && needed.from && !needed.to) return need;
    if (!from || !to) continue;
    // Written otherwise, because what it needs is called otherwise or has another type.
    if (isWhole(needed)) {
      const called = [need, ...above(needed)].find(
        (it) => oldName.has(it) || [...oldName.values()].some((one) => one.from === it),
      );
      if (called !== undefined) return called;
      continue;
    }
    // Written otherwise, because the extension's objects are in another schema.
    if (needed.from!.row.kind === 'extension' && needed.facets.includes('schema') && change.isOther) return need;
    if (
      needed.isOther &&
      ['column', 'type', 'view', 'materialized view'].includes(needed.from!.row.kind) &&
      change.isOther
    )
      return need;
  }
  // A primary key makes its columns NOT NULL.
  if (row.kind === 'column' && from && to && !change.isOther && change.facets.join() === 'NOT NULL') {
    return [...declared.dependentsOf(key), ...live.dependentsOf(key)].find((it) => {
      const constraint = changes.get(it);
      return constraint && ((constraint.from ?? constraint.to)!.row['is'] as string) === 'p' && isWhole(constraint);
    });
  }
  return undefined;
}

/** What the object of a change is in: its table, its schema. */
function above({ from, to }: Change): string[] {
  const { row } = (from ?? to)!;
  const schema = row.schema ?? undefined;
  return [parentOf(row), schema === undefined ? undefined : `schema ${schema}`].filter((it) => it !== undefined);
}

/** The column that a sequence belongs to, and its table. */
function ownersOf(row: Row): string[] {
  const column = row['ownedBy'] as string | undefined;
  if (row.kind !== 'sequence' || column === undefined) return [];
  const table = /^(.*)\.(?:"(?:[^"]|"")*"|[^."]+)$/s.exec(column)?.[1];
  return [`table ${table}`, `column ${column}`];
}

/** What a change is of, for people: `table public.projects`. */
export function nameOf(row: Row): string {
  return row.kind === 'database' ? 'database' : keyOf(row);
}
