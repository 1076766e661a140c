import { RewindError } from '../errors';
import { PsqlEnded } from './psql-session';
import type { PostgresServer } from './server';

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
SET jit = off;
SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout';
SET default_transaction_isolation = 'repeatable read';
`;

/** One session of a database that sees it as it was in one moment, whatever others write meanwhile. */
export class SnapshotSession {
  /** Name by which pg_dump sees the same moment: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION */
  readonly exported: string;
  readonly #say: (script: string) => Promise<string>;

  private constructor(say: (script: string) => Promise<string>, exported: string) {
    this.#say = say;
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
    const told = (error: unknown): unknown => {
      if (!(error instanceof PsqlEnded)) return error;
      return error.result.exitCode === 0
        ? endedEarly()
        : server.problem('A query of the database failed', error.result, database);
    };
    const psql = await server.psqlAfter(`${reproducible}BEGIN READ ONLY;`, database, signal).catch((error: unknown) => {
      throw told(error);
    });
    const say = (script: string): Promise<string> =>
      psql.say(script).catch((error: unknown) => {
        throw told(error);
      });
    try {
      const unnamed = new SnapshotSession(say, '');
      const [row] = await unnamed.query<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id');
      return await work(new SnapshotSession(say, row!.id));
    } finally {
      await psql.end('COMMIT;\n');
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

  /**
   * What a query gives as its one column `row`, which is JSON.
   *
   * @throws RewindError database/…
   */
  async values<T>(sql: string): Promise<T[]> {
    const text = await this.#say(`SELECT coalesce(pg_catalog.json_agg(q.row), '[]') FROM (\n${sql}\n) q;`);
    return JSON.parse(text) as T[];
  }
}

function endedEarly(): RewindError {
  return new RewindError({
    code: 'database/unreachable',
    message: 'The session with the database ended before its time.',
    fix: 'See what the database says: docker compose logs, then run this again.',
  });
}
