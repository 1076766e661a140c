import { PassThrough } from 'node:stream';

import { RewindError } from '../errors';
import type { DatabaseContent } from '../postgres/contents';
import { defaultVersionTable, type VersionTable } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import { reproducible, SnapshotSession } from '../postgres/session';
import { identifier, literal } from '../postgres/sql';
import { changeColumn, type ComparedTable, readTables } from './shared-tables';
import { compareSorted, endOfTable, type RowChanges, SortedRows } from './sorted-rows';

/** How a table differs from what it was. */
export interface TableChange {
  readonly schema: string;
  readonly name: string;
  /** `new`: it was not there then; `gone`: it is not there any more, and comes back. */
  readonly kind: 'changed' | 'new' | 'gone';
  /** Rows since then; without a primary key, a changed row is one inserted and one deleted. */
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Columns that it did not have then, with their values that are not null. @default there are none */
  readonly newColumns?: readonly { readonly column: string; readonly values: number }[];
  /** Whether it has a primary key. */
  readonly hasKey: boolean;
  /** The first and the last change, ISO 8601, where a column tells. @default none does */
  readonly oldest?: string;
  readonly newest?: string;
}

/** What a restore would lose: everything that was changed since. */
export interface RestoreLoss {
  /** Tables that differ, by name. */
  readonly tables: readonly TableChange[];
  /** Of how many tables. */
  readonly compared: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Values of columns that were not there then. */
  readonly newValues: number;
  readonly oldest?: string;
  readonly newest?: string;
}

/** What is compared. */
export interface CompareOptions {
  /** The database that would be replaced. */
  readonly live: string;
  /** The one that was restored. */
  readonly past: string;
  /** When the snapshot was taken, ISO 8601: a time of a change before that is none. */
  readonly takenAt: string;
  /** What is known of the past one already: it need not be read again. @default nothing */
  readonly content?: DatabaseContent;
  /** alembic's own table, which is left out. */
  readonly versionTable?: VersionTable;
  /** How long it may take, in milliseconds; then it fails. @default as long as it takes */
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/** Tables that are summed up in one query. */
const tablesAtOnce = 100;
/** A table with more rows is compared in parts, so that only the parts that differ are read row by row. */
const manyRows = 50_000;
const parts = 1024;

/**
 * Compares the rows of a database with those of another one on the same server, each as it is in one moment. Tables whose
 * sums are the same are not read again; of others each row's key and hash come sorted from both, and are merged here.
 *
 * @throws RewindError database/…
 */
export async function compareDatabases(server: PostgresServer, options: CompareOptions): Promise<RestoreLoss> {
  return SnapshotSession.use(server, options.live, (live) =>
    SnapshotSession.use(server, options.past, (past) => new Comparison(server, options, live, past).run()),
  );
}

interface Sums {
  readonly rows: number;
  readonly checksum: string;
}

/** A table that is in both. */
interface Pair {
  readonly now: ComparedTable;
  readonly before: ComparedTable;
}

class Comparison {
  readonly #server: PostgresServer;
  readonly #options: CompareOptions;
  readonly #live: SnapshotSession;
  readonly #past: SnapshotSession;
  readonly #started = Date.now();

  constructor(server: PostgresServer, options: CompareOptions, live: SnapshotSession, past: SnapshotSession) {
    this.#server = server;
    this.#options = options;
    this.#live = live;
    this.#past = past;
  }

  async run(): Promise<RestoreLoss> {
    await this.#limit();
    const [now, before] = await Promise.all([this.#tables(this.#live), this.#tables(this.#past)]);
    const keys = [...new Set([...now.keys(), ...before.keys()])].sort();
    const pairs = keys.flatMap((key): Pair[] =>
      now.has(key) && before.has(key) ? [{ now: now.get(key)!, before: before.get(key)! }] : [],
    );
    const changes = [
      ...(await this.#alone(
        this.#live,
        [...now].flatMap(([key, it]) => (before.has(key) ? [] : [it])),
        'new',
      )),
      ...(await this.#alone(
        this.#past,
        [...before].flatMap(([key, it]) => (now.has(key) ? [] : [it])),
        'gone',
      )),
      ...(await this.#changed(pairs)),
    ];
    return this.#summed(
      changes.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
      keys.length,
    );
  }

