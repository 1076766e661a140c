import { spawn } from 'node:child_process';

import { engine, eventually, execIn } from './docker';

/** What a session of a test holds until it lets go. */
export interface Hold {
  readonly release: () => Promise<void>;
}

/** The Postgres of the tests. `REWIND_TEST_POSTGRES` names another image, of another version say. */
export const postgresImage = process.env['REWIND_TEST_POSTGRES'] ?? 'apex-db:15';

/** The tests' Postgres as a service of a compose file, with its data in the volume `data`. */
export function databaseService(user: string, { password = 'word', name = user } = {}): Record<string, unknown> {
  return {
    image: postgresImage,
    environment: { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: name },
    volumes: ['data:/var/lib/postgresql/data'],
    healthcheck: { test: ['CMD', 'pg_isready', '-q', '-h', '127.0.0.1', '-U', user, '-d', name], interval: '10s' },
  };
}

const timeouts = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];

/** A Postgres in a container, as a test looks at it and hinders it. */
export class TestDatabase {
  readonly #container: string;
  readonly #user: string;
  readonly #name: string;

  /** @param name - the application's database */
  constructor(container: string, user: string, name: string) {
    this.#container = container;
    this.#user = user;
    this.#name = name;
  }

  /** What psql prints: rows, or an error. */
  async sql(text: string, database = this.#name): Promise<string> {
    const patience = timeouts.map((name) => `-c ${name}=0`).join(' ');
    const psql = ['psql', '-X', '-q', '-At', '-P', 'pager=off', '-w', '-v', 'ON_ERROR_STOP=1'];
    return execIn(
      this.#container,
      'env',
      `PGOPTIONS=${patience}`,
      ...psql,
      '-U',
      this.#user,
      '-d',
      database,
      '-c',
      text,
    );
  }

  /** Names of the databases that belong to the application's, by a pattern. */
  async databases(pattern: string): Promise<string[]> {
    const sql = `SELECT datname FROM pg_database WHERE starts_with(datname, '${this.#name}.') AND datname ~ '${pattern}' ORDER BY 1`;
    return (await this.sql(sql, 'postgres')).split('\n').filter((name) => name !== '');
  }

  /** Number and checksum of the rows of a table; waits for a server that is on its way up. */
  async sum(table: string, database = this.#name): Promise<string> {
    const sql = `SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM ${table} t`;
    return eventually(async () => /^\d+:-?\d+$/.exec(await this.sql(sql, database))?.[0], `rows of ${table}`, 60_000);
  }

  /** The same of each database that is kept aside, which takes no connections otherwise. */
  async keptSums(table: string): Promise<string[]> {
    const sums: string[] = [];
    for (const name of await this.databases('before')) {
      await this.sql(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`, 'postgres');
      sums.push(await this.sum(table, name));
      await this.sql(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`, 'postgres');
    }
    return sums;
  }

  /** Removes the databases that are kept aside. */
  async dropKept(): Promise<void> {
    for (const name of await this.databases('before')) await this.sql(`DROP DATABASE "${name}"`, 'postgres');
  }

  /**
   * Does something in a transaction, which stays open until it is let go of.
   *
   * @param program - the application_name of the session
   */
  async hold(statement: string, { database = this.#name, program = 'import' } = {}): Promise<Hold> {
    const psql = ['psql', '-X', '-q', '-At', '-U', this.#user, '-d', database];
    const session = spawn('docker', ['exec', '-i', '-e', `PGAPPNAME=${program}`, this.#container, ...psql]);
    const ended = new Promise((resolve) => session.once('close', resolve));
    let said = '';
    session.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    session.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    session.stdin.on('error', () => undefined); // it may have been killed meanwhile
    session.stdin.write(`BEGIN; ${statement};\n\\echo held\n`);
    await eventually(() => Promise.resolve(said.includes('held')), `${statement}: ${said}`, 60_000);
    return {
      release: async () => {
        session.stdin.end();
        await ended;
      },
    };
  }

  /** Waits until a session is there for which a condition on pg_stat_activity holds. */
  async session(condition: string): Promise<void> {
    await this.until(
      `EXISTS (SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (${condition}))`,
      'postgres',
    );
  }

  /** Waits until a condition holds. The server waits itself: to ask it time and again would keep the machine busy. */
  async until(condition: string, database = this.#name): Promise<void> {
    const sql = `DO $wait$ BEGIN
      FOR i IN 1..200 LOOP
        PERFORM pg_stat_clear_snapshot();
        IF ${condition} THEN RAISE 'it %', 'holds'; END IF;
        PERFORM pg_sleep(0.05);
      END LOOP;
    END $wait$`;
    // It may be down meanwhile, or the one that is waited in may get another name.
    await eventually(async () => (await this.sql(sql, database)).includes('it holds'), condition, 60_000);
  }

  /** Ends sessions, as a network does that loses them. */
  async disconnect(condition: string): Promise<void> {
    const sql = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (${condition})`;
    const ended = async (): Promise<boolean> => /^[1-9]\d*$/.test(await this.sql(sql, 'postgres'));
    await eventually(ended, `the end of a session with ${condition}`, 5000);
  }

  /** Kills the server with everything in its container (SIGKILL). */
  async kill(): Promise<void> {
    await (await engine()).getContainer(this.#container).kill();
  }
}
