import { PassThrough } from 'node:stream';

import { sayingWhoUses } from './lock-holders';
import { lockOf } from './scratch-lock';
import type { PostgresServer } from './server';
import { identifier, literal } from './sql';

/** Which database takes whose place. */
export interface SwapOptions {
  /** The database that applications use. */
  readonly live: string;
  /** The one that takes its name; this process holds its lock: {@link withScratch}. */
  readonly replacement: string;
  /** The name under which the live one is kept. */
  readonly keptAs: string;
}

/** Waits so long for a lock of somebody else on one of the databases: applications are away meanwhile. */
const lockWait = '5s';

/** How the script ends that does the swap, where nobody has asked for it. */
const notAsked = 9;

/**
 * Waits for a line, then runs the statements of its arguments in one transaction, and sends away whoever is connected for as
 * long as that takes. A rename waits 5 s for connections to end, and no new one begins while it waits: so a client that
 * connects over and over does not keep it from being done, and nothing has to be closed that a crash would leave closed.
 * https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/commands/dbcommands.c (RenameDatabase)
 */
const swapScript = `
away=$1; shift
read -r now || exit ${notAsked}
psql --no-psqlrc --quiet --no-password --set=ON_ERROR_STOP=1 --single-transaction "$@" >/dev/null </dev/null &
swap=$!
while kill -0 "$swap" 2>/dev/null; do
  psql --no-psqlrc --quiet --no-password --command="$away" >/dev/null 2>&1 </dev/null
done
wait "$swap"`;

function unlessOwnerIsGone(name: string): string {
  return `BEGIN
    IF pg_try_advisory_xact_lock(${lockOf(name)}) THEN
      RAISE 'the session that this is done for has ended';
    END IF;
  END`;
}

/** A swap that is prepared: what does it has been started, and waits to be asked. */
export interface Swap {
  /** What names the replacement, whatever it is called: {@link databaseId}. Undefined if there is none. */
  readonly id: number | undefined;
  /**
   * Does it, once.
   *
   * @throws RewindError database/…; the live database is as it was then
   */
  readonly run: () => Promise<void>;
}

/**
 * Prepares to put a database into the place of another, in one transaction: whoever connects sees the one or the other. The
 * replaced one is kept under another name, complete to its last write, and takes no more connections. If this process
 * ends meanwhile, the swap is done by the time the server has ended its session (a moment later), or never.
 *
 * @param work - stops what uses the database, and runs the swap, for which little is left to be done then
 * @throws RewindError database/…; and whatever `work` throws
 */
export async function withSwap<T>(
  server: PostgresServer,
  { live, replacement, keptAs }: SwapOptions,
  work: (swap: Swap) => Promise<T>,
): Promise<T> {
  const id = await databaseId(server, replacement);
  const replaced = await databaseId(server, live);
  const statements = [
    `SET LOCAL lock_timeout = '${lockWait}'`,
    `ALTER DATABASE ${identifier(live)} RENAME TO ${identifier(keptAs)}`,
    `ALTER DATABASE ${identifier(replacement)} RENAME TO ${identifier(live)}`,
    `ALTER DATABASE ${identifier(keptAs)} ALLOW_CONNECTIONS false`,
    `ALTER DATABASE ${identifier(live)} ALLOW_CONNECTIONS true`,
    // Last, right before the commit: what nobody waits for any more is not done behind the back of who comes next.
    `DO ${literal(unlessOwnerIsGone(replacement))}`,
  ];
  // The live one by its number: under its name is the other one as soon as the swap is done.
  const away = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE (datid = ${replaced ?? 0} OR datname = ${literal(replacement)}) AND pid <> pg_backend_pid()`;
  const commands = statements.map((statement) => `--command=${statement}`);
  const argv = ['sh', '-c', swapScript, 'sh', away, ...commands];
  const input = new PassThrough();
  const ending = server.tool(argv, { database: server.maintenance, input });
  ending.catch(() => undefined); // told when it is asked for
  const run = async (): Promise<void> => {
    input.end('now\n');
    const result = await ending;
    // Where the tool says that it has failed, what has the name now tells more.
    if (result.exitCode === 0 || (id !== undefined && (await databaseId(server, live)) === id)) return;
    const problem = server.problem(`The database ${identifier(live)} cannot be replaced`, result, live);
    throw problem.code === 'database/locked' ? await sayingWhoUses(server, [live, replacement], problem) : problem;
  };
  try {
    return await work({ id, run });
  } finally {
    input.end();
    await ending.catch(() => undefined);
  }
}

/** What names a database for as long as it is there, whatever it is called; undefined if there is none of that name. */
export async function databaseId(server: PostgresServer, name: string): Promise<number | undefined> {
  const sql = `SELECT oid::bigint AS id FROM pg_database WHERE datname = ${literal(name)}`;
  const [row] = await server.query<{ id: number }>(sql, server.maintenance);
  return row?.id;
}
