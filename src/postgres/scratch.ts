import { dropDatabase } from './restore';
import { lockOf } from './scratch-lock';
import { stagedFile } from './staged-file';
import type { PostgresServer } from './server';
import { SnapshotSession } from './session';

/** What a database is called that is being restored, beside the live one. */
export const shadowSuffix = '.shadow-';

/** What one is called that only proves a snapshot. */
export const proofSuffix = '.proof-';

/** What one is called that a backup from elsewhere is restored into. */
export const importSuffix = '.import-';

/**
 * Works with a database that is there for this process alone. The server knows for how long: a session holds a lock for
 * it, which ends with this process, however that ends.
 */
export async function withScratch<T>(server: PostgresServer, name: string, work: () => Promise<T>): Promise<T> {
  return SnapshotSession.use(server, server.maintenance, async (session) => {
    await session.query(`SELECT pg_catalog.pg_advisory_lock(${lockOf(name)}) IS NULL AS locked`);
    return work();
  });
}

/**
 * Removes databases, and dumps beside them, that processes have left which were killed.
 *
 * @throws RewindError database/…
 */
export async function removeAbandoned(server: PostgresServer): Promise<void> {
  const suffixes = [shadowSuffix, proofSuffix, importSuffix];
  const names = await Promise.all(suffixes.map((suffix) => server.databasesLike(suffix)));
  for (const name of names.flat()) {
    const sql = `SELECT pg_catalog.pg_try_advisory_xact_lock(${lockOf(name)}) AS free`;
    const [row] = await server.query<{ free: boolean }>(sql, server.maintenance);
    if (!row?.free) continue;
    // In this order: as long as the database is there, somebody knows of its dump.
    await server.tool(['rm', '-rf', await stagedFile(server, name)]);
    await dropDatabase(server, name);
  }
}
