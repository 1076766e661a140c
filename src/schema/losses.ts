import type { WrittenType } from '../loss/effects';
import { type ColumnType, narrows } from '../loss/narrowing';
import type { Change } from './diff';
import type { Objects } from './objects';
import type { Row } from './row';

/** What the way back leaves behind. */
export interface LossNote {
  readonly text: string;
  /** Whether something that was there is not brought back, or something that is there would go unseen. */
  readonly isLost: boolean;
}

/** What is gone already, or goes when a change is undone; undefined if nothing does. */
export function lossNote(
  { from, to, isOther, facets }: Change,
  keys: readonly string[],
  declared: Objects,
  live: Objects,
): LossNote | undefined {
  const { row } = (from ?? to)!;
  const holdsRows = ['table', 'column', 'schema', 'sequence', 'foreign table'];
  const inSide = (side: Objects): string | undefined =>
    keys.find((key) => holdsRows.includes(side.rows.get(key)?.kind ?? '') && side.rows.get(key)?.kind !== 'schema');
  if (from && !to && inSide(declared) !== undefined) {
    const what = { column: 'Its values are', sequence: 'Its position is' }[row.kind] ?? 'Its rows are';
    return {
      text: `${what} gone: the statements make it again, empty. Bring them back from a snapshot: rewind snapshot restore.`,
      isLost: true,
    };
  }
  if (to && !from && inSide(live) !== undefined)
    return { text: 'What it holds by now goes with it; a snapshot is taken before.', isLost: false };
  if (row.kind === 'role' && from && !to) return { text: 'Its password is gone: set a new one.', isLost: false };
  if (from && to && row.kind === 'column' && isOther) return typeNote(from.row, to.row);
  if (from && to && row.kind === 'type' && isOther)
    return {
      text: 'It fails, and changes nothing, where a row has a value that the type is not to have.',
      isLost: false,
    };
  if (from && to && facets.includes('partition'))
    return { text: 'It fails, and changes nothing, where rows do not fit into the partition.', isLost: false };
  return undefined;
}

function typeNote(from: Row, to: Row): LossNote | undefined {
  if (from['generated'] !== to['generated']) {
    return from['generated'] === undefined
      ? { text: 'Its values were replaced by computed ones. Bring them back from a snapshot.', isLost: true }
      : undefined;
  }
  const [was, is] = [typeOf(from), typeOf(to)];
  const forth = narrows(was, is, false);
  const back = narrows(is, was, false);
  // A text is read back as what it was written from.
  const isText = (it: WrittenType): boolean => ['text', 'varchar', 'bpchar'].includes(it.name);
  if (isText(is) && !is.isArray && is.modifiers.length === 0)
    return { text: 'It fails, and changes nothing, where a value does not fit the declared type.', isLost: false };
  if (forth)
    return { text: 'Values may have been rounded or cut by it. Bring them back from a snapshot.', isLost: true };
  if (back) return { text: 'Values that were written since would be rounded or cut.', isLost: true };
  return { text: 'It fails, and changes nothing, where a value does not fit the declared type.', isLost: false };
}

const names: Readonly<Record<string, string>> = {
  smallint: 'int2',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  boolean: 'bool',
  character: 'bpchar',
  'character varying': 'varchar',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
};

/** A type as `format_type` writes it. */
function typeOf(row: Row): ColumnType & WrittenType {
  const text = row['type'] as string;
  const isArray = text.endsWith('[]');
  const modifiers = (/\(([\d,]+)\)/.exec(text)?.[1] ?? '').split(',').flatMap((it) => (it === '' ? [] : [Number(it)]));
  const bare = text
    .replace(/\([\d,]+\)/, '')
    .replace(/\[\]$/, '')
    .trim();
  const name = names[bare] ?? bare;
  const [first, second = 0] = modifiers;
  const packed =
    first === undefined
      ? -1
      : name === 'numeric'
        ? ((first << 16) | second) + 4
        : ['varchar', 'bpchar'].includes(name)
          ? first + 4
          : first;
  return { name, modifier: packed, isArray, modifiers };
}
