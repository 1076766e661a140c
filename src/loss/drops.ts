import type { PostgresServer } from '../postgres/server';
import type { Effect, StepEffects } from './effects';
import { changingFunctions, findLive, type Found, type LiveColumn, type LiveTable, type Wanted } from './live-objects';
import { narrows } from './narrowing';

/** What happens to rows or values: with the table, one by one, all at once; cut or rounded; replaced by others. */
export type DropKind = 'dropped' | 'deleted' | 'emptied' | 'narrowed' | 'overwritten';

/** Rows of a table, or values of one of its columns, that a step takes away. */
export interface Drop {
  readonly revision: string;
  readonly kind: DropKind;
  readonly table: LiveTable;
  /** @default whole rows */
  readonly column?: LiveColumn;
  /** Whether all of them go; otherwise a condition says which. */
  readonly all: boolean;
}

/** Something of a step, in words. */
export interface Remark {
  readonly revision: string;
  readonly what: string;
}

/** What a downgrade takes away from a database as it is now. */
export interface Drops {
  readonly drops: readonly Drop[];
  /** Views, types, functions: they hold no data. */
  readonly objects: readonly Remark[];
  /** What cannot be told. */
  readonly unknown: readonly Remark[];
  /** Steps that have no way back. */
  readonly noDowngrade: readonly Remark[];
}

/**
 * Looks up in a database what the statements of a downgrade name, and what goes with it. What is not there is not
 * mentioned; neither are generated columns, which are made from others.
 *
 * @throws RewindError database/…
 */
export async function findDrops(
  server: PostgresServer,
  database: string,
  steps: readonly StepEffects[],
): Promise<Drops> {
  const asked = steps.flatMap(({ revision, effects }) =>
    effects.flatMap((effect) => wantedOf(effect).map((wanted) => ({ revision, effect, wanted }))),
  );
  const wanted = asked.map((it) => it.wanted);
  const found = await findLive(server, database, wanted);
  const drops: Drop[] = [];
  const objects = new Map<string, Remark>();
  for (const it of found) {
    const { revision, effect } = asked[it.at]!;
    const drop = dropOf(revision, effect, it);
    if (drop) drops.push(drop);
    if (it.other !== null) objects.set(it.other, { revision, what: it.other });
  }
  return {
    drops: withoutRepeats(drops),
    objects: [...objects.values(), ...namedObjects(steps, [...objects.keys()])],
    unknown: await unknownOf(server, database, steps),
    noDowngrade: steps.flatMap(({ revision, noDowngrade }) =>
      noDowngrade === undefined ? [] : [{ revision, what: noDowngrade }],
    ),
  };
}

function wantedOf(effect: Effect): Wanted[] {
  switch (effect.kind) {
    case 'drop-table':
      return [{ kind: 'table', name: effect.table, cascade: effect.cascade }];
    case 'drop-column':
      return [{ kind: 'column', name: effect.table, column: effect.column, cascade: effect.cascade }];
    case 'truncate':
      return [{ kind: 'truncate', name: effect.table, cascade: effect.cascade }];
    // Nothing goes with these: they are asked for as what is emptied is, which follows no dependencies.
    case 'retype-column':
      return [{ kind: 'truncate', name: effect.table, column: effect.column, cascade: false }];
    case 'delete':
      return [{ kind: 'truncate', name: effect.table, cascade: false }];
    case 'update':
      return effect.columns.map((column) => ({ kind: 'truncate', name: effect.table, column, cascade: false }));
    case 'drop-object': {
      const { object, name, cascade } = effect;
      if (object === 'schema' || object === 'extension') return [{ kind: object, name, cascade }];
      return object === 'type' || object === 'domain' ? [{ kind: 'type', name, cascade }] : [];
    }
    case 'call':
      return [];
  }
}

function dropOf(revision: string, effect: Effect, { table, column }: Found): Drop | undefined {
  if (table === null) return undefined;
  const drop = { revision, table, all: true, ...(column && { column }) };
  if (column?.isGenerated) return undefined;
  switch (effect.kind) {
    case 'delete':
      return { ...drop, kind: 'deleted', all: effect.all };
    case 'truncate':
      return { ...drop, kind: 'emptied' };
    case 'update':
      return { ...drop, kind: 'overwritten', all: effect.all };
    case 'retype-column':
      return column && narrows(column, effect.type, effect.using) ? { ...drop, kind: 'narrowed' } : undefined;
    default:
      return { ...drop, kind: 'dropped' };
  }
}

const worstFirst: readonly DropKind[] = ['dropped', 'emptied', 'deleted', 'narrowed', 'overwritten'];

/** Each row and value once: a table that goes takes its columns with it, and its partitions. */
function withoutRepeats(drops: readonly Drop[]): Drop[] {
  const rank = (drop: Drop): number =>
    (worstFirst.indexOf(drop.kind) * 2 + (drop.all ? 0 : 1)) * drops.length + drops.indexOf(drop);
  const covers = (other: Drop, drop: Drop): boolean => {
    const isSame = other.table.oid === drop.table.oid;
    const isAbove = drop.table.ancestors.includes(other.table.oid);
    if (!isSame && !isAbove) return false;
    if (other.column) return other.column.column === drop.column?.column && (isAbove || rank(other) < rank(drop));
    if (!other.all) return !drop.column && isSame && rank(other) < rank(drop);
    // What is dropped of an inherited table is told table by table, of a partitioned one as a whole.
    if (isAbove) return other.table.isPartitioned || other.kind === 'deleted';
    return drop.column !== undefined || rank(other) < rank(drop);
  };
  return drops.filter((drop) => !drops.some((other) => other !== drop && covers(other, drop)));
}

/** What was named itself, and has not been found by what goes with it. */
function namedObjects(steps: readonly StepEffects[], known: readonly string[]): Remark[] {
  return steps.flatMap(({ revision, effects }) =>
    effects.flatMap((effect): Remark[] => {
      if (effect.kind !== 'drop-object') return [];
      const { object, name } = effect;
      const what = `${object} ${name.schema === undefined ? '' : `${name.schema}.`}${name.name}`;
      return known.some((it) => it.startsWith(what) || it.endsWith(`.${name.name}`) || it === what)
        ? []
        : [{ revision, what }];
    }),
  );
}

async function unknownOf(server: PostgresServer, database: string, steps: readonly StepEffects[]): Promise<Remark[]> {
  const calls = steps.flatMap(({ effects }) => effects.flatMap((it) => (it.kind === 'call' ? [it.name] : [])));
  const changing = new Set(await changingFunctions(server, database, calls));
  return steps.flatMap(({ revision, effects, unknown }) => {
    const called = effects.flatMap((it) => (it.kind === 'call' && changing.has(it.name.name) ? [it.name.name] : []));
    const remarks = [...unknown, ...[...new Set(called)].map((name) => `a call of ${name}()`)];
    return remarks.map((what) => ({ revision, what }));
  });
}
