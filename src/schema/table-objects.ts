import { identifier } from '../postgres/sql';
import {
  commentFacet,
  type DatabaseObject,
  type Facet,
  type Facets,
  foreignFacets,
  foreignOptions,
  objectOf,
  type ObjectContext,
  optionFacets,
  ownerAndComment,
  rightFacets,
  rightsOf,
  withOptions,
} from './object';
import type { Row, SequenceOptions } from './row';

type Make = (row: Row, context: ObjectContext) => DatabaseObject;

/** The words of SQL for a kind of relation. */
export function relationWords(kind: string): string {
  return kind.toUpperCase();
}

const field = (row: Row, name: string): string | undefined => row[name] as string | undefined;

/** Tables, views, columns and sequences. A table is made with its columns: see `createTable`. */
export const tableObjects: Readonly<Record<string, Make>> = {
  table,
  'foreign table': table,
  column,
  sequence,
  view: (row, context) => {
    const alter = `ALTER VIEW ${row.name}`;
    const create = `VIEW ${row.name}${withOptions(row['options'])} AS\n${field(row, 'query')!}`;
    const columns = row['columns'] as string[];
    return objectOf(row, {
      core: JSON.stringify([row['query'], columns]),
      create: `CREATE ${create}`,
      drop: `DROP VIEW ${row.name};`,
      // A view can be replaced by one that has the same columns, and perhaps more behind them.
      alter: (to) => {
        const wanted = to.row['columns'] as string[];
        return columns.every((it, at) => it === wanted[at])
          ? [(to.create ?? '').replace('CREATE', 'CREATE OR REPLACE')]
          : undefined;
      },
      facets: {
        ...optionFacets(row['options'], alter, { isMade: true }),
        ...ownerAndComment(row, `VIEW ${row.name}`),
        ...rightsOf(row, 'r', `TABLE ${row.name}`, context),
      },
    });
  },
  'materialized view': (row, context) => {
    const method = field(row, 'method');
    const alter = `ALTER MATERIALIZED VIEW ${row.name}`;
    return objectOf(row, {
      core: JSON.stringify([row['query'], row['columns']]),
      create: `CREATE MATERIALIZED VIEW ${row.name}${method === undefined ? '' : ` USING ${method}`}${withOptions(row['options'])} AS\n${field(row, 'query')!.replace(/;$/, '')}\nWITH DATA;`,
      drop: `DROP MATERIALIZED VIEW ${row.name};`,
      facets: {
        ...optionFacets(row['options'], alter, { isMade: true }),
        ...clusterFacet(row, alter),
        ...ownerAndComment(row, `MATERIALIZED VIEW ${row.name}`),
        ...rightsOf(row, 'r', `TABLE ${row.name}`, context),
      },
    });
  },
};

function table(row: Row, context: ObjectContext): DatabaseObject {
  const isForeign = row.kind === 'foreign table';
  const words = `${relationWords(row.kind)} ${row.name}`;
  const alter = `ALTER ${words}`;
  const parents = (row['inherits'] as string[] | undefined) ?? [];
  const bound = field(row, 'bound');
  const inheritance: Facets =
    bound === undefined
      ? Object.fromEntries(
          parents.map((parent): [string, Facet] => [
            `child of ${parent}`,
            { value: '', set: `${alter} INHERIT ${parent};`, unset: `${alter} NO INHERIT ${parent};`, isMade: true },
          ]),
        )
      : {
          partition: {
            value: `${parents[0]!} ${bound}`,
            set: `ALTER TABLE ${parents[0]!} ATTACH PARTITION ${row.name} ${bound};`,
            unset: `ALTER TABLE ${parents[0]!} DETACH PARTITION ${row.name};`,
            isMade: true,
            isReplaced: true,
          },
        };
  const identity = { f: 'FULL', n: 'NOTHING', i: `USING INDEX ${field(row, 'identityIndex') ?? ''}` }[
    field(row, 'identity') ?? ''
  ];
  return objectOf(row, {
    core: JSON.stringify([row['partitionBy'], row['of'], row['method'], row['server']]),
    drop: `DROP ${words};`,
    facets: {
      ...inheritance,
      ...(row['unlogged'] === true && {
        UNLOGGED: { value: '', set: `${alter} SET UNLOGGED;`, unset: `${alter} SET LOGGED;`, isMade: true },
      }),
      ...optionFacets(row['options'], alter, { isMade: true }),
      ...optionFacets(row['toast'], alter, { prefix: 'toast.' }),
      ...(isForeign ? foreignFacets(row['foreign'], alter) : {}),
      ...(row['security'] === true && {
        'row level security': {
          value: '',
          set: `${alter} ENABLE ROW LEVEL SECURITY;`,
          unset: `${alter} DISABLE ROW LEVEL SECURITY;`,
        },
      }),
      ...(row['forced'] === true && {
        'row level security of its owner': {
          value: '',
          set: `${alter} FORCE ROW LEVEL SECURITY;`,
          unset: `${alter} NO FORCE ROW LEVEL SECURITY;`,
        },
      }),
      ...(identity !== undefined && {
        'replica identity': {
          value: identity,
          set: `${alter} REPLICA IDENTITY ${identity};`,
          unset: `${alter} REPLICA IDENTITY DEFAULT;`,
          isLate: true,
        },
      }),
      ...clusterFacet(row, alter),
      ...ownerAndComment(row, words),
      ...rightsOf(row, 'r', `TABLE ${row.name}`, context),
    },
  });
}

