import { literal } from '../postgres/sql';
import { type DatabaseObject, type Facet, type ObjectContext, objectOf, ownerAndComment, rightsOf } from './object';
import type { Row } from './row';

/** Types and collations. */
export const typeObjects: Readonly<Record<string, (row: Row, context: ObjectContext) => DatabaseObject>> = {
  type: (row, context) => {
    const isDomain = row['is'] === 'd';
    const words = `${isDomain ? 'DOMAIN' : 'TYPE'} ${row.name}`;
    const common = { ...ownerAndComment(row, words), ...rightsOf(row, 'T', words, context) };
    const drop = `DROP ${words};`;
    if (isDomain) return domain(row, common);
    if (row['is'] === 'e') {
      const labels = (row['labels'] as string[] | undefined) ?? [];
      return objectOf(row, {
        core: JSON.stringify(labels),
        create: `CREATE TYPE ${row.name} AS ENUM (${labels.map(text).join(', ')});`,
        drop,
        alter: (to) => changedLabels(row.name, labels, (to.row['labels'] as string[] | undefined) ?? []),
        facets: common,
      });
    }
    if (row['is'] === 'c') {
      const attributes = (row['attributes'] as [string, string][] | undefined) ?? [];
      return objectOf(row, {
        core: JSON.stringify(attributes),
        create: `CREATE TYPE ${row.name} AS (${attributes.map((it) => it.join(' ')).join(', ')});`,
        drop,
        alter: (to) =>
          changedAttributes(row.name, attributes, (to.row['attributes'] as [string, string][] | undefined) ?? []),
        facets: common,
      });
    }
    const range = Object.entries(row['range'] as Record<string, string>);
    return objectOf(row, {
      core: JSON.stringify(range),
      create: `CREATE TYPE ${row.name} AS RANGE (${range.map(([key, value]) => `${key} = ${value}`).join(', ')});`,
      drop,
      facets: common,
    });
  },
  collation: (row) => {
    const field = (name: string): string | undefined => row[name] as string | undefined;
    const provider = { c: 'libc', i: 'icu', b: 'builtin' }[field('provider')!] ?? 'icu';
    const options = [
      `provider = ${provider}`,
      ...(provider === 'libc'
        ? [`lc_collate = ${text(field('collate') ?? '')}`, `lc_ctype = ${text(field('ctype') ?? '')}`]
        : [`locale = ${text(field('locale') ?? '')}`]),
      ...(row['deterministic'] === false ? ['deterministic = false'] : []),
      ...(field('rules') === undefined ? [] : [`rules = ${text(field('rules')!)}`]),
    ];
    return objectOf(row, {
      core: options.join(),
      create: `CREATE COLLATION ${row.name} (${options.join(', ')});`,
      drop: `DROP COLLATION ${row.name};`,
      facets: ownerAndComment(row, `COLLATION ${row.name}`),
    });
  },
};

function text(value: string): string {
  return literal(value).trim();
}

function domain(row: Row, common: DatabaseObject['facets']): DatabaseObject {
  const collation = row['collation'] as string | undefined;
  const [alter, value] = [`ALTER DOMAIN ${row.name}`, row['default'] as string | undefined];
  return objectOf(row, {
    core: JSON.stringify([row['base'], collation]),
    create: `CREATE DOMAIN ${row.name} AS ${row['base'] as string}${collation === undefined ? '' : ` COLLATE ${collation}`};`,
    drop: `DROP DOMAIN ${row.name};`,
    facets: {
      ...(value !== undefined && {
        default: { value, set: `${alter} SET DEFAULT ${value};`, unset: `${alter} DROP DEFAULT;` } satisfies Facet,
      }),
      ...(row['notNull'] === true && {
        'NOT NULL': { value: '', set: `${alter} SET NOT NULL;`, unset: `${alter} DROP NOT NULL;` } satisfies Facet,
      }),
      ...common,
    },
  });
}

/** Values can be added and renamed; a type that is to have less has to be made anew. */
function changedLabels(name: string, from: readonly string[], to: readonly string[]): string[] | undefined {
  if (from.length === to.length && from.some((label, at) => label === to[at])) {
    const gone = from.flatMap((label, at) => (to[at] === label ? [] : [[label, to[at]!] as const]));
    // The same values in another order are no new names.
    if (gone.every(([was, is]) => !to.includes(was) && !from.includes(is)))
      return gone.map(([was, is]) => `ALTER TYPE ${name} RENAME VALUE ${text(was)} TO ${text(is)};`);
    return undefined;
  }
  if (to.filter((label) => from.includes(label)).join('\n') !== from.join('\n')) return undefined;
  return to.flatMap((label, at) => {
    if (from.includes(label)) return [];
    const place = at > 0 ? ` AFTER ${text(to[at - 1]!)}` : from[0] === undefined ? '' : ` BEFORE ${text(from[0])}`;
    return [`ALTER TYPE ${name} ADD VALUE ${text(label)}${place};`];
  });
}

/** An attribute comes last: what is to come before another one cannot be added. */
function changedAttributes(
  name: string,
  from: readonly (readonly [string, string])[],
  to: readonly (readonly [string, string])[],
): string[] | undefined {
  const [before, after] = [new Map(from), new Map(to)];
  const kept = from.filter(([key]) => after.has(key)).map(([key]) => key);
  const added = to.filter(([key]) => !before.has(key));
  if ([...kept, ...added.map(([key]) => key)].join('\n') !== to.map(([key]) => key).join('\n')) return undefined;
  return [
    ...from.filter(([key]) => !after.has(key)).map(([key]) => `ALTER TYPE ${name} DROP ATTRIBUTE ${key};`),
    ...kept
      .filter((key) => before.get(key) !== after.get(key))
      .map((key) => `ALTER TYPE ${name} ALTER ATTRIBUTE ${key} TYPE ${after.get(key)!};`),
    ...added.map(([key, type]) => `ALTER TYPE ${name} ADD ATTRIBUTE ${key} ${type};`),
  ];
}
