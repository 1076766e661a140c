import { codeObjects, rareObject } from './code-objects';
import type { DatabaseObject, ObjectContext } from './object';
import { type Catalogue, keyOf, type Row } from './row';
import { serverObjects } from './server-objects';
import { createTable, tableObjects } from './table-objects';
import { typeObjects } from './type-objects';

const makers = { ...serverObjects, ...typeObjects, ...tableObjects, ...codeObjects };

/** The objects of a catalogue, made when they are asked for: few of many are. */
export class Objects {
  readonly catalogue: Catalogue;
  readonly rows: ReadonlyMap<string, Row>;
  readonly #context: ObjectContext;
  readonly #made = new Map<string, DatabaseObject>();
  #children: Map<string, Row[]> | undefined;
  #dependents: Map<string, string[]> | undefined;

  /** @param database - that the statements are for */
  constructor(catalogue: Catalogue, database: string) {
    this.catalogue = catalogue;
    this.#context = { catalogue, database };
    this.rows = new Map(catalogue.rows.map((row) => [keyOf(row), row]));
  }

  get(key: string): DatabaseObject | undefined {
    const row = this.rows.get(key);
    if (row === undefined) return undefined;
    const made = this.#made.get(key) ?? this.make(row);
    this.#made.set(key, made);
    return made;
  }

  make(row: Row): DatabaseObject {
    const object = (makers[row.kind] ?? rareObject)(row, this.#context);
    if (row.kind !== 'table' && row.kind !== 'foreign table') return object;
    const columns = this.childrenOf(object.key).filter(({ kind }) => kind === 'column');
    columns.sort((a, b) => (a.hint?.position ?? 0) - (b.hint?.position ?? 0));
    return { ...object, create: createTable(row, columns) };
  }

  /** What belongs to a table, a view or a domain. */
  childrenOf(key: string): Row[] {
    if (!this.#children) {
      this.#children = new Map();
      for (const row of this.rows.values()) {
        const parent = parentOf(row);
        if (parent !== undefined) this.#children.set(parent, [...(this.#children.get(parent) ?? []), row]);
      }
    }
    return [...(this.#children.get(key) ?? [])];
  }

  /** Keys of what needs an object. */
  dependentsOf(key: string): readonly string[] {
    if (!this.#dependents) {
      this.#dependents = new Map();
      for (const [dependent, { needs = [] }] of this.rows) {
        for (const needed of needs) this.#dependents.set(needed, [...(this.#dependents.get(needed) ?? []), dependent]);
      }
    }
    return this.#dependents.get(key) ?? [];
  }
}

/** Key of what an object belongs to. */
export function parentOf({ on, ['ofKind']: kind }: Row): string | undefined {
  return on === undefined ? undefined : `${(kind as string | undefined) ?? 'table'} ${on}`;
}

/** Keys of what a table, or a column of one, inherits from: what is NOT NULL in a parent is so in its children. */
export function inheritedFrom(row: Row, objects: Objects): readonly string[] {
  const table = row.kind === 'column' ? objects.rows.get(parentOf(row)!) : row;
  const parents = (table?.['inherits'] as string[] | undefined) ?? [];
  return parents.map((it) => (row.kind === 'column' ? `column ${it}.${row['column'] as string}` : `table ${it}`));
}
