import { createReadStream } from 'node:fs';
import { dirname } from 'node:path/posix';

import { createDatabaseSql, type DatabaseFacts } from './facts';
import type { PostgresServer } from './server';
import { identifier } from './sql';
import { stagedFile } from './staged-file';

/** What is restored, and into what. */
export interface RestoreOptions {
  /** Absolute path of an archive in pg_dump's custom format. */
  readonly archive: string;
  /** Name of the new database. */
  readonly name: string;
  readonly owner: string;
  readonly facts: DatabaseFacts;
  /** Leaves owners and rights out: everything belongs to the owner. @default false */
  readonly plainOwner?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Restores an archive into a new database; the first error ends it, and the database is removed again.
 *
 * @throws RewindError database/…
 */
export async function restoreArchive(server: PostgresServer, options: RestoreOptions): Promise<void> {
  const { name, owner, facts, plainOwner = false, signal } = options;
  await server.execute(createDatabaseSql(name, owner, facts, server.version), server.maintenance);
  try {
    await staged(server, options, async (file) => {
      const result = await server.tool(
        [
          ...['sh', '-c', 'exec pg_restore --jobs="$(nproc)" "$@"', 'sh'],
          ...['--exit-on-error', '--no-password', `--dbname=${conninfo(name)}`],
          ...(plainOwner ? ['--no-owner', '--no-privileges', `--role=${owner}`] : []),
          file,
        ],
        { database: name, ...(signal && { signal }) },
      );
      if (result.exitCode !== 0) throw server.problem(`The dump cannot be restored`, result, name);
    });
    // A database without statistics plans badly: those of the new one are gathered before anybody uses it.
    await server.execute('ANALYZE;', name);
  } catch (error) {
    await dropDatabase(server, name).catch(() => undefined);
    throw error;
  }
}

/**
 * Removes a database, with whoever is connected to it.
 *
 * @throws RewindError database/…
 */
export async function dropDatabase(server: PostgresServer, name: string): Promise<void> {
  await server.execute(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE);`, server.maintenance);
}

/** Puts an archive where the server's tools can read it in parts, for as long as it is needed. */
async function staged<T>(
  server: PostgresServer,
  { archive, name }: RestoreOptions,
  use: (file: string) => Promise<T>,
): Promise<T> {
  const file = await stagedFile(server, name);
  const base = dirname(dirname(file));
  const store = `
    [ -d "$1/pgsql_tmp" ] || { mkdir -m 700 "$1/pgsql_tmp" && chown "$(stat -c %u:%g "$1")" "$1/pgsql_tmp"; } || exit
    umask 077
    exec cat > "$2"`;
  try {
    const result = await server.tool(['sh', '-c', store, 'sh', base, file], { input: createReadStream(archive) });
    if (result.exitCode !== 0) throw server.problem('The dump cannot be put beside the data', result);
    return await use(file);
  } finally {
    await server.tool(['rm', '-f', file]).catch(() => undefined);
  }
}

/** A database as libpq takes it: a name with `=` in it would be read as connection parameters. */
function conninfo(name: string): string {
  return `dbname='${name.replaceAll(/['\\]/g, (character) => `\\${character}`)}'`;
}
