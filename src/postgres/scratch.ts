import { setTimeout as sleep } from 'node:timers/promises';

import { dropDatabase } from './restore';
import { lockOf } from './scratch-lock';
import { stagedFile } from './staged-file';
import type { PostgresServer } from './server';
import { SnapshotSession } from './session';

/** What a database is called that is being restored, beside the live one. */
export const shadowSuffix = '.shadow-';

/** What one is called that was restored, and is to take the place of the live one: it outlives the process that has made it. */
export const preparedSuffix = '.prepared-';

/** What one is called that only proves a snapshot. */
export const proofSuffix = '.proof-';

/** What one is called that a proof has left: it holds what a snapshot does. */
export const readySuffix = '.ready-';

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
 * @param suffixes - of their names. @default those of every kind that is there for one process alone
 * @returns those that somebody works with
 * @throws RewindError database/…
 */
export async function removeAbandoned(
  server: PostgresServer,
  suffixes: readonly string[] = [shadowSuffix, proofSuffix, importSuffix],
): Promise<string[]> {
  const names = await Promise.all(suffixes.map((suffix) => server.databasesLike(suffix)));
  const held: string[] = [];
  for (const name of names.flat()) {
    if (await isHeld(server, name)) {
      held.push(name);
      continue;
    }
    // In this order: as long as the database is there, somebody knows of its dump.
    await server.tool(['rm', '-rf', await stagedFile(server, name)]);
    await dropDatabase(server, name);
  }
  return held;
}

/** Whether a process works with a database of Rewind's own. */
export async function isHeld(server: PostgresServer, name: string): Promise<boolean> {
  const sql = `SELECT pg_catalog.pg_try_advisory_xact_lock(${lockOf(name)}) AS free`;
  const [row] = await server.query<{ free: boolean }>(sql, server.maintenance);
  return row?.free !== true;
}

/**
 * Removes what an update was restoring, or had, when it failed: nobody else restores while the stack is locked. The session of
 * a process that was killed may end a moment later, which is waited for.
 *
 * @throws RewindError database/…
 */
export async function removeLeft(server: PostgresServer, patienceMs = 10_000): Promise<void> {
  const restored = [shadowSuffix, preparedSuffix];
  const end = Date.now() + patienceMs;
  while ((await removeAbandoned(server, restored)).length > 0 && Date.now() < end) await sleep(200);
}
