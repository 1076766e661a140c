import type { Node, RangeVar } from 'libpg-query';

import type { WrittenName } from './effects';

/** Tables and columns under the names that they had before a script, while it is read from its beginning. */
export class NamesInScript {
  /** Present name -> name before the script; undefined for what the script has made. */
  readonly #tables = new Map<string, WrittenName | undefined>();
  readonly #columns = new Map<string, string | undefined>();
  /** Schema present -> before. */
  readonly #schemas = new Map<string, string | undefined>();
  #path: readonly string[] | undefined;

  /** What follows is read with another search path. */
  setPath(path: readonly string[] | undefined): void {
    this.#path = path;
  }

  /** The name before the script; undefined if the script has made it. */
  table(written: RangeVar | WrittenName): WrittenName | undefined {
    const name = this.#written(written);
    const key = this.#key(name);
    if (this.#tables.has(key)) return this.#tables.get(key);
    if (name.schema === undefined || !this.#schemas.has(name.schema)) return name;
    const schema = this.#schemas.get(name.schema);
    return schema === undefined ? undefined : { ...name, schema };
  }

  /** The name of a column before the script; undefined if the script has made it. */
  column(table: RangeVar | WrittenName, column: string): string | undefined {
    const key = this.#columnKey(table, column);
    return this.#columns.has(key) ? this.#columns.get(key) : column;
  }

  /** The name of a schema before the script; undefined if the script has made it. */
  schema(name: string): string | undefined {
    return this.#schemas.has(name) ? this.#schemas.get(name) : name;
  }

  madeTable(table: RangeVar | WrittenName): void {
    this.#tables.set(this.#key(this.#written(table)), undefined);
  }

  madeColumn(table: RangeVar | WrittenName, column: string): void {
    this.#columns.set(this.#columnKey(table, column), undefined);
  }

  madeSchema(name: string): void {
    this.#schemas.set(name, undefined);
  }

  renamedTable(table: RangeVar | WrittenName, to: Partial<WrittenName>): void {
    const [written, before] = [this.#written(table), this.table(table)];
    const now = { ...written, ...to };
    for (const [key, column] of [...this.#columns]) {
      const prefix = `${this.#key(written)}\0`;
      if (key.startsWith(prefix)) this.#columns.set(`${this.#key(now)}\0${key.slice(prefix.length)}`, column);
    }
    this.#tables.set(this.#key(now), before);
    this.#tables.set(this.#key(written), undefined);
  }

  renamedColumn(table: RangeVar | WrittenName, from: string, to: string): void {
    const before = this.column(table, from);
    this.#columns.set(this.#columnKey(table, to), before);
    this.#columns.set(this.#columnKey(table, from), undefined);
  }

  renamedSchema(from: string, to: string): void {
    this.#schemas.set(to, this.schema(from));
    this.#schemas.set(from, undefined);
  }

  #written(written: RangeVar | WrittenName): WrittenName {
    if ('name' in written) return written;
    const { schemaname, relname = '' } = written;
    return {
      name: relname,
      ...(schemaname ? { schema: schemaname } : this.#path && { path: this.#path }),
    };
  }

  #key({ schema, name }: WrittenName): string {
    // One that is written without a schema is mostly in the first one of the path.
    return `${schema ?? this.#path?.[0] ?? 'public'}\0${name}`;
  }

  #columnKey(table: RangeVar | WrittenName, column: string): string {
    return `${this.#key(this.#written(table))}\0${column}`;
  }

  /** A name of several parts, as statements give those of objects other than tables. */
  ofParts(parts: readonly string[]): WrittenName {
    const [name = '', schema] = parts.toReversed();
    if (schema !== undefined) return { schema, name };
    return { name, ...(this.#path && { path: this.#path }) };
  }
}

/** The parts of a qualified name: `public.projects`. */
export function partsOf(node: Node | undefined): string[] {
  if (!node) return [];
  if ('String' in node) return [node.String.sval ?? ''];
  if ('List' in node) return (node.List.items ?? []).flatMap((item) => partsOf(item));
  if ('TypeName' in node) return (node.TypeName.names ?? []).flatMap((item) => partsOf(item));
  if ('ObjectWithArgs' in node) return (node.ObjectWithArgs.objname ?? []).flatMap((item) => partsOf(item));
  return [];
}
