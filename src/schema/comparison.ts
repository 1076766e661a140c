import { type ChangeGroup, changesBetween, groupChanges, nameOf, renamesAmong } from './diff';
import { existence } from './existence';
import { lossNote } from './losses';
import { Objects } from './objects';
import { planChanges, type SchemaPlan } from './plan';
import { type Catalogue } from './row';

/** How an object of the schema is another than in the release. */
export interface SchemaDifference {
  /** `table public.projects`, as it is declared. */
  readonly name: string;
  readonly how: 'added' | 'removed' | 'changed' | 'renamed';
  /** What of it: `owner`, `comment`, `type`; empty where it is all of it. */
  readonly what: readonly string[];
  /** Keys of all objects that it is about. */
  readonly keys: readonly string[];
  /** What somebody has done, as SQL. */
  readonly forth: SchemaPlan;
  /** What puts it right. */
  readonly back: SchemaPlan;
  /** What is lost, and does not come back by it. @default nothing */
  readonly note?: string;
  /** Expression of SQL that is true where it was done. @default nothing tells by a name alone */
  readonly isThere?: string;
  /** Whether {@link back} brings back everything that was there. */
  readonly isWhole: boolean;
}

/** The schema of a release beside the one that is there. */
export class SchemaComparison {
  readonly #declared: Objects;
  readonly #live: Objects;

  /** @param database - name of the live one, for the statements */
  constructor(declared: Catalogue, live: Catalogue, database: string) {
    this.#declared = new Objects(declared, database);
    this.#live = new Objects(live, database);
  }

  /** Whether nothing differs: known without what the objects need. */
  isSame(): boolean {
    return changesBetween(this.#declared, this.#live).size === 0;
  }

  /** All differences, by name. */
  differences(): SchemaDifference[] {
    const changes = changesBetween(this.#declared, this.#live);
    return groupChanges(changes, this.#declared, this.#live).map((group) => this.#difference(group));
  }

  /**
   * The way back for some differences together.
   *
   * @param keys - of the objects to put right. @default all
   */
  wayBack(keys?: ReadonlySet<string>): SchemaPlan {
    return this.#plan(this.#live, this.#declared, keys);
  }

  /** The way there, likewise. */
  wayForth(keys?: ReadonlySet<string>): SchemaPlan {
    return this.#plan(this.#declared, this.#live, keys);
  }

  /**
   * The release's catalogue with some objects as they are now.
   *
   * @param keys - of the objects that are taken over
   */
  accepted(keys: ReadonlySet<string>): Catalogue {
    const others = [...this.#declared.rows].filter(([key]) => !keys.has(key));
    const taken = [...this.#live.rows].filter(([key]) => keys.has(key));
    const rows = [...others, ...taken].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    return { ...this.#declared.catalogue, rows };
  }

  #difference({ change, rename, keys }: ChangeGroup): SchemaDifference {
    const { from, to, facets, isOther } = change;
    const all = new Set(keys);
    const [forth, back] = [this.wayForth(all), this.wayBack(all)];
    const note = rename ? undefined : lossNote(change, keys, this.#declared, this.#live);
    const { row } = (from ?? to)!;
    const isThere = from && to ? undefined : existence(row);
    return {
      name: nameOf(row),
      how: rename ? 'renamed' : !from ? 'added' : !to ? 'removed' : 'changed',
      what: from && to ? [...(isOther ? [row.kind === 'column' ? 'type' : 'definition'] : []), ...facets] : [],
      keys,
      forth,
      back,
      ...(note && { note: note.text }),
      ...(isThere !== undefined && { isThere: from ? `NOT (${isThere})` : isThere }),
      isWhole: back.gaps.length === 0 && !note?.isLost,
    };
  }

  #plan(from: Objects, to: Objects, keys?: ReadonlySet<string>): SchemaPlan {
    const all = changesBetween(from, to);
    const some = new Map([...all].filter(([key]) => keys === undefined || keys.has(key)));
    return planChanges(some, renamesAmong(some), from, to);
  }
}
