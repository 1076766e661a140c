import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';

import type { ContainerResult } from '../docker/exec';
import { createDatabaseSql, type DatabaseProperties, propertiesSql, readFacts, readProperties } from './facts';
import { dropDatabase, gatherStatistics, pgRestore } from './restore';
import { withScratch } from './scratch';
import type { PostgresServer } from './server';
import { SnapshotSession } from './session';

/** A database that a backup from elsewhere is restored into. */
export interface ImportDatabase {
  readonly name: string;
  /** Who owns the application's database, and this one. */
  readonly owner: string;
  readonly properties: DatabaseProperties;
}

/**
 * Works with an empty database beside the application's that is made as that one is; it is removed again.
 *
 * @throws RewindError database/…, and whatever `work` throws
 */
export async function withImportDatabase<T>(
  server: PostgresServer,
  name: string,
  work: (database: ImportDatabase) => Promise<T>,
): Promise<T> {
  const [{ facts }, properties] = await SnapshotSession.use(server, server.database, async (session) => [
    await readFacts(session, server),
    await readProperties(session),
  ]);
  const { owner } = properties;
  return withScratch(server, name, async () => {
    await server.execute(createDatabaseSql(name, owner, facts, server.version), server.maintenance);
    const failed = await work({ name, owner, properties }).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    // What has failed tells more than that the database cannot be removed because of it.
    const dropping = dropDatabase(server, name);
    if ('error' in failed) {
      await dropping.catch(() => undefined);
      throw failed.error;
    }
    await dropping;
    return failed.value;
  });
}

/** A dump, and how it is restored. */
export interface ImportLoad {
  /** A script for psql, or an archive in the server's container. */
  readonly from:
    { readonly script: AsyncIterable<Buffer> } | { readonly archive: string; readonly inParallel: boolean };
  /** Whether the dump makes the schema `public`, which a new database has already. */
  readonly makesPublic: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Loads a dump into an empty database, and gives that the settings of the application's; the first error ends it.
 *
 * @returns how the tool ended; a failure is the caller's to judge
 * @throws RewindError database/…
 */
export async function loadInto(
  server: PostgresServer,
  { name, properties }: ImportDatabase,
  { from, makesPublic, signal }: ImportLoad,
): Promise<ContainerResult> {
  // Roles that the dump makes something as may need them.
  const rights = propertiesSql(name, { ...properties, settings: [], connectionLimit: -1 });
  await server.execute(rights, server.maintenance);
  if (makesPublic) await server.execute('DROP SCHEMA public;', name);
  const options = { database: name, ...(signal && { signal }) };
  const loaded =
    'archive' in from
      ? await server.tool(pgRestore(name, from.archive, from.inParallel), options)
      : await server.tool(psql, { ...options, input: Readable.from(guarded(server, from.script)) });
  if (loaded.exitCode !== 0) return loaded;
  await gatherStatistics(server, name);
  // Only then: the settings may be such that nothing can be written.
  await server.execute(propertiesSql(name, properties), server.maintenance);
  return loaded;
}

/**
 * Reads an archive as the script that it stands for.
 *
 * @param archive - its path in the server's container
 * @param read - reads the script, its bytes as `latin1`; to its end, unless it throws
 */
export async function readArchive<T>(
  server: PostgresServer,
  archive: string,
  read: (script: AsyncIterable<string>) => Promise<T>,
  signal?: AbortSignal,
): Promise<{ readonly result: ContainerResult; readonly value: T }> {
  const output = new PassThrough();
  output.setEncoding('latin1');
  const argv = ['pg_restore', '--file=-', archive];
  const ended = server.tool(argv, { output, ...(signal && { signal }) });
  ended.then(
    () => output.end(),
    (error: unknown) => output.destroy(error as Error),
  );
  // It throws what the tool has thrown, too; one that reads no more makes the tool fail, which is not the cause then.
  const value = await read(output);
  return { value, result: await ended };
}

const psql = [
  'psql',
  '--no-psqlrc',
  '--quiet',
  '--single-transaction',
  '--set=ON_ERROR_STOP=1',
  '--output=/dev/null',
  '--file=-',
];

/** Since these, psql can be told to take no command of its own but the end of that: CVE-2025-8714. */
const restrictable: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };

async function* guarded(server: PostgresServer, script: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const [major, minor] = [Math.floor(server.version / 10_000), server.version % 10_000];
  // The script has been read for such commands; this is the second door.
  if (minor >= (restrictable[major] ?? 0)) yield Buffer.from(`\\restrict ${randomBytes(16).toString('hex')}\n`);
  yield* script;
}
