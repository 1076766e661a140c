import type { PostgresServer } from './server';
import { identifier, literal } from './sql';

/** Which database takes whose place. */
export interface SwapOptions {
  /** The database that applications use. */
  readonly live: string;
  /** The one that takes its name. */
  readonly replacement: string;
  /** The name under which the live one is kept. */
  readonly keptAs: string;
}

/** Tries so often; each try waits up to 5 s for connections to go, as the server does: CountOtherDBBackends. */
const tries = 5;

/**
 * Puts a database into the place of another, in one transaction: whoever connects sees the one or the other. The
 * replaced one is kept under another name, complete to its last write, and takes no more connections.
 *
 * The whole runs in the server's own container and goes on to its end whatever becomes of this process.
 *
 * @throws RewindError database/…; the live database is as it was then
 */
export async function swapDatabases(server: PostgresServer, { live, replacement, keptAs }: SwapOptions): Promise<void> {
  const closed = `ALTER DATABASE ${identifier(live)} ALLOW_CONNECTIONS false;`;
  const reopened = `ALTER DATABASE ${identifier(live)} ALLOW_CONNECTIONS true;`;
  const swap = `
DO $rewind$
DECLARE attempt int;
BEGIN
  FOR attempt IN 1..${tries} LOOP
    BEGIN
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname IN (${literal(live)}, ${literal(replacement)}) AND pid <> pg_backend_pid();
      EXECUTE ${literal(`ALTER DATABASE ${identifier(live)} RENAME TO ${identifier(keptAs)}`)};
      EXECUTE ${literal(`ALTER DATABASE ${identifier(replacement)} RENAME TO ${identifier(live)}`)};
      EXECUTE ${literal(`ALTER DATABASE ${identifier(live)} ALLOW_CONNECTIONS true`)};
      RETURN;
    EXCEPTION WHEN object_in_use THEN
      IF attempt = ${tries} THEN RAISE; END IF;
    END;
  END LOOP;
END
$rewind$;`;
  // Closed first, so that a client that connects over and over does not keep the names taken; and opened again in the
  // same breath, whether or not the swap has succeeded: the name is then the new database's, or still the old one's.
  const script = `${closed}\n${swap}\n${reopened}`;
  const id = await databaseId(server, replacement);
  const argv = ['psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=0', '--file=-'];
  const result = await server.tool(argv, { input: script, database: server.maintenance });
  // What has the name now tells more than what the tool said.
  if (id !== undefined && (await databaseId(server, live)) === id) return;
  throw server.problem(`The database ${identifier(live)} cannot be replaced`, result, live);
}

/** What names a database for as long as it is there, whatever it is called; undefined if there is none of that name. */
export async function databaseId(server: PostgresServer, name: string): Promise<number | undefined> {
  const sql = `SELECT oid::bigint AS id FROM pg_database WHERE datname = ${literal(name)}`;
  const [row] = await server.query<{ id: number }>(sql, server.maintenance);
  return row?.id;
}
