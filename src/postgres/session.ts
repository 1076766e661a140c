import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';

import { RewindError } from '../errors';
import { type PostgresServer, psqlScript } from './server';

/** What makes the text of any value the same, wherever it is read. */
export const reproducible = `
SET search_path = '';
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET xmloption = 'content';
SET lc_monetary = 'C';
SET row_security = off;
SET quote_all_identifiers = off;
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout';
SET default_transaction_isolation = 'repeatable read';
`;

/** One session of a database that sees it as it was in one moment, whatever others write meanwhile. */
export class SnapshotSession {
  /** Name by which pg_dump sees the same moment: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION */
  readonly exported: string;
  readonly #input: PassThrough;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;

  private constructor(input: PassThrough, lines: AsyncIterator<string>, ended: Promise<void>, exported: string) {
    this.#input = input;
    this.#lines = lines;
    this.#ended = ended;
    this.exported = exported;
  }

  /**
   * Opens a session in a read-only transaction, uses it and closes it.
   *
   * @param signal - gives it up, with whatever it is about. @default never
   * @throws RewindError database/…
   */
  static async use<T>(
    server: PostgresServer,
    database: string,
    work: (session: SnapshotSession) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const input = new PassThrough();
    const output = new PassThrough();
    const ended = server.tool(psqlScript, { input, output, database, ...(signal && { signal }) }).then((result) => {
      output.end();
      if (result.exitCode !== 0) throw server.problem('A query of the database failed', result, database);
    });
    // The lines end with it; why, those who wait for one hear of it itself.
    ended.catch(() => output.end());
    const lines = createInterface({ input: output, crlfDelay: Infinity })[Symbol.asyncIterator]();
    const session = new SnapshotSession(input, lines, ended, '');
    await session.#say(`${reproducible}BEGIN READ ONLY;`);
    const [row] = await session.query<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id');
    const named = new SnapshotSession(input, lines, ended, row!.id);
    try {
      return await work(named);
    } finally {
      input.end('COMMIT;\n');
      output.resume(); // what nobody has read would keep psql from its end
      await ended.catch(() => undefined);
    }
  }

  /**
   * The rows of a query.
   *
   * @throws RewindError database/…
   */
  async query<T>(sql: string): Promise<T[]> {
    const text = await this.#say(`SELECT coalesce(pg_catalog.json_agg(q), '[]') FROM (\n${sql}\n) q;`);
    return JSON.parse(text) as T[];
  }

  /** Gives psql something to do, and returns what it prints. */
  async #say(script: string): Promise<string> {
    const marker = `rewind-${Math.random().toString(36).slice(2)}`;
    this.#input.write(`${script}\n\\echo ${marker}\n`);
    const printed: string[] = [];
    for (;;) {
      const next = await this.#lines.next();
      if (next.done) {
        await this.#ended;
        throw new RewindError({
          code: 'database/unreachable',
          message: 'The session with the database ended before its time.',
          fix: 'See what the database says: docker compose logs, then run this again.',
        });
      }
      if (next.value === marker) return printed.join('\n');
      printed.push(next.value);
    }
  }
}
