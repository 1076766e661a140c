import {
  type DatabaseObject,
  type Facet,
  objectOf,
  type ObjectContext,
  commentFacet,
  ownerAndComment,
  rightsOf,
} from './object';
import type { Row } from './row';
import { enabledFacet } from './server-objects';

type Make = (row: Row, context: ObjectContext) => DatabaseObject;

const field = (row: Row, name: string): string => row[name] as string;

/** What stands on a table, and functions. */
export const codeObjects: Readonly<Record<string, Make>> = {
  constraint: (row) => {
    const isOfDomain = row['ofKind'] === 'type';
    const [name, definition] = [field(row, 'constraint'), field(row, 'definition')];
    const alter = `ALTER ${isOfDomain ? 'DOMAIN' : field(row, 'ofKind').toUpperCase()} ${row.on!}`;
    const options = (row['options'] as string[] | undefined) ?? [];
    // NOT VALID comes last; the options of its index come before what else there is to say of when it is checked.
    return objectOf(row, {
      core: JSON.stringify([definition, options]),
      create: `${alter} ADD CONSTRAINT ${name} ${withIndexOptions(definition, options)};`,
      drop: `${alter} DROP CONSTRAINT ${name};`,
      alter: (to) =>
        definition === `${field(to.row, 'definition')} NOT VALID`
          ? [`${alter} VALIDATE CONSTRAINT ${name};`]
          : undefined,
      facets: commentFacet(row.comment, `CONSTRAINT ${name} ON ${isOfDomain ? 'DOMAIN ' : ''}${row.on!}`),
    });
  },
  index: (row) => {
    const statistics = Object.entries((row['statistics'] ?? {}) as Record<string, number>);
    return objectOf(row, {
      core: JSON.stringify([row['definition'], row['invalid']]),
      create: `${field(row, 'definition')};`,
      drop: `DROP INDEX ${row.name};`,
      facets: {
        ...Object.fromEntries(
          statistics.map(([at, value]): [string, Facet] => [
            `statistics of column ${at}`,
            {
              value: String(value),
              set: `ALTER INDEX ${row.name} ALTER COLUMN ${at} SET STATISTICS ${value};`,
              unset: `ALTER INDEX ${row.name} ALTER COLUMN ${at} SET STATISTICS -1;`,
            },
          ]),
        ),
        ...commentFacet(row.comment, `INDEX ${row.name}`),
      },
    });
  },
  trigger: (row) => {
    const name = field(row, 'trigger');
    return objectOf(row, {
      core: field(row, 'definition'),
      create: `${field(row, 'definition')};`,
      drop: `DROP TRIGGER ${name} ON ${row.on!};`,
      facets: {
        ...toggled(row, 'TRIGGER', name),
        ...commentFacet(row.comment, `TRIGGER ${name} ON ${row.on!}`),
      },
    });
  },
  rule: (row) => {
    const name = field(row, 'rule');
    return objectOf(row, {
      core: field(row, 'definition'),
      create: field(row, 'definition'),
      drop: `DROP RULE ${name} ON ${row.on!};`,
      facets: { ...toggled(row, 'RULE', name), ...commentFacet(row.comment, `RULE ${name} ON ${row.on!}`) },
    });
  },
  policy: (row) => {
    const name = field(row, 'policy');
    const command = { '*': 'ALL', r: 'SELECT', a: 'INSERT', w: 'UPDATE', d: 'DELETE' }[field(row, 'command')]!;
    const [using, check] = [row['using'] as string | undefined, row['check'] as string | undefined];
    const create = [
      `CREATE POLICY ${name} ON ${row.on!} AS ${row['permissive'] === false ? 'RESTRICTIVE' : 'PERMISSIVE'} FOR ${command}`,
      `TO ${(row['roles'] as string[]).join(', ')}`,
      ...(using === undefined ? [] : [`USING (${using})`]),
      ...(check === undefined ? [] : [`WITH CHECK (${check})`]),
    ].join(' ');
    return objectOf(row, {
      core: create,
      create: `${create};`,
      drop: `DROP POLICY ${name} ON ${row.on!};`,
      facets: commentFacet(row.comment, `POLICY ${name} ON ${row.on!}`),
    });
  },
  function: (row, context) => {
    const words = `ROUTINE ${row.name}`;
    const definition = row['definition'] as string | undefined;
    return objectOf(row, {
      core: JSON.stringify([row['arguments'], row['returns'], definition, row['aggregate']]),
      ...(definition === undefined ? createAggregate(row) : { create: `${definition.trimEnd()};` }),
      drop: `DROP ${words};`,
      alter: (to) =>
        definition !== undefined && row['arguments'] === to.row['arguments'] && row['returns'] === to.row['returns']
          ? [to.create!]
          : undefined,
      facets: { ...ownerAndComment(row, words), ...rightsOf(row, 'f', words, context) },
    });
  },
  statistics: (row) => {
    const target = row['target'] as number | undefined;
    return objectOf(row, {
      core: field(row, 'definition'),
      create: `${field(row, 'definition')};`,
      drop: `DROP STATISTICS ${row.name};`,
      facets: {
        ...(target !== undefined && {
          target: {
            value: String(target),
            set: `ALTER STATISTICS ${row.name} SET STATISTICS ${target};`,
            unset: `ALTER STATISTICS ${row.name} SET STATISTICS -1;`,
          },
        }),
        ...ownerAndComment(row, `STATISTICS ${row.name}`),
      },
    });
  },
  publication: (row) =>
    objectOf(row, {
      core: field(row, 'definition'),
      drop: `DROP PUBLICATION ${row.name};`,
      facets: ownerAndComment(row, `PUBLICATION ${row.name}`),
    }),
};

