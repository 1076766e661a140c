import { Readable, type Writable } from 'node:stream';

import type Docker from 'dockerode';

import { execInContainer, type ContainerResult } from '../docker/exec';
import { engineMessage } from '../docker/refusal';
import { RewindError } from '../errors';
import { PsqlEnded, PsqlSession } from './psql-session';
import { isLost, QuerySession } from './query-session';
import { commandNotFound, notRunning, serverProblem } from './problems';
import { derivedName, identifier, literal } from './sql';

/** Where a stack's database is. */
export interface ServerOptions {
  /** ID or name of the container that runs Postgres. */
  readonly container: string;
  /** The compose service, for messages. */
  readonly service: string;
  /** @default POSTGRES_USER of the container, else postgres */
  readonly user?: string;
  /** The application's database. @default POSTGRES_DB of the container, else the user's name */
  readonly database?: string;
}

/** Runs the script that comes by standard input, and prints nothing but what it asks for. */
export const psqlScript = [
  'psql',
  '--no-psqlrc',
  '--no-password',
  '--quiet',
  '--no-align',
  '--tuples-only',
  '--set=ON_ERROR_STOP=1',
  '--file=-',
] as const;

/** A tool of Postgres to run in the database's container. */
export interface ToolOptions {
  /** The database that it connects to. @default the application's */
  readonly database?: string;
  readonly input?: Readable | string;
  readonly output?: Writable;
  readonly signal?: AbortSignal;
  /** See {@link ContainerCommand}. */
  readonly endsWithInput?: boolean;
}

/** The oldest server that Rewind works with. */
const oldestVersion = 130_000;

/** Waits so long for a lock that somebody else holds, in milliseconds. */
const lockTimeoutMs = 10_000;

/**
 * Runs what it is given with the password of the container's own environment, which so never leaves the container. The
 * names are those of the official image and of Bitnami's.
 */
const withLogin = `
for name in POSTGRES_PASSWORD POSTGRESQL_PASSWORD; do
  eval "value=\\\${$name-} file=\\\${\${name}_FILE-}"
  [ -n "$value" ] || [ -z "$file" ] || value=$(cat "$file")
  [ -z "$value" ] || { export PGPASSWORD="\${PGPASSWORD-$value}"; break; }
done
exec "$@"`;

/**
 * Runs a tool that reads nothing for as long as the standard input stays open, which ends with whoever has it. The tools of
 * Postgres that are told to end have the server give up what it does for them.
 *
 * No process here may outlive its parent: it would become a child of the container's first one, which is the server, and to
 * that any child that a signal has ended is one of its own that has crashed; it then ends every session.
 */
const whileWatched = `
exec 3<&0
"$@" 3<&- < /dev/null & tool=$!
{ read -r _; kill "$tool"; } <&3 > /dev/null 2>&1 & watch=$!
exec 3<&-
wait "$tool"; code=$?
kill "$watch" 2> /dev/null
wait "$watch"
exit "$code"`;

/** A Postgres server in a container of the stack, worked on with its own tools: they are of the same version. */
export class PostgresServer {
  readonly service: string;
  readonly user: string;
  /** Name of the application's database. */
  readonly database: string;
  readonly container: Docker.Container;
  /** `server_version_num`, e.g. 150014. */
  readonly version: number;
  /** The database to work from on others: every server is made with it. One cannot be renamed from within itself. */
  readonly maintenance: string;
  /** By database. */
  readonly #sessions: Map<string, QuerySession>;

  private constructor(
    container: Docker.Container,
    service: string,
    user: string,
    database: string,
    version: number,
    sessions = new Map<string, QuerySession>(),
  ) {
    this.#sessions = sessions;
    this.container = container;
    this.service = service;
    this.user = user;
    this.database = database;
    this.version = version;
    this.maintenance = database === 'postgres' ? 'template1' : 'postgres';
  }

