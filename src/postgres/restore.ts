import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
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
  readonly signal?: AbortSignal;
}

/**
 * Restores an archive into a new database; the first error ends it, and the database is removed again.
 *
 * @throws RewindError database/…
 */
export async function restoreArchive(server: PostgresServer, options: RestoreOptions): Promise<void> {
  const { name, owner, facts, archive, signal } = options;
  await server.execute(createDatabaseSql(name, owner, facts, server.version), server.maintenance);
  try {
    await staged(
      server,
      { name, archive: () => createReadStream(archive), ...(signal && { signal }) },
      async (file) => {
        const result = await server.tool(pgRestore(name, file), { database: name, ...(signal && { signal }) });
        if (result.exitCode !== 0) throw server.problem(`The dump cannot be restored`, result, name);
      },
    );
  } catch (error) {
    await dropDatabase(server, name).catch(() => undefined);
    throw error;
  }
}

/**
 * Gathers a database's statistics, without which it plans badly: before anybody uses it.
 *
 * @throws RewindError database/…
 */
export async function gatherStatistics(server: PostgresServer, name: string): Promise<void> {
  await server.execute('ANALYZE;', name);
}

/**
 * The command that restores an archive into a database; the first error ends it.
 *
 * @param file - in the server's container
 * @param inParallel - with a process for each processor; a tar file is only for one. @default true
 */
export function pgRestore(database: string, file: string, inParallel = true): string[] {
  return [
    ...(inParallel ? ['sh', '-c', 'exec pg_restore --jobs="$(nproc)" "$@"', 'sh'] : ['pg_restore']),
    ...['--exit-on-error', '--no-password', `--dbname=${conninfo(database)}`, file],
  ];
}

/**
 * Removes a database, with whoever is connected to it.
 *
 * @throws RewindError database/…
 */
export async function dropDatabase(server: PostgresServer, name: string): Promise<void> {
  await server.execute(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE);`, server.maintenance);
}

/** One file of an archive that is a folder. */
export interface StagedFile {
  readonly name: string;
  readonly open: () => Readable;
}

/** An archive to be put beside the data. */
export interface StagedArchive {
  /** Of the database that it is for. */
  readonly name: string;
  /** A file, or the files of a folder. */
  readonly archive: (() => Readable) | readonly StagedFile[];
  readonly signal?: AbortSignal;
}

/**
 * Puts an archive where the server's tools can read it in parts, for as long as it is needed.
 *
 * @throws RewindError database/…, and whatever the archive and `use` throw
 */
export async function staged<T>(
  server: PostgresServer,
  { name, archive, signal }: StagedArchive,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const place = await stagedFile(server, name);
  const base = dirname(dirname(place));
  const parts =
    typeof archive === 'function'
      ? [{ path: '', open: archive }]
      : archive.map((part) => ({ path: `/${part.name}`, open: part.open }));
  const store = `
    [ -d "$1/pgsql_tmp" ] || { mkdir -m 700 "$1/pgsql_tmp" && chown "$(stat -c %u:%g "$1")" "$1/pgsql_tmp"; } || exit
    umask 077
    [ -z "$3" ] || { mkdir -p "$2" || exit; }
    exec cat > "$2$3"`;
  try {
    for (const { path, open } of parts) {
      const argv = ['sh', '-c', store, 'sh', base, place, path];
      // If it were left alone, it could make the file after it has been removed below.
      const result = await server.tool(argv, { input: open(), endsWithInput: true, ...(signal && { signal }) });
      if (result.exitCode !== 0) throw server.problem('The dump cannot be put beside the data', result);
    }
    return await use(place);
  } finally {
    // The engine may be too busy to start a command: once more then.
    if (!(await remove(server, place))) await remove(server, place);
  }
}

/** @returns whether it is gone */
async function remove(server: PostgresServer, place: string): Promise<boolean> {
  return server.tool(['rm', '-rf', place]).then(
    ({ exitCode }) => exitCode === 0,
    () => false, // it goes when the server starts the next time
  );
}

/** A database as libpq takes it: a name with `=` in it would be read as connection parameters. */
function conninfo(name: string): string {
  return `dbname='${name.replaceAll(/['\\]/g, (character) => `\\${character}`)}'`;
}
