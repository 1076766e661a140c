import type { WrittenType } from './effects';

/** The type that a column has, as the catalogue has it. */
export interface ColumnType {
  /** `pg_type.typname`; of an array, that of its elements. */
  readonly name: string;
  /** `atttypmod`; -1 where there is none. */
  readonly modifier: number;
  readonly isArray: boolean;
}

const integers = ['int2', 'int4', 'int8'];
const texts = ['text', 'varchar', 'bpchar', 'citext'];
const times = ['timestamp', 'timestamptz', 'time', 'timetz', 'interval'];
const finestTime = 6;

/**
 * Whether another type of a column can take something away from its values: what is rounded, cut or changed. Where a
 * value that does not fit fails the statement, nothing is lost.
 *
 * @param using - whether an expression makes the new value: nobody knows then what is left of the old one
 */
export function narrows(from: ColumnType, to: WrittenType, using: boolean): boolean {
  if (using) return true;
  // Anything can be written out as text; a text that is too long fails the statement.
  if (texts.includes(to.name) && !to.isArray) return false;
  if (from.isArray !== to.isArray) return true;
  if (texts.includes(to.name)) return !texts.includes(from.name);
  // So does a number that is too big.
  if (integers.includes(from.name) && [...integers, 'numeric'].includes(to.name)) return false;
  const [before, after] = [modifiersOf(from), to.modifiers];
  if (from.name === 'numeric' && to.name === 'numeric') {
    return after.length > 0 && (before[1] ?? Infinity) > (after[1] ?? 0);
  }
  if (times.includes(from.name) && (from.name === to.name || `${from.name}tz` === to.name)) {
    return (before[0] ?? finestTime) > (after[0] ?? finestTime);
  }
  if (from.name === 'date' && ['timestamp', 'timestamptz'].includes(to.name)) return false;
  if (from.name === 'float4' && to.name === 'float8') return false;
  return from.name !== to.name;
}

/** Length, or precision and scale, as they are written: https://www.postgresql.org/docs/current/catalog-pg-attribute.html */
function modifiersOf({ name, modifier }: ColumnType): number[] {
  if (modifier < 0) return [];
  if (name === 'numeric') return [((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff];
  return [texts.includes(name) ? modifier - 4 : modifier];
}
