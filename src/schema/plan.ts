import { identifier } from '../postgres/sql';
import type { Change, Rename } from './diff';
import type { DatabaseObject } from './object';
import { inheritedFrom, type Objects, parentOf } from './objects';
import { type Row } from './row';

/** Statements that make one schema of another. */
export interface SchemaPlan {
  /** To be run in one transaction, in this order. */
  readonly statements: readonly string[];
  /** What Postgres runs outside of any transaction only. */
  readonly outside: readonly string[];
  /** What cannot be written as SQL, in words; empty if the statements do it all. */
  readonly gaps: readonly string[];
}

/** Kinds in the order in which they are made, unless one needs another. */
const order = [
  'role',
  'membership',
  'schema',
  'extension',
  'collation',
  'type',
  'function',
  'sequence',
  'table',
  'foreign table',
  'column',
  'view',
  'materialized view',
  'constraint',
  'index',
  'statistics',
  'rule',
  'trigger',
  'policy',
];

/** What can be dropped and made again without losing anything. */
const rebuildable = new Set([
  'view',
  'materialized view',
  'constraint',
  'index',
  'statistics',
  'rule',
  'trigger',
  'policy',
  'function',
  'event trigger',
]);

/**
 * Plans the way from one schema to another.
 *
 * @param changes - those to make; `from` and `to` are the sides of the way
 * @param renames - those among them that are only another name
 */
export function planChanges(
  changes: ReadonlyMap<string, Change>,
  renames: readonly Rename[],
  from: Objects,
  to: Objects,
): SchemaPlan {
  return new Planner(changes, renames, from, to).run();
}

class Planner {
  readonly #changes: ReadonlyMap<string, Change>;
  readonly #renames: readonly Rename[];
  readonly #from: Objects;
  readonly #to: Objects;
  readonly #drops = new Set<string>();
  readonly #creates = new Set<string>();
  /** Columns whose type goes away for a moment. */
  readonly #converted = new Set<string>();
  readonly #first: string[] = [];
  readonly #late: string[] = [];
  readonly #last: string[] = [];
  readonly #outside: string[] = [];
  readonly #gaps: string[] = [];

  constructor(changes: ReadonlyMap<string, Change>, renames: readonly Rename[], from: Objects, to: Objects) {
    this.#changes = changes;
    this.#renames = renames;
    this.#from = from;
    this.#to = to;
  }

