import type { PostgresServer } from '../postgres/server';
import { type Count, sum } from './count';
import { countTables, type Counted } from './counting';
import { type Drop, type DropKind, type Drops, findDrops } from './drops';
import type { StepEffects } from './effects';

/** Rows of a table, or values of a column, that a downgrade takes away. */
export interface LostItem {
  /** The revision whose undoing does it. */
  readonly revision: string;
  readonly kind: DropKind;
  readonly schema: string;
  readonly table: string;
  /** @default whole rows */
  readonly column?: string;
  /** Rows; of a column, values that are not null. */
  readonly count: Count;
}

/** What undoing revisions would lose of what is in the database now. */
export interface DowngradeLoss extends Omit<Drops, 'drops'> {
  readonly items: readonly LostItem[];
  /** Rows that go, and values of columns that go. */
  readonly rows: Count;
  readonly values: Count;
}

/**
 * Counts what a downgrade would take away now. Changes nothing.
 *
 * @param steps - as `readEffects` gives them
 * @param limitMs - how long counting may take; what takes longer is estimated. @default 20 s
 * @throws RewindError database/…
 */
export async function countDowngradeLoss(
  server: PostgresServer,
  database: string,
  steps: readonly StepEffects[],
  limitMs?: number,
): Promise<DowngradeLoss> {
  const { drops, ...remarks } = await findDrops(server, database, steps);
  const wanted = new Map<string, Counted & { columns: string[] }>();
  for (const drop of drops) {
    const counted = wanted.get(keyOf(drop)) ?? { table: drop.table, only: isAlone(drop), columns: [] };
    if (drop.column) counted.columns.push(drop.column.column);
    wanted.set(keyOf(drop), counted);
  }
  const counts = await countTables(server, database, [...wanted.values()], limitMs);
  const byKey = new Map([...wanted.keys()].map((key, at) => [key, counts[at]!]));
  const items = drops.map((drop): LostItem => {
    const { revision, kind, table, column, all } = drop;
    const { rows, values } = byKey.get(keyOf(drop))!;
    const count = column ? values[column.column]! : rows;
    return {
      revision,
      kind,
      schema: table.schema,
      table: table.table,
      ...(column && { column: column.column }),
      count: all || count.kind !== 'exact' || count.value === 0 ? count : { ...count, kind: 'at most' },
    };
  });
  return {
    items,
    rows: sum(items.flatMap(({ column, count }) => (column === undefined ? [count] : []))),
    values: sum(items.flatMap(({ column, count }) => (column === undefined ? [] : [count]))),
    ...remarks,
  };
}

/** A table that is dropped is told of without those that inherit from it: they are told of themselves. */
function isAlone({ kind, table, column }: Drop): boolean {
  return column === undefined && kind === 'dropped' && !table.isPartitioned;
}

function keyOf(drop: Drop): string {
  return `${drop.table.oid} ${isAlone(drop)}`;
}
