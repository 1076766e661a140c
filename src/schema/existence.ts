import { literal } from '../postgres/sql';
import type { Row } from './row';

/** Catalogues in which what belongs to a table is found by its name: catalogue, column with the table, column with the name. */
const ofTables: Readonly<Record<string, readonly [string, string, string]>> = {
  column: ['pg_attribute', 'attrelid', 'attname'],
  constraint: ['pg_constraint', 'conrelid', 'conname'],
  trigger: ['pg_trigger', 'tgrelid', 'tgname'],
  policy: ['pg_policy', 'polrelid', 'polname'],
  rule: ['pg_rewrite', 'ev_class', 'rulename'],
};

/** Functions of Postgres that tell whether something of this kind is there. */
const lookups: Readonly<Record<string, string>> = {
  table: 'to_regclass',
  'foreign table': 'to_regclass',
  view: 'to_regclass',
  'materialized view': 'to_regclass',
  index: 'to_regclass',
  sequence: 'to_regclass',
  function: 'to_regprocedure',
  type: 'to_regtype',
  schema: 'to_regnamespace',
  role: 'to_regrole',
};

/** Expression of SQL that is true where an object is there; undefined for kinds that are not asked for by a name alone. */
export function existence({ kind, name, on, ['ofKind']: ofKind }: Row): string | undefined {
  const lookup = lookups[kind];
  if (lookup !== undefined) return `pg_catalog.${lookup}(${text(name)}) IS NOT NULL`;
  if (kind === 'extension')
    return `EXISTS (SELECT FROM pg_catalog.pg_extension WHERE pg_catalog.quote_ident(extname) = ${text(name)})`;
  const [catalogue, table, column] = ofTables[kind] ?? [];
  if (catalogue === undefined || on === undefined || !name.startsWith(`${on}.`)) return undefined;
  if (ofKind !== undefined && ofKind !== 'table') return undefined;
  return `EXISTS (SELECT FROM pg_catalog.${catalogue} WHERE ${table} = pg_catalog.to_regclass(${text(on)}) AND pg_catalog.quote_ident(${column}) = ${text(name.slice(on.length + 1))})`;
}

function text(value: string): string {
  return literal(value).trim();
}