function clusterFacet(row: Row, alter: string): Facets {
  const index = field(row, 'clusterIndex');
  if (index === undefined) return {};
  return {
    cluster: {
      value: index,
      set: `${alter} CLUSTER ON ${index};`,
      unset: `${alter} SET WITHOUT CLUSTER;`,
      isLate: true,
    },
  };
}

/** The definition of a column as CREATE TABLE and ADD COLUMN take it. */
export function columnDefinition(row: Row): string {
  const generated = field(row, 'generated');
  const [collation, value] = [field(row, 'collation'), field(row, 'default')];
  return [
    field(row, 'column')!,
    field(row, 'type')!,
    ...(row['foreign'] === undefined ? [] : [foreignOptions(row['foreign']).trim()]),
    ...(collation === undefined ? [] : [`COLLATE ${collation}`]),
    ...(value === undefined ? [] : [`DEFAULT ${value}`]),
    ...(generated === undefined
      ? []
      : [`GENERATED ALWAYS AS (${generated})${row['virtual'] === true ? '' : ' STORED'}`]),
    ...(row['notNull'] === true ? ['NOT NULL'] : []),
    ...(row['identity'] === undefined ? [] : [identityWords(row)]),
  ].join(' ');
}

function identityWords(row: Row): string {
  const when = row['identity'] === 'a' ? 'ALWAYS' : 'BY DEFAULT';
  return `GENERATED ${when} AS IDENTITY (${sequenceWords(row['sequence'] as SequenceOptions)})`;
}

function sequenceWords({ start, by, max, min, cache, cycle }: SequenceOptions): string {
  return `START WITH ${start} INCREMENT BY ${by} MINVALUE ${min} MAXVALUE ${max} CACHE ${cache}${cycle ? ' CYCLE' : ' NO CYCLE'}`;
}

const storages: Readonly<Record<string, string>> = { p: 'PLAIN', e: 'EXTERNAL', x: 'EXTENDED', m: 'MAIN' };
const compressions: Readonly<Record<string, string>> = { p: 'pglz', l: 'lz4' };

function column(row: Row): DatabaseObject {
  const ofKind = field(row, 'ofKind')!;
  const isOfTable = ofKind === 'table' || ofKind === 'foreign table';
  const name = field(row, 'column')!;
  const table_ = `ALTER ${relationWords(ofKind)} ${row.on!}`;
  const alter = `${table_} ALTER COLUMN ${name}`;
  const isMade = isOfTable && row['inherited'] !== true;
  const value = field(row, 'default');
  const generated = field(row, 'generated');
  const [storage, compression] = [field(row, 'storage'), field(row, 'compression')];
  const statistics = row['statistics'] as number | undefined;
  const owner = '';
  return objectOf(row, {
    core: isOfTable ? JSON.stringify([row['type'], row['collation'], generated, row['virtual']]) : '',
    create: isMade ? `${table_} ADD COLUMN ${columnDefinition(row)};` : '',
    drop: isMade ? `${table_} DROP COLUMN ${name};` : '',
    alter: (to) => {
      if (row['inherited'] === true) return [];
      const wanted = field(to.row, 'generated');
      if (generated !== wanted) {
        // What is computed is made anew: nothing of it is lost.
        if (wanted !== undefined) return undefined;
        return [
          `${alter} DROP EXPRESSION;`,
          ...(row['type'] === to.row['type'] ? [] : [typeChange(alter, row, to.row)]),
        ];
      }
      return [typeChange(alter, row, to.row)];
    },
    facets: {
      ...(row['notNull'] === true && {
        'NOT NULL': { value: '', set: `${alter} SET NOT NULL;`, unset: `${alter} DROP NOT NULL;`, isMade },
      }),
      ...(value !== undefined && {
        default: { value, set: `${alter} SET DEFAULT ${value};`, unset: `${alter} DROP DEFAULT;`, isMade },
      }),
      ...(row['identity'] !== undefined && {
        identity: {
          value: JSON.stringify([row['identity'], row['sequence']]),
          set: `${alter} ADD ${identityWords(row)};`,
          unset: `${alter} DROP IDENTITY;`,
          isMade,
          isReplaced: true,
        },
      }),
      ...foreignFacets(row['foreign'], alter),
      ...(storage !== undefined && {
        storage: {
          value: storage,
          set: `${alter} SET STORAGE ${storages[storage] ?? storage};`,
          unset: `${alter} SET STORAGE EXTENDED;`,
        },
      }),
      ...(compression !== undefined && {
        compression: {
          value: compression,
          set: `${alter} SET COMPRESSION ${compressions[compression] ?? compression};`,
          unset: `${alter} SET COMPRESSION default;`,
        },
      }),
      ...(statistics !== undefined && {
        statistics: {
          value: String(statistics),
          set: `${alter} SET STATISTICS ${statistics};`,
          unset: `${alter} SET STATISTICS -1;`,
        },
      }),
      ...optionFacets(row['options'], alter),
      ...rightFacets(row.rights ?? [], `TABLE ${row.on!}`, owner, { column: name }),
      ...commentFacet(row.comment, `COLUMN ${row.name}`),
    },
  });
}