/** What few databases have: it can be taken away, but Rewind does not make it. */
export function rareObject(row: Row): DatabaseObject {
  const words: Readonly<Record<string, string>> = {
    operator: 'OPERATOR',
    'operator class': 'OPERATOR CLASS',
    'operator family': 'OPERATOR FAMILY',
    'text search configuration': 'TEXT SEARCH CONFIGURATION',
    'text search dictionary': 'TEXT SEARCH DICTIONARY',
    conversion: 'CONVERSION',
    language: 'LANGUAGE',
    'foreign data wrapper': 'FOREIGN DATA WRAPPER',
    server: 'SERVER',
  };
  const [word, definition] = [words[row.kind], (row['definition'] as string | undefined) ?? ''];
  const drop = row.kind === 'cast' ? `DROP CAST (${row.name.replace(' as ', ' AS ')});` : undefined;
  return objectOf(row, {
    core: definition,
    ...(word !== undefined ? { drop: `DROP ${word} ${row.name};` } : drop !== undefined && { drop }),
    facets: {},
  });
}

function toggled(row: Row, word: string, name: string): Record<string, Facet> {
  return enabledFacet(row, `ALTER ${field(row, 'ofKind').toUpperCase()} ${row.on!}`, ` ${word} ${name}`);
}

/** Of the parts of a constraint the options of its index stand before where it is and when it is checked. */
function withIndexOptions(definition: string, options: readonly string[]): string {
  if (options.length === 0) return definition;
  const at =
    / (USING INDEX TABLESPACE|WHERE|DEFERRABLE|INITIALLY|NOT VALID)\b/.exec(definition)?.index ?? definition.length;
  return `${definition.slice(0, at)} WITH (${options.join(', ')})${definition.slice(at)}`;
}

function createAggregate(row: Row): { create?: string } {
  const { kind, ...parts } = row['aggregate'] as Record<string, string>;
  if (kind !== 'n' || parts['MSFUNC'] !== undefined) return {};
  const options = Object.entries(parts).map(([name, value]) => `${name} = ${value}`);
  return { create: `CREATE AGGREGATE ${row.name} (${options.join(', ')});` };
}