  async #tables(session: SnapshotSession): Promise<Map<string, ComparedTable>> {
    const { schema = 'public', table = defaultVersionTable } = this.#options.versionTable ?? {};
    const tables = await readTables(session);
    return new Map(
      tables.filter((it) => it.schema !== schema || it.name !== table).map((it) => [keyOf(it), it] as const),
    );
  }

  /** Tables that only one side has; without rows they are not worth a word. */
  async #alone(
    session: SnapshotSession,
    tables: readonly ComparedTable[],
    kind: 'new' | 'gone',
  ): Promise<TableChange[]> {
    const found: TableChange[] = [];
    for (const table of tables) {
      const column = kind === 'new' ? changeColumn(table.columns) : undefined;
      const time = column ? microseconds(`r.${identifier(column.name)}`) : 'NULL::bigint';
      const { from, to } = this.#times();
      const [row] = await session.query<{ rows: number; oldest: number | null; newest: number | null }>(
        `SELECT pg_catalog.count(*) AS rows, pg_catalog.min(t) AS oldest, pg_catalog.max(t) AS newest
        FROM (SELECT ${time} AS at FROM ${source(table)} r) q
        CROSS JOIN LATERAL (SELECT CASE WHEN q.at BETWEEN ${from} AND ${to} THEN q.at END AS t) z`,
      );
      const { rows, oldest, newest } = row!;
      found.push({
        schema: table.schema,
        name: table.name,
        kind,
        inserted: kind === 'new' ? rows : 0,
        updated: 0,
        deleted: kind === 'gone' ? rows : 0,
        hasKey: table.key.length > 0,
        ...(oldest !== null && { oldest: isoTime(oldest) }),
        ...(newest !== null && { newest: isoTime(newest) }),
      });
    }
    return found;
  }

  async #changed(pairs: readonly Pair[]): Promise<TableChange[]> {
    const candidates = await this.#differing(pairs);
    const plans = [];
    for (const { pair, rows } of candidates) {
      await this.#limit();
      plans.push({ pair, where: rows > manyRows ? await this.#partsThatDiffer(pair) : '' });
    }
    const changes = await this.#rowByRow(plans);
    const found: TableChange[] = [];
    for (const [at, { pair }] of plans.entries()) {
      const { inserted, updated, deleted, oldest, newest } = changes[at]!;
      const newColumns = await this.#newColumns(pair);
      if (inserted + updated + deleted === 0 && newColumns.length === 0) continue;
      found.push({
        schema: pair.now.schema,
        name: pair.now.name,
        kind: 'changed',
        inserted,
        updated,
        deleted,
        hasKey: keyColumns(pair).length > 0,
        ...(newColumns.length > 0 && { newColumns }),
        ...(oldest !== undefined && { oldest: isoTime(oldest) }),
        ...(newest !== undefined && { newest: isoTime(newest) }),
      });
    }
    return found;
  }

  /** Pairs whose rows are not known to be the same, with how many rows there are. */
  async #differing(pairs: readonly Pair[]): Promise<{ pair: Pair; rows: number }[]> {
    const [live, past] = await Promise.all([sums(this.#live, pairs), this.#pastSums(pairs)]);
    return pairs.flatMap((pair, at) => {
      const [now, before] = [live[at]!, past[at]!];
      const isSame = now.rows === before.rows && now.checksum === before.checksum && sameColumns(pair.now, pair.before);
      return isSame ? [] : [{ pair, rows: Math.max(now.rows, before.rows) }];
    });
  }

  async #pastSums(pairs: readonly Pair[]): Promise<Sums[]> {
    const known = new Map(this.#options.content?.tables.map((table) => [keyOf(table), table]));
    const missing = pairs.filter(({ before }) => before.isPartitioned || !known.has(keyOf(before)));
    const read = await sums(this.#past, missing);
    return pairs.map((pair) => {
      const at = missing.indexOf(pair);
      return at < 0 ? known.get(keyOf(pair.before))! : read[at]!;
    });
  }

  /** A condition for the parts of a big table that are not the same on both sides. */
  async #partsThatDiffer(pair: Pair): Promise<string> {
    const part = `${hashOf(keyText(pair))} & ${parts - 1}`;
    const sql = (table: ComparedTable): string =>
      `SELECT ${part} AS part, pg_catalog.count(*) || ' ' || pg_catalog.sum(${hashOf(rowText(pair))}::numeric) AS sum FROM ${source(table)} r GROUP BY 1`;
    const [now, before] = await Promise.all([
      this.#live.query<{ part: number; sum: string }>(sql(pair.now)),
      this.#past.query<{ part: number; sum: string }>(sql(pair.before)),
    ]);
    const [here, there] = [now, before].map((rows) => new Map(rows.map((row) => [row.part, row.sum])));
    const differ = Array.from({ length: parts }, (_, at) => at).filter((at) => here!.get(at) !== there!.get(at));
    return differ.length > parts / 2 ? '' : `WHERE (${part}) = ANY ('{${differ.join(',')}}')`;
  }

  async #rowByRow(plans: readonly { readonly pair: Pair; readonly where: string }[]): Promise<RowChanges[]> {
    if (plans.length === 0) return [];
    const copies = (side: 'now' | 'before'): string[] => plans.map(({ pair, where }) => copySql(pair, side, where));
    const [now, before] = [
      this.#stream(this.#options.live, this.#live.exported, copies('now')),
      this.#stream(this.#options.past, this.#past.exported, copies('before')),
    ];
    const comparing = async (): Promise<RowChanges[]> => {
      const found: RowChanges[] = [];
      for (const { pair } of plans) {
        const column = changeColumn(sharedColumns(pair));
        const times = column && { updates: column.updates, ...this.#times() };
        found.push(await compareSorted(now.rows, before.rows, times));
      }
      return found;
    };
    const comparison = comparing().catch((error: unknown) => {
      now.stop(); // nobody reads the other one any more
      before.stop();
      throw error;
    });
    const ended = await Promise.allSettled([comparison, now.ended, before.ended]);
    const reasons = ended.flatMap((it) => (it.status === 'rejected' ? [it.reason as unknown] : []));
    this.#options.signal?.throwIfAborted();
    // Why a stream ended before its time, its tool tells; the others only tell that it did.
    if (reasons.length > 0) throw reasons.find((it) => it instanceof RewindError) ?? reasons[0];
    return comparison;
  }

  /** Rows of several tables, one after the other, as they are in the moment of a session. */
  #stream(
    database: string,
    moment: string,
    copies: readonly string[],
  ): { readonly rows: SortedRows; readonly ended: Promise<void>; readonly stop: () => void } {
    const output = new PassThrough();
    const script = [
      reproducible,
      `SET statement_timeout = ${this.#left()};`,
      `BEGIN READ ONLY; SET TRANSACTION SNAPSHOT ${literal(moment)};`,
      ...copies.map((copy) => `${copy}\n\\echo ${endOfTable}`),
      'COMMIT;\n',
    ].join('\n');
    const argv = ['psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=1', '--file=-'];
    const { signal } = this.#options;
    const ended = this.#server
      .tool(argv, { input: script, output, database, ...(signal && { signal }) })
      .then((result) => {
        if (result.exitCode !== 0) throw this.#server.problem('Rows cannot be compared', result, database);
      })
      .finally(() => output.end());
    return { rows: new SortedRows(output), ended, stop: () => output.destroy() };
  }

  async #newColumns({ now, before }: Pair): Promise<NonNullable<TableChange['newColumns']>> {
    const there = new Set(before.columns.map(({ name }) => name));
    const added = now.columns.filter(({ name }) => !there.has(name));
    if (added.length === 0) return [];
    const counts = added.map(({ name }) => `pg_catalog.count(r.${identifier(name)})`);
    const [row] = await this.#live.query<{ values: number[] }>(
      `SELECT ARRAY[${counts.join(', ')}] AS values FROM ${source(now)} r`,
    );
    return added.map(({ name }, at) => ({ column: name, values: row!.values[at]! })).filter(({ values }) => values > 0);
  }

  /** Milliseconds that are left; 0 if there is no limit, as the server has it. */
  #left(): number {
    const { limitMs } = this.#options;
    return limitMs === undefined ? 0 : Math.max(1, this.#started + limitMs - Date.now());
  }

  async #limit(): Promise<void> {
    const sql = `SELECT pg_catalog.set_config('statement_timeout', '${this.#left()}', false)`;
    if (this.#options.limitMs !== undefined) await Promise.all([this.#live.query(sql), this.#past.query(sql)]);
  }

  #times(): { from: number; to: number } {
    // A clock may be a little off; a time in the future is none of a change.
    const slack = 60_000;
    return { from: (Date.parse(this.#options.takenAt) - slack) * 1000, to: (Date.now() + slack) * 1000 };
  }

  #summed(tables: readonly TableChange[], compared: number): RestoreLoss {
    const total = (of: (table: TableChange) => number): number => tables.reduce((all, table) => all + of(table), 0);
    const oldest = tables.flatMap((table) => table.oldest ?? []).sort()[0];
    const newest = tables
      .flatMap((table) => table.newest ?? [])
      .sort()
      .at(-1);
    return {
      tables,
      compared,
      inserted: total((it) => it.inserted),
      updated: total((it) => it.updated),
      deleted: total((it) => it.deleted),
      newValues: total((it) => (it.newColumns ?? []).reduce((all, { values }) => all + values, 0)),
      ...(oldest !== undefined && { oldest }),
      ...(newest !== undefined && { newest }),
    };
  }
}

