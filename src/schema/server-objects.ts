import { settingName, settingValue, splitSetting } from '../postgres/facts';
import { identifier, literal } from '../postgres/sql';
import {
  commentFacet,
  type DatabaseObject,
  type Facet,
  type Facets,
  type ObjectContext,
  objectOf,
  ownerAndComment,
  rightFacets,
  rightsOf,
} from './object';
import type { Row } from './row';

type Make = (row: Row, context: ObjectContext) => DatabaseObject;

/** What belongs to the server, to the database itself, and to no table. */
export const serverObjects: Readonly<Record<string, Make>> = {
  role: (row) => {
    const alter = `ALTER ROLE ${row.name}`;
    const attributes = Object.entries(row['attributes'] as Record<string, boolean>);
    const until = row['until'] as string | undefined;
    const words = attributes.map(([word, is]) => (is ? word : `NO${word}`));
    return objectOf(row, {
      core: '',
      create: `CREATE ROLE ${row.name} WITH ${words.join(' ')};`,
      drop: `DROP ROLE ${row.name};`,
      facets: {
        ...Object.fromEntries(
          attributes.map(([word, is]): [string, Facet] => [
            word,
            { value: String(is), set: `${alter} WITH ${is ? '' : 'NO'}${word};`, isMade: true },
          ]),
        ),
        'connection limit': {
          value: String(row['limit']),
          set: `${alter} CONNECTION LIMIT ${row['limit'] as number};`,
        },
        ...(until !== undefined && {
          'end of its password': {
            value: until,
            set: `${alter} VALID UNTIL ${literal(until)};`,
            unset: `${alter} VALID UNTIL 'infinity';`,
          },
        }),
        ...settingFacets(row['settings'], alter),
        ...commentFacet(row.comment, `ROLE ${row.name}`),
      },
    });
  },
  membership: (row, { catalogue }) => {
    const [role, member] = [row['role'] as string, row['member'] as string];
    const options = (row['options'] ?? {}) as Record<string, string>;
    // With Postgres 16 there are more than one: https://www.postgresql.org/docs/16/sql-grant.html
    const words = Object.entries(options).map(([name, is]) => `${name.replace('_option', '').toUpperCase()} ${is}`);
    const grant =
      catalogue.version >= 160_000
        ? ` WITH ${words.join(', ')}`
        : options['admin_option'] === 'true'
          ? ' WITH ADMIN OPTION'
          : '';
    return objectOf(row, {
      core: JSON.stringify(Object.entries(options).sort()),
      create: `GRANT ${role} TO ${member}${grant};`,
      drop: `REVOKE ${role} FROM ${member};`,
      facets: {},
    });
  },
  database: (row, context) => {
    const name = identifier(context.database);
    const roles = Object.entries((row['roleSettings'] ?? {}) as Record<string, readonly string[]>);
    return objectOf(row, {
      core: '',
      create: '',
      drop: '',
      facets: {
        ...ownerAndComment(row, `DATABASE ${name}`),
        ...rightsOf(row, 'd', `DATABASE ${name}`, context),
        'connection limit': {
          value: String(row['limit']),
          set: `ALTER DATABASE ${name} CONNECTION LIMIT ${row['limit'] as number};`,
        },
        ...settingFacets(row['settings'], `ALTER DATABASE ${name}`),
        ...Object.fromEntries(
          roles.flatMap(([role, settings]) =>
            Object.entries(settingFacets(settings, `ALTER ROLE ${role} IN DATABASE ${name}`, `for ${role}: `)),
          ),
        ),
      },
    });
  },
  setting: (row) =>
    objectOf(row, {
      core: '',
      create: '',
      drop: `ALTER SYSTEM RESET ${settingName(row.name)};`,
      facets: {
        value: {
          value: row['value'] as string,
          set: `ALTER SYSTEM SET ${settingName(row.name)} TO ${settingValue(row.name, row['value'] as string)};`,
        },
      },
    }),
  schema: (row, context) =>
    objectOf(row, {
      core: '',
      create: `CREATE SCHEMA ${row.name};`,
      drop: `DROP SCHEMA ${row.name};`,
      facets: {
        ...ownerAndComment(row, `SCHEMA ${row.name}`),
        ...rightsOf(row, 'n', `SCHEMA ${row.name}`, context),
      },
    }),
  extension: (row) => {
    const version = literal(row['version'] as string).trim();
    return objectOf(row, {
      core: '',
      create: `CREATE EXTENSION ${row.name} WITH SCHEMA ${row.schema!} VERSION ${version};`,
      drop: `DROP EXTENSION ${row.name};`,
      facets: {
        version: {
          value: row['version'] as string,
          set: `ALTER EXTENSION ${row.name} UPDATE TO ${version};`,
          isMade: true,
        },
        schema: { value: row.schema!, set: `ALTER EXTENSION ${row.name} SET SCHEMA ${row.schema!};`, isMade: true },
        ...commentFacet(row.comment, `EXTENSION ${row.name}`),
      },
    });
  },
  'default rights': (row, { catalogue }) => {
    const [within, of] = [row['in'] as string | undefined, row['of'] as string];
    const objects = { r: 'TABLES', S: 'SEQUENCES', f: 'FUNCTIONS', T: 'TYPES', n: 'SCHEMAS' }[of] ?? of;
    const prefix = `ALTER DEFAULT PRIVILEGES FOR ROLE ${identifier(row.owner!)}${within === undefined ? '' : ` IN SCHEMA ${within}`} `;
    const letter = of === 'S' ? 's' : of;
    const rights = row.rights ?? (within === undefined ? (catalogue.defaults[letter] ?? []) : []);
    return objectOf(row, {
      core: '',
      create: '',
      drop: '',
      facets: rightFacets(rights, objects, row.owner, { prefix }),
    });
  },
  'event trigger': (row) => {
    const tags = (row['tags'] as string[] | undefined)?.map((tag) => literal(tag).trim());
    return objectOf(row, {
      core: JSON.stringify([row['event'], tags, row['function']]),
      create: `CREATE EVENT TRIGGER ${row.name} ON ${row['event'] as string}${tags ? ` WHEN TAG IN (${tags.join(', ')})` : ''} EXECUTE FUNCTION ${row['function'] as string};`,
      drop: `DROP EVENT TRIGGER ${row.name};`,
      facets: {
        ...enabledFacet(row, `ALTER EVENT TRIGGER ${row.name}`, ''),
        ...ownerAndComment(row, `EVENT TRIGGER ${row.name}`),
      },
    });
  },
};

/** Whether a trigger or a rule fires: a facet of its own where that is not by default. */
export function enabledFacet(row: Row, alter: string, name: string): Facets {
  const state = row['enabled'] as string | undefined;
  if (state === undefined || state === 'O') return {};
  const words = { D: 'DISABLE', R: 'ENABLE REPLICA', A: 'ENABLE ALWAYS' }[state] ?? 'ENABLE';
  return {
    enabled: {
      value: state,
      set: `${alter} ${words}${name};`,
      unset: `${alter} ENABLE${name};`,
    },
  };
}

function settingFacets(settings: unknown, alter: string, prefix = ''): Facets {
  return Object.fromEntries(
    ((settings as string[] | undefined) ?? []).map((setting): [string, Facet] => {
      const [key, value] = splitSetting(setting);
      return [
        `${prefix}setting ${key}`,
        {
          value,
          set: `${alter} SET ${settingName(key)} TO ${settingValue(key, value)};`,
          unset: `${alter} RESET ${settingName(key)};`,
        },
      ];
    }),
  );
}
