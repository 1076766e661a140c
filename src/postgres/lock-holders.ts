import { RewindError } from '../errors';
import type { PostgresServer } from './server';
import { literal } from './sql';

interface Holder {
  readonly pid: number;
  readonly user: string;
  readonly program: string;
  readonly client: string | null;
  readonly since: string;
  /** The table, or `the database`. */
  readonly what: string;
}

/**
 * An error about a lock, with who holds one that keeps a table from being read; without what they do, which may be secret.
 *
 * @param any - whoever holds any lock: enough to keep a table from being changed. @default false
 */
export async function sayingWhoLocks(
  server: PostgresServer,
  database: string,
  error: RewindError,
  any = false,
): Promise<RewindError> {
  const modes = any ? `l.mode LIKE '%Lock' AND l.relation >= 16384` : `l.mode = 'AccessExclusiveLock'`;
  return saying(server, database, `${modes} AND l.locktype = 'relation' AND a.datname = ${literal(database)}`, error);
}

/** The same, with who holds a lock on a database as a whole: by a comment on it, say. */
export async function sayingWhoUses(
  server: PostgresServer,
  databases: readonly string[],
  error: RewindError,
): Promise<RewindError> {
  return saying(
    server,
    server.maintenance,
    `l.locktype = 'object' AND l.classid = 'pg_database'::regclass
      AND l.objid IN (SELECT oid FROM pg_database WHERE datname IN (${databases.map(literal).join(', ')}))`,
    error,
  );
}

async function saying(
  server: PostgresServer,
  database: string,
  condition: string,
  error: RewindError,
): Promise<RewindError> {
  const holders = await server
    .query<Holder>(
      `SELECT DISTINCT ON (a.pid) a.pid, a.usename AS user, a.application_name AS program, host(a.client_addr) AS client,
        to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') AS since,
        CASE WHEN l.locktype = 'relation' THEN l.relation::regclass::text ELSE 'the database' END AS what
      FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.granted AND a.application_name <> 'rewind' AND ${condition}
      ORDER BY a.pid, l.relation`,
      database,
    )
    .catch(() => []);
  if (holders.length === 0) return error;
  const list = holders.map(
    ({ pid, user, program, client, since, what }) =>
      `${user}${program === '' ? '' : ` (${program})`}${client === null ? '' : ` from ${client}`}, process ${pid}, in a transaction since ${since} UTC, on ${what}`,
  );
  const [first] = holders;
  return new RewindError({
    code: error.code,
    message: `${error.message} It is held by ${list.join('; ')}.`,
    fix: `End that transaction, if need be with SELECT pg_terminate_backend(${first!.pid}), then run this again.`,
    cause: error,
  });
}