/** Rows and a sum of each table of a side: the same sum that a snapshot's manifest has. */
async function sums(session: SnapshotSession, pairs: readonly Pair[]): Promise<Sums[]> {
  const found: Sums[] = [];
  for (let at = 0; at < pairs.length; at += tablesAtOnce) {
    const queries = pairs
      .slice(at, at + tablesAtOnce)
      .map(
        ({ now }, index) =>
          `SELECT ${index} AS at, pg_catalog.count(*) AS rows, coalesce(pg_catalog.sum(${hashOf('(r.*)::text')}::numeric), 0)::text AS checksum FROM ${source(now)} r`,
      );
    const rows = await session.query<Sums & { at: number }>(queries.join('\nUNION ALL\n'));
    found.push(...rows.sort((a, b) => a.at - b.at));
  }
  return found;
}

function copySql(pair: Pair, side: 'now' | 'before', where: string): string {
  const column = side === 'now' ? changeColumn(sharedColumns(pair)) : undefined;
  const key = `pg_catalog.md5(${keyText(pair)})`;
  const hash = keyColumns(pair).length > 0 ? hashOf(rowText(pair)) : '0';
  const time = column ? microseconds(`r.${identifier(column.name)}`) : 'NULL';
  return `COPY (SELECT ${key} AS k, ${hash} AS h, ${time} AS t FROM ${source(pair[side])} r ${where} ORDER BY ${key}::uuid) TO STDOUT;`;
}