const textual = /^(text|character varying|character|citext)\b/;
const numeric = /^(smallint|integer|bigint|numeric|real|double precision)\b/;
const temporal = /^(date|timestamp|time)\b/;

/** The statement for another type; what is not converted by itself is told how. */
function typeChange(alter: string, from: Row, to: Row): string {
  const [was, is] = [field(from, 'type')!, field(to, 'type')!];
  const collation = field(to, 'collation');
  const isOwn =
    textual.test(is) || [numeric, temporal].some((family) => family.test(was) && family.test(is)) || was === is;
  const using = isOwn ? '' : ` USING ${field(to, 'column')!}::${is}`;
  return `${alter} TYPE ${is}${collation === undefined ? '' : ` COLLATE ${collation}`}${using};`;
}

function sequence(row: Row, context: ObjectContext): DatabaseObject {
  const alter = `ALTER SEQUENCE ${row.name}`;
  const options = row['sequence'] as SequenceOptions;
  const words = `AS ${options.type} ${sequenceWords(options)}`;
  const ownedBy = field(row, 'ownedBy');
  return objectOf(row, {
    core: '',
    create: `CREATE ${row['unlogged'] === true ? 'UNLOGGED ' : ''}SEQUENCE ${row.name} ${words};`,
    drop: `DROP SEQUENCE ${row.name};`,
    facets: {
      parameters: { value: words, set: `${alter} ${words};`, isMade: true },
      ...(row['unlogged'] === true && {
        UNLOGGED: { value: '', set: `${alter} SET UNLOGGED;`, unset: `${alter} SET LOGGED;`, isMade: true },
      }),
      ...ownerAndComment(row, `SEQUENCE ${row.name}`),
      // One that belongs to a column has the owner of the table, and has to have it before.
      ...(ownedBy !== undefined && {
        owner: { value: '', set: `${alter} OWNER TO ${identifier(row.owner!)};` },
      }),
      ...(ownedBy !== undefined && {
        'owned by': {
          value: ownedBy,
          set: `${alter} OWNED BY ${ownedBy};`,
          unset: `${alter} OWNED BY NONE;`,
          isLate: true,
        },
      }),
      ...rightsOf(row, 's', `SEQUENCE ${row.name}`, context),
    },
  });
}

/** The statement that makes a table with its columns. */
export function createTable(row: Row, columns: readonly Row[]): string {
  const bound = field(row, 'bound');
  const parents = (row['inherits'] as string[] | undefined) ?? [];
  const isForeign = row.kind === 'foreign table';
  const words = `CREATE ${row['unlogged'] === true ? 'UNLOGGED ' : ''}${relationWords(row.kind)} ${row.name}`;
  const [of, method, partitionBy] = [field(row, 'of'), field(row, 'method'), field(row, 'partitionBy')];
  const own = columns.filter((it) => it['inherited'] !== true).map((it) => `  ${columnDefinition(it)}`);
  const list = own.length === 0 ? '()' : `(\n${own.join(',\n')}\n)`;
  const head =
    bound !== undefined
      ? `${words} PARTITION OF ${parents[0]!} ${bound}`
      : of !== undefined
        ? `${words} OF ${of}`
        : `${words} ${list}${parents.length === 0 ? '' : ` INHERITS (${parents.join(', ')})`}`;
  return [
    head,
    ...(partitionBy === undefined ? [] : [` PARTITION BY ${partitionBy}`]),
    ...(method === undefined ? [] : [` USING ${method}`]),
    isForeign ? ` SERVER ${field(row, 'server')!}${foreignOptions(row['foreign'])}` : withOptions(row['options']),
    ';',
  ].join('');
}