  /**
   * Connects to a server.
   *
   * @throws RewindError database/… if it is none, cannot be reached, or has no such database
   */
  static async open(docker: Docker, options: ServerOptions): Promise<PostgresServer> {
    const { service } = options;
    const container = docker.getContainer(options.container);
    const { Config: config } = await container.inspect();
    const env = new Map((config.Env as string[] | undefined)?.map((line) => splitOnce(line)) ?? []);
    const user = options.user ?? env.get('POSTGRES_USER') ?? env.get('POSTGRESQL_USERNAME') ?? 'postgres';
    const database = options.database ?? env.get('POSTGRES_DB') ?? env.get('POSTGRESQL_DATABASE') ?? user;
    const unknown = new PostgresServer(container, service, user, database, 0);
    const look = (from: string): Promise<{ version: number; replica: boolean; open: boolean | null }[]> =>
      unknown.query(
        `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS replica,
          (SELECT datallowconn FROM pg_database WHERE datname = ${literal(database)}) AS open`,
        from,
      );
    // Mostly the application's own database answers; one that does not may not be there, or let nobody in.
    const [facts] = await look(database).catch(() => look(unknown.maintenance));
    const { version, replica, open } = facts!;
    if (version < oldestVersion) {
      throw new RewindError({
        code: 'database/too-old',
        message: `The database of ${service} is Postgres ${versionName(version)}; Rewind works with 13 and newer.`,
        fix: 'Upgrade the database, or take rewind:database out of the stack configuration.',
      });
    }
    if (replica) {
      throw new RewindError({
        code: 'database/read-only',
        message: `The database of ${service} is a read-only replica.`,
        fix: 'Name the service of the primary in rewind:database.service.',
      });
    }
    if (open === null) {
      throw new RewindError({
        code: 'database/unknown',
        message: `The server of ${service} has no database ${JSON.stringify(database)}.`,
        fix: 'Name the one that the application uses: pulumi config set --path rewind:database.name <database>.',
      });
    }
    if (!open) {
      throw new RewindError({
        code: 'database/unreachable',
        message: `The database ${identifier(database)} of ${service} takes no connections.`,
        fix: `Open it: ALTER DATABASE ${identifier(database)} ALLOW_CONNECTIONS true; or name another one in rewind:database.name.`,
      });
    }
    return new PostgresServer(container, service, user, database, version, unknown.#sessions);
  }

  /**
   * Makes sure that something can be written, before anything begins that will.
   *
   * @throws RewindError database/read-only
   */
  async checkWritable(): Promise<void> {
    const sql = `SELECT current_setting('default_transaction_read_only') AS "readOnly"`;
    const [row] = await this.query<{ readOnly: string }>(sql, this.maintenance);
    if (row?.readOnly !== 'on') return;
    throw new RewindError({
      code: 'database/read-only',
      message: `The database of ${this.service} takes no changes: default_transaction_read_only is on for ${this.user} or for the whole server. Nothing has been changed.`,
      fix: `Turn it off where it was turned on: ALTER ROLE ${identifier(this.user)} RESET default_transaction_read_only; or in the server's own settings.`,
    });
  }

  /**
   * The rows of a query.
   *
   * @throws RewindError database/…
   */
  async query<T>(sql: string, database = this.database): Promise<T[]> {
    const session =
      this.#sessions.get(database) ?? new QuerySession((streams) => this.tool(psqlScript, { ...streams, database }));
    this.#sessions.set(database, session);
    try {
      return JSON.parse(await session.ask(`SELECT coalesce(json_agg(q), '[]') FROM (\n${sql}\n) q;`)) as T[];
    } catch (error) {
      throw error instanceof PsqlEnded ? this.#refused(error.result, database) : error;
    }
  }

  /**
   * A psql that has done something: the one that has just answered queries of the database, where there is one that still has
   * its connection; that does not have to be started then.
   *
   * @param first - what it does first; it may be asked to do it twice
   * @param signal - gives it up, with whatever it is about. @default never
   * @throws PsqlEnded; and whatever running psql throws
   */
  async psqlAfter(first: string, database: string, signal?: AbortSignal): Promise<PsqlSession> {
    const used = this.#sessions.get(database)?.take();
    if (used) {
      const giveUp = (): void => {
        used.giveUp(signal!.reason as Error);
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      try {
        await used.say(first);
        return used;
      } catch (error) {
        signal?.removeEventListener('abort', giveUp);
        // Somebody has ended the session while it was idle.
        if (!(error instanceof PsqlEnded) || !isLost(error)) throw error;
      }
    }
    const psql = new PsqlSession((streams) =>
      this.tool(psqlScript, { ...streams, database, ...(signal && { signal }) }),
    );
    await psql.say(first);
    return psql;
  }

  /**
   * Names of the databases that belong to the application's, by what their names end with and a time: `.before-`.
   *
   * @throws RewindError database/…
   */
  async databasesLike(suffix: string): Promise<string[]> {
    const prefix = derivedName(this.database, `${suffix}00000000-000000`).slice(0, -'00000000-000000'.length);
    const rows = await this.query<{ name: string }>(
      `SELECT datname AS name FROM pg_database WHERE starts_with(datname, ${literal(prefix)}) ORDER BY 1 DESC`,
      this.maintenance,
    );
    return rows.map(({ name }) => name).filter((name) => /^\d{8}-\d{6}$/.test(name.slice(prefix.length)));
  }

  /**
   * Runs statements, each of its own unless they are in a transaction; the first that fails ends it.
   *
   * @throws RewindError database/…
   */
  async execute(script: string, database = this.database): Promise<void> {
    await this.#psql(script, database);
  }

  /**
   * Runs statements as {@link execute}, in the psql that has just answered a query, where there is one: that does not have to
   * be started then.
   *
   * @returns what they print
   * @throws RewindError database/…
   */
  async executeNext(script: string, database = this.database): Promise<string> {
    try {
      const psql = await this.psqlAfter('SELECT;', database);
      try {
        return await psql.say(script);
      } finally {
        void psql.end();
      }
    } catch (error) {
      throw error instanceof PsqlEnded ? this.#refused(error.result, database) : error;
    }
  }

  /**
   * Runs one of Postgres' own tools, e.g. `['pg_dump', '--format=custom']`, logged in.
   *
   * @returns how it ended; a failure is the caller's to judge
   */
  async tool(argv: readonly string[], options: ToolOptions = {}): Promise<ContainerResult> {
    const running = execInContainer(this.container, {
      argv: ['sh', '-c', withLogin, 'sh', ...argv],
      env: this.environment(options.database),
      ...(options.input !== undefined && { input: options.input }),
      ...(options.output && { output: options.output }),
      ...(options.signal && { signal: options.signal }),
      ...(options.endsWithInput && { endsWithInput: true }),
    });
    return running.catch((error: unknown) => {
      if ((error as { statusCode?: number }).statusCode === undefined) throw error;
      // Not even a shell is there.
      const stderr = engineMessage(error);
      if (/OCI runtime exec failed/.test(stderr)) return { exitCode: commandNotFound, stdout: '', stderr };
      throw notRunning(this.service, error);
    });
  }

  /**
   * Runs a tool as {@link tool} does, one that reads nothing: if it is given up, or this process is killed, it ends too, and with
   * it its session.
   */
  async watchedTool(argv: readonly string[], options: Omit<ToolOptions, 'input'> = {}): Promise<ContainerResult> {
    const open = new Readable({ read: () => undefined });
    return this.tool(['sh', '-c', whileWatched, 'sh', ...argv], { ...options, input: open, endsWithInput: true });
  }

  /** Variables with which the tools find the server and the database: https://www.postgresql.org/docs/current/libpq-envars.html */
  environment(database = this.database): Record<string, string> {
    return {
      PGUSER: this.user,
      PGDATABASE: database,
      PGAPPNAME: 'rewind',
      PGCONNECT_TIMEOUT: '10',
      PGCLIENTENCODING: 'UTF8',
      // What the tools say is read: in English, whatever the container speaks.
      LANGUAGE: 'en',
      PGOPTIONS: `-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=${lockTimeoutMs} -c client_min_messages=warning`,
    };
  }

  /**
   * What a failed tool means.
   *
   * @param what - what was tried, as a sentence without its full stop
   */
  problem(what: string, result: ContainerResult, database = this.database): RewindError {
    return serverProblem(what, result, { service: this.service, user: this.user, database });
  }

  async #psql(script: string, database: string): Promise<string> {
    const result = await this.tool(psqlScript, { input: script, database });
    if (result.exitCode === 0) return result.stdout;
    throw this.#refused(result, database);
  }

  #refused(result: ContainerResult, database: string): RewindError {
    return this.problem(`The database ${identifier(database)} of ${this.service} refuses`, result, database);
  }
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

/** `15.14` for 150014. */
export function versionName(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}
