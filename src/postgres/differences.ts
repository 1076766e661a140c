import type { DatabaseContent, SequencePosition } from './contents';
import type { DatabaseProperties } from './facts';
import { revisionNames } from './revisions';
import { salvageSchema } from './salvage-schema';
import type { SchemaFingerprint } from './schema';

/** What is compared of two databases. */
export interface ComparedState {
  readonly revisions: readonly string[];
  readonly schema: SchemaFingerprint;
  readonly content: DatabaseContent;
}

/**
 * How a database differs from what it should be, in words; empty if it does not.
 *
 * @param compareRows - every row, by checksum; without it only how many there are. @default true
 */
export function differences(expected: ComparedState, actual: ComparedState, compareRows = true): string[] {
  return [
    ...revisionDifferences(expected.revisions, actual.revisions),
    ...schemaDifferences(expected.schema, actual.schema),
    ...contentDifferences(expected.content, actual.content, compareRows),
  ];
}

function revisionDifferences(expected: readonly string[], actual: readonly string[]): string[] {
  const [wanted, found] = [expected, actual].map(revisionNames);
  return wanted === found ? [] : [`revision ${found} instead of ${wanted}`];
}

/** How two schemas differ. */
export function schemaDifferences(expected: SchemaFingerprint, actual: SchemaFingerprint): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return names.flatMap((name) => {
    if (expected[name] === actual[name]) return [];
    if (actual[name] === undefined) return [`${name} is missing`];
    return [expected[name] === undefined ? `${name} is new` : `${name} is another`];
  });
}

/** How what belongs to the databases themselves differs; never with a value, which may be a secret. */
export function propertyDifferences(expected: DatabaseProperties, actual: DatabaseProperties): string[] {
  const words = {
    owner: 'the owner',
    comment: 'the comment',
    rights: 'the rights',
    settings: 'a setting',
    connectionLimit: 'the connection limit',
  } as const;
  return Object.entries(words).flatMap(([key, what]) => {
    const [wanted, found] = [expected, actual].map((it) => comparable(it[key as keyof typeof words]));
    return wanted === found ? [] : [`${what} of the database is another`];
  });
}

/** Lists as text whatever their order. */
function comparable(value: DatabaseProperties[keyof DatabaseProperties]): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(value.map((it) => JSON.stringify(it)).sort());
}

function contentDifferences(expected: DatabaseContent, actual: DatabaseContent, compareRows: boolean): string[] {
  const key = ({ schema, name }: DatabaseContent['tables'][number]): string => `${schema}.${name}`;
  const found = new Map(actual.tables.map((table) => [key(table), table]));
  const tables = expected.tables.flatMap((table) => {
    const other = found.get(key(table));
    // That a table is missing is told already, except of what Rewind keeps aside, which is no part of the schema.
    if (other === undefined) return table.schema === salvageSchema ? [`${key(table)} is missing`] : [];
    if (other.rows !== table.rows) return [`${key(table)} has ${other.rows} rows instead of ${table.rows}`];
    return compareRows && other.checksum !== table.checksum ? [`${key(table)} has other rows`] : [];
  });
  const [was, is] = [expected.largeObjects, actual.largeObjects];
  if (was.count !== is.count) return [...tables, `${is.count} large objects instead of ${was.count}`];
  return compareRows && was.checksum !== is.checksum ? [...tables, 'large objects have other contents'] : tables;
}

/**
 * How sequences differ. They go on while a dump is written, so that one stands somewhere between two positions.
 *
 * @param before - positions when the dump began
 * @param after - positions when it was done
 */
export function sequenceDifferences(
  before: readonly SequencePosition[],
  after: readonly SequencePosition[],
  actual: readonly SequencePosition[],
): string[] {
  const key = ({ schema, name }: SequencePosition): string => `${schema}.${name}`;
  const [first, last, found] = [before, after, actual].map((list) => new Map(list.map((it) => [key(it), it.value])));
  return [...first!].flatMap(([name, from]) => {
    const to = last!.get(name);
    const value = found!.get(name);
    if (value === undefined || to === undefined) return []; // missing: told already; dropped meanwhile: not compared
    return isBetween(value, from, to) ? [] : [`the sequence ${name} stands at ${value} instead of ${from}`];
  });
}

function isBetween(value: string | null, from: string | null, to: string | null): boolean {
  if (value === from || value === to) return true;
  // Not used yet at first, and used meanwhile: any position may have been its first.
  if (value === null || to === null || from === null) return from === null && to !== null;
  const [low, high] = [BigInt(from), BigInt(to)].sort((a, b) => (a < b ? -1 : 1));
  return BigInt(value) >= low! && BigInt(value) <= high!;
}