/** The key of a row as text; a row without one is its own. */
function keyText(pair: Pair): string {
  const key = keyColumns(pair);
  return key.length > 0 ? record(key) : rowText(pair);
}

function keyColumns({ now, before }: Pair): readonly string[] {
  return now.key.join('\0') === before.key.join('\0') ? now.key : [];
}

/** Everything of a row that both sides have. */
function rowText(pair: Pair): string {
  return record(sharedColumns(pair).map(({ name }) => name));
}

function sharedColumns({ now, before }: Pair): ComparedTable['columns'] {
  const there = new Set(before.columns.map(({ name }) => name));
  return now.columns.filter(({ name }) => there.has(name));
}

function sameColumns(now: ComparedTable, before: ComparedTable): boolean {
  const text = ({ columns }: ComparedTable): string => JSON.stringify(columns.map(({ name }) => name));
  return text(now) === text(before);
}

function record(columns: readonly string[]): string {
  return `(ROW(${columns.map((column) => `r.${identifier(column)}`).join(', ')})::text COLLATE "C")`;
}

function hashOf(text: string): string {
  return `pg_catalog.hashtextextended(${text} COLLATE "C", 0)`;
}

/** Microseconds since 1970; null for a time without an end. */
function microseconds(column: string): string {
  return `CASE WHEN pg_catalog.isfinite(${column}) THEN (pg_catalog.date_part('epoch', ${column}) * 1000000)::bigint END`;
}

function source({ schema, name, isPartitioned }: ComparedTable): string {
  return `${isPartitioned ? '' : 'ONLY '}${identifier(schema)}.${identifier(name)}`;
}

function keyOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([schema, name]);
}

function isoTime(microsecondsSince1970: number): string {
  return new Date(Math.floor(microsecondsSince1970 / 1000)).toISOString();
}
