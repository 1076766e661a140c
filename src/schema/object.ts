import { identifier, literal } from '../postgres/sql';
import { type Catalogue, keyOf, type Right, type Row } from './row';

/** Something of an object that can be changed on its own. */
export interface Facet {
  /** Compared: two objects have the same one if they have the same value of it. */
  readonly value: string;
  /** Statement that gives it, whatever there was before. */
  readonly set: string;
  /** Statement that takes it away. @default it is always there */
  readonly unset?: string;
  /** Whether the statement that makes the object gives it. @default false */
  readonly isMade?: boolean;
  /** Whether other objects have to be there first. @default false */
  readonly isLate?: boolean;
  /** Whether another value can only be given after the first was taken away. @default false */
  readonly isReplaced?: boolean;
}

/** What a facet is called, and the facet. */
export type Facets = Readonly<Record<string, Facet>>;

/** An object of a database, with the SQL that makes it what it is. */
export interface DatabaseObject {
  readonly key: string;
  readonly row: Row;
  /** What cannot be changed on its own, compared. */
  readonly core: string;
  /** Statement that makes it. @default Rewind writes none for this kind; empty: it is made with what it belongs to */
  readonly create?: string;
  /** Statement that removes it. @default likewise */
  readonly drop?: string;
  /** Statements that change its core into that of another one. @default it has to be made anew */
  readonly alter?: (to: DatabaseObject) => readonly string[] | undefined;
  readonly facets: Facets;
}

/** What the statements of objects are made with. */
export interface ObjectContext {
  readonly catalogue: Catalogue;
  /** Name of the database that the statements are for. */
  readonly database: string;
}

/** Object from its parts. */
export function objectOf(row: Row, parts: Omit<DatabaseObject, 'key' | 'row'>): DatabaseObject {
  return { key: keyOf(row), row, ...parts };
}

/** Owner and comment of an object, as far as it has them. */
export function ownerAndComment({ owner, comment }: Row, words: string, alterWords = words): Facets {
  return {
    ...(owner !== undefined && {
      owner: { value: owner, set: `ALTER ${alterWords} OWNER TO ${identifier(owner)};` },
    }),
    ...commentFacet(comment, words),
  };
}

export function commentFacet(comment: string | undefined, words: string): Facets {
  if (comment === undefined) return {};
  return {
    comment: {
      value: comment,
      set: `COMMENT ON ${words} IS ${literal(comment).trim()};`,
      unset: `COMMENT ON ${words} IS NULL;`,
    },
  };
}

/**
 * A facet for each right.
 *
 * @param on - `TABLE public.projects`
 * @param column - for the rights on a column. @default those on the whole
 * @param prefix - before the statement: of default rights
 */
export function rightFacets(
  rights: readonly Right[],
  on: string,
  owner: string | undefined,
  { column, prefix = '' }: { readonly column?: string; readonly prefix?: string } = {},
): Facets {
  return Object.fromEntries(
    rights.map(({ to, may, more }): [string, Facet] => {
      const isOwner = to === '{owner}' || (owner !== undefined && owner !== '' && to === owner);
      const grantee = to === undefined ? 'PUBLIC' : identifier(isOwner ? owner! : to);
      const what = column === undefined ? may : `${may} (${column})`;
      return [
        `${may} for ${isOwner ? 'its owner' : (to ?? 'everybody')}`,
        {
          value: more ? 'may be passed on' : '',
          set: `${prefix}GRANT ${what} ON ${on} TO ${grantee}${more ? ' WITH GRANT OPTION' : ''};`,
          unset: `${prefix}REVOKE ${what} ON ${on} FROM ${grantee};`,
          isReplaced: true,
        },
      ];
    }),
  );
}

/** Rights on an object; those by default where nobody has changed them. */
export function rightsOf(row: Row, letter: string, on: string, { catalogue }: ObjectContext): Facets {
  return rightFacets(row.rights ?? catalogue.defaults[letter] ?? [], on, row.owner);
}

/** Options like `fillfactor=70`, a facet each. */
export function optionFacets(options: unknown, alter: string, { isMade = false, prefix = '' } = {}): Facets {
  return Object.fromEntries(
    ((options as string[] | undefined) ?? []).map((option): [string, Facet] => {
      const at = option.indexOf('=');
      const [name, value] = [option.slice(0, at), option.slice(at + 1)];
      return [
        `${prefix}${name}`,
        {
          value,
          set: `${alter} SET (${prefix}${name} = ${literal(value).trim()});`,
          unset: `${alter} RESET (${prefix}${name});`,
          isMade,
        },
      ];
    }),
  );
}

/** ` WITH (fillfactor = '70')`; empty without any. */
export function withOptions(options: unknown): string {
  const all = ((options as string[] | undefined) ?? []).map((option) => {
    const at = option.indexOf('=');
    return `${option.slice(0, at)} = ${literal(option.slice(at + 1)).trim()}`;
  });
  return all.length === 0 ? '' : ` WITH (${all.join(', ')})`;
}

/** Options of foreign tables and their columns: `OPTIONS (ADD table_name 't')`. */
export function foreignFacets(options: unknown, alter: string): Facets {
  return Object.fromEntries(
    ((options as string[] | undefined) ?? []).map((option): [string, Facet] => {
      const at = option.indexOf('=');
      const [name, value] = [identifier(option.slice(0, at)), option.slice(at + 1)];
      return [
        `option ${option.slice(0, at)}`,
        {
          value,
          set: `${alter} OPTIONS (ADD ${name} ${literal(value).trim()});`,
          unset: `${alter} OPTIONS (DROP ${name});`,
          isMade: true,
          isReplaced: true,
        },
      ];
    }),
  );
}

/** ` OPTIONS (table_name 't')`; empty without any. */
export function foreignOptions(options: unknown): string {
  const all = ((options as string[] | undefined) ?? []).map((option) => {
    const at = option.indexOf('=');
    return `${identifier(option.slice(0, at))} ${literal(option.slice(at + 1)).trim()}`;
  });
  return all.length === 0 ? '' : ` OPTIONS (${all.join(', ')})`;
}
