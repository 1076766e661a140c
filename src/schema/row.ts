/** A right as `aclexplode` has it. */
export interface Right {
  /** @default everybody */
  readonly to?: string;
  readonly may: string;
  /** Whether it may be passed on. @default false */
  readonly more?: true;
}

/** A sequence's parameters. */
export interface SequenceOptions {
  readonly type: string;
  readonly start: string;
  readonly by: string;
  readonly max: string;
  readonly min: string;
  readonly cache: string;
  readonly cycle: boolean;
}

/** What an object is at this moment and is not compared: its number, its place among its table's columns. */
export interface RowHint {
  readonly oid: string;
  readonly position?: number;
}

/**
 * One object as it was read from the system catalogue: texts that Postgres' own functions have made, and the fields of the
 * kind that it is. Names are quoted and qualified as SQL takes them. A field that says nothing is left out.
 */
export interface Row {
  /** `table`, `column`, `index`, … */
  readonly kind: string;
  readonly name: string;
  /** The table, view or domain that it belongs to. */
  readonly on?: string;
  /** The schema that it is in. */
  readonly schema?: string;
  readonly owner?: string;
  /** Rights; left out where nobody has changed the default. */
  readonly rights?: readonly Right[];
  readonly comment?: string;
  /** Keys of the objects that it needs. */
  readonly needs?: readonly string[];
  readonly hint?: RowHint;
  /** What else makes it what it is, by kind: see the queries. */
  readonly [field: string]: unknown;
}

/** What names an object among all others: `table public.projects`. */
export function keyOf({ kind, name }: Pick<Row, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** Everything that makes the schema of a database, in one moment. */
export interface Catalogue {
  /** Of this text: another version may read other fields. */
  readonly format: 1;
  /** `server_version_num` of the server that has made the texts. */
  readonly version: number;
  /** Rights that an object has as long as nobody has changed any, by the letter of its kind; the owner is `{owner}`. */
  readonly defaults: Readonly<Record<string, readonly Right[]>>;
  /** Sorted by kind and name. */
  readonly rows: readonly Row[];
}