  run(): SchemaPlan {
    const renaming = this.#renames.map((it) => this.#rename(it));
    const changes = [...this.#changes.values()].filter(({ key }) => !this.#isOfRenamed(key));
    const alters = new Map<string, readonly string[]>();
    for (const { key, from, to, isOther } of changes) {
      if (!from) this.#creates.add(key);
      else if (!to) this.#drop(key);
      else if (isOther) {
        const steps = from.alter?.(to);
        if (steps) alters.set(key, steps);
        if (steps && from.row.kind === 'column') this.#retype(key, from);
        if (!steps) this.#rebuild(key);
      }
    }
    const drops = this.#sorted(this.#drops, this.#from).reverse();
    const dropped = drops.flatMap((key) => this.#dropping(key));
    const made: string[] = [];
    const touched = new Set([...this.#creates, ...changes.map(({ key }) => key), ...this.#converted]);
    for (const key of this.#sorted(touched, this.#to)) {
      const object = this.#to.get(key) ?? this.#changes.get(key)?.to;
      if (!object) continue;
      const isNew = this.#creates.has(key);
      if (isNew) made.push(...this.#creating(object));
      else made.push(...(alters.get(key) ?? []), ...this.#back(key));
      this.#facets(isNew ? undefined : (this.#changes.get(key)?.from ?? this.#from.get(key)), object, made);
    }
    const hasCode = [...this.#creates].some((key) => key.startsWith('function ')) || this.#altersCode(alters);
    const statements = [...renaming, ...this.#first, ...dropped, ...made, ...this.#late, ...this.#last].filter(
      (it) => it !== '',
    );
    return {
      statements: merged([...(hasCode ? ['SET LOCAL check_function_bodies = off;'] : []), ...new Set(statements)]),
      outside: this.#outside,
      gaps: [...new Set(this.#gaps)],
    };
  }

  #altersCode(alters: ReadonlyMap<string, readonly string[]>): boolean {
    return [...alters.keys()].some((key) => key.startsWith('function '));
  }

  #rename({ from, to }: Rename): string {
    const [was, is] = [this.#from.get(from)!.row, this.#to.get(to)!.row];
    const words = was.kind.toUpperCase();
    if (was.kind === 'column')
      return `ALTER TABLE ${was.on!} RENAME COLUMN ${was['column'] as string} TO ${is['column'] as string};`;
    const moved = was.schema === is.schema ? [] : [`ALTER ${words} ${was.name} SET SCHEMA ${is.schema!};`];
    const at = was.schema === is.schema ? was.name : `${is.schema!}.${lastPart(was)}`;
    const again = lastPart(was) === lastPart(is) ? [] : [`ALTER ${words} ${at} RENAME TO ${lastPart(is)};`];
    return [...moved, ...again].join('\n');
  }

  /** Whether an object has another name itself, or is written otherwise for that reason alone. */
  #isOfRenamed(key: string): boolean {
    const names = new Set(this.#renames.flatMap((it) => [it.from, it.to]));
    if (names.has(key)) return true;
    const row = this.#from.rows.get(key) ?? this.#to.rows.get(key);
    if (!row) return false;
    const needs = [this.#from.rows.get(key), this.#to.rows.get(key)].flatMap((it) => it?.needs ?? []);
    const parent = parentOf(row);
    const schema = row.schema === undefined ? undefined : `schema ${row.schema}`;
    const above = needs.flatMap((need) => {
      const rows = [this.#from.rows.get(need), this.#to.rows.get(need)].flatMap((it) => it ?? []);
      return [
        need,
        ...rows.flatMap((it) => [parentOf(it), ...(it.schema === undefined ? [] : [`schema ${it.schema}`])]),
      ];
    });
    const around = [parent, schema, ...above];
    if (around.some((it) => it !== undefined && names.has(it))) return true;
    return parent !== undefined && this.#isOfRenamed(parent);
  }

  /** Drops an object, and what would be in the way of that. */
  #drop(key: string): void {
    if (this.#drops.has(key)) return;
    this.#drops.add(key);
    for (const dependent of this.#from.dependentsOf(key)) this.#away(dependent, key);
    for (const child of this.#from.childrenOf(key)) {
      for (const dependent of this.#from.dependentsOf(`${child.kind} ${child.name}`)) this.#away(dependent, key);
    }
  }

  #rebuild(key: string): void {
    if (this.#drops.has(key)) return;
    const object = this.#from.get(key)!;
    if (!rebuildable.has(object.row.kind) && !['type', 'membership', 'event trigger'].includes(object.row.kind)) {
      if (this.#to.get(key)?.create === undefined || object.row.kind === 'table' || object.row.kind === 'foreign table')
        this.#gaps.push(`${key} would have to be made anew`);
    }
    this.#drop(key);
    this.#creates.add(key);
    for (const child of this.#to.childrenOf(key)) this.#creates.add(`${child.kind} ${child.name}`);
  }

  /** Takes away what needs an object that goes; it is made again if it is to be there. */
  #away(key: string, needed: string): void {
    const { row } = this.#from.get(key)!;
    if (this.#drops.has(key) || this.#isWithin(row)) return;
    if (row.kind === 'column') {
      const column = this.#to.get(key);
      if (!column) this.#drop(key);
      else if (row['generated'] !== undefined && needed.startsWith('column ')) {
        this.#drop(key); // computed again
        this.#creates.add(key);
      } else if (needed.startsWith('type ')) this.#convert(key);
      else this.#first.push(this.#from.get(key)?.facets['default']?.unset ?? '');
      return;
    }
    // What belongs to the table only goes with the default of its column.
    if (row.kind === 'sequence') return;
    if (!rebuildable.has(row.kind)) {
      if (this.#to.get(key)) this.#gaps.push(`${key} needs ${needed}, which goes`);
      return;
    }
    this.#drop(key);
    if (this.#to.get(key)) {
      this.#creates.add(key);
      for (const child of this.#to.childrenOf(key)) this.#creates.add(`${child.kind} ${child.name}`);
    }
  }

  /** Another type of a column: what reads the column goes for a moment, where Postgres would not change it by itself. */
  #retype(key: string, from: DatabaseObject): void {
    this.#first.push(from.facets['default']?.unset ?? '');
    for (const dependent of this.#from.dependentsOf(key)) {
      const { kind } = this.#from.get(dependent)!.row;
      const isKept = (kind === 'constraint' || kind === 'index') && !this.#changes.has(dependent);
      if (!isKept) this.#away(dependent, key);
    }
  }

  /** A type that is made anew: the columns hold text meanwhile. */
  #convert(key: string): void {
    if (this.#converted.has(key)) return;
    this.#converted.add(key);
    const { row, facets } = this.#from.get(key)!;
    if (row['inherited'] === true) return;
    const alter = `ALTER TABLE ${row.on!} ALTER COLUMN ${row['column'] as string}`;
    const text = (row['type'] as string).endsWith('[]') ? 'text[]' : 'text';
    for (const dependent of this.#from.dependentsOf(key)) this.#away(dependent, key);
    this.#first.push(facets['default']?.unset ?? '');
    this.#beforeDrop.push(`${alter} TYPE ${text} USING ${row['column'] as string}::${text};`);
  }

  readonly #beforeDrop: string[] = [];

  /** Gives a column its type back. */
  #back(key: string): string[] {
    const { row } = this.#to.get(key) ?? this.#changes.get(key)!.to!;
    if (!this.#converted.has(key) || row['inherited'] === true) return [];
    const type = row['type'] as string;
    return [
      `ALTER TABLE ${row.on!} ALTER COLUMN ${row['column'] as string} TYPE ${type} USING ${row['column'] as string}::${type};`,
    ];
  }

  #isWithin(row: Row): boolean {
    const parent = parentOf(row);
    return parent !== undefined && this.#drops.has(parent);
  }

  #dropping(key: string): string[] {
    const { row, drop } = this.#from.get(key)!;
    const conversions = row.kind === 'type' ? this.#beforeDrop.splice(0) : [];
    if (this.#isWithin(row)) return conversions;
    const owner = row['ownedBy'] as string | undefined;
    if (owner !== undefined && this.#goesWith(owner)) return conversions;
    if (drop === undefined) this.#gaps.push(`${key} has to be removed by hand: Rewind writes no SQL for it`);
    if (row.kind === 'setting') this.#outside.push(drop!);
    else if (row.kind === 'role') this.#last.push(drop!);
    else return [...conversions, drop ?? ''];
    return conversions;
  }

  /** Whether the column goes that a sequence belongs to. */
  #goesWith(column: string): boolean {
    const row = this.#from.rows.get(`column ${column}`);
    return row !== undefined && (this.#drops.has(`column ${column}`) || this.#drops.has(parentOf(row)!));
  }

  #creating({ key, row, create }: DatabaseObject): string[] {
    const parent = parentOf(row);
    const isInTable = row.kind === 'column' && parent !== undefined && this.#creates.has(parent);
    if (create === undefined) this.#gaps.push(`${key} has to be made by hand: Rewind writes no SQL for it`);
    return isInTable || create === undefined ? [] : [create];
  }

  #facets(from: DatabaseObject | undefined, to: DatabaseObject, made: string[]): void {
    const isNew = from === undefined;
    const isSetting = to.row.kind === 'setting';
    const given = isNew ? this.#givenByDefault(to) : [];
    const byDefault = isNew ? this.#unwritten(to, given.length > 0) : from.facets;
    made.push(...given);
    // What NOT NULL rests on goes first.
    for (const name of Object.keys(byDefault).reverse()) {
      const [before, after] = [byDefault[name]!, to.facets[name]];
      if (before.value === after?.value) continue;
      if (before.unset === undefined || (after && !before.isReplaced)) continue;
      if (name === 'default' && to.row.kind === 'column') this.#first.push(before.unset);
      else made.push(before.unset);
    }
    for (const [name, facet] of Object.entries(to.facets)) {
      const isReset =
        name === 'default' && !isNew && (this.#first.includes(facet.unset ?? '') || this.#converted.has(to.key));
      if (isNew ? facet.isMade || byDefault[name]?.value === facet.value : byDefault[name]?.value === facet.value) {
        if (!isReset) continue;
      }
      // The owner is whoever makes it.
      (isSetting ? this.#outside : facet.isLate ? this.#late : made).push(facet.set);
    }
  }

  /** Rights that an object has as soon as it is made. */
  #unwritten(to: DatabaseObject, isTakenBack: boolean): DatabaseObject['facets'] {
    const whose = isTakenBack ? / for its owner$/ : / for (its owner|everybody)$/;
    return Object.fromEntries(Object.entries(this.#bare(to).facets).filter(([name]) => whose.test(name)));
  }

  /** Statements that take back what default rights give to a new object. */
  #givenByDefault(to: DatabaseObject): string[] {
    const of = {
      table: 'r',
      view: 'r',
      'materialized view': 'r',
      'foreign table': 'r',
      sequence: 'S',
      function: 'f',
      type: 'T',
      schema: 'n',
    }[to.row.kind];
    if (of === undefined) return [];
    const own = Object.entries(this.#bare(to).facets).find(([name]) => name.endsWith(' for its owner'));
    const on = / ON (.*) FROM /s.exec(own?.[1].unset ?? '')?.[1];
    const rows = [...this.#from.rows.values(), ...this.#to.rows.values()];
    const rules = rows.filter(({ kind, ['of']: it }) => kind === 'default rights' && it === of);
    const others = rules.flatMap((it) =>
      (it.rights ?? []).filter((right) => right.to !== it.owner).map((right) => right.to),
    );
    if (on === undefined || rules.length === 0) return [];
    return [...new Set([undefined, ...others])].map(
      (it) => `REVOKE ALL ON ${on} FROM ${it === undefined ? 'PUBLIC' : identifier(it)};`,
    );
  }

  #bare({ key, row }: DatabaseObject): DatabaseObject {
    return (this.#to.rows.get(key) ? this.#to : this.#from).make({ ...row, rights: undefined });
  }

  /** Sorted so that what is needed comes first. */
  #sorted(keys: ReadonlySet<string>, side: Objects): string[] {
    const rank = (key: string): number => {
      const at = order.indexOf((side.rows.get(key) ?? this.#changes.get(key)?.to?.row)?.kind ?? '');
      return at < 0 ? order.length : at;
    };
    const place = (key: string): number => side.rows.get(key)?.hint?.position ?? 0;
    const todo = [...keys].sort((a, b) => rank(a) - rank(b) || place(a) - place(b) || (a < b ? -1 : 1));
    const done = new Set<string>();
    const visit = (key: string, seen: ReadonlySet<string>): void => {
      if (done.has(key) || seen.has(key)) return;
      const row = side.rows.get(key);
      const inside = new Set([...seen, key]);
      const around =
        row === undefined ? [] : [parentOf(row), row.schema === undefined ? undefined : `schema ${row.schema}`];
      const own = row?.kind === 'table' ? side.childrenOf(key).filter(({ kind }) => kind === 'column') : [];
      const needs = [...(row?.needs ?? []), ...own.flatMap((it) => it.needs ?? [])];
      const parents = row === undefined ? [] : inheritedFrom(row, side);
      for (const it of [...around, ...parents, ...needs]) if (it !== undefined && keys.has(it)) visit(it, inside);
      done.add(key);
    };
    for (const key of todo) visit(key, new Set());
    return [...done].filter((key) => keys.has(key));
  }
}

/** The name of an object without its schema. */
function lastPart({ name }: Row): string {
  return /(?:"(?:[^"]|"")*"|[^."]+)$/s.exec(name)![0];
}

/** Rights on the same object for the same role in one statement. */
function merged(statements: readonly string[]): string[] {
  const result: string[] = [];
  const pattern = /^((?:ALTER DEFAULT PRIVILEGES .*)?(?:GRANT|REVOKE)) ([A-Z, ]+) (ON .* (?:TO|FROM) .*;)$/s;
  for (const statement of statements) {
    const [, verb, what, rest] = pattern.exec(statement) ?? [];
    const [, lastVerb, lastWhat, lastRest] = pattern.exec(result.at(-1) ?? '') ?? [];
    if (verb !== undefined && verb === lastVerb && rest === lastRest)
      result[result.length - 1] = `${verb} ${lastWhat}, ${what} ${rest}`;
    else result.push(statement);
  }
  return result;
}
