import { RewindError } from '../errors';
import type { RestoreOutlook } from '../loss/outlook';
import { compareDatabases, type RestoreLoss } from '../loss/restore-loss';
import { compareRowCounts } from '../loss/rough-restore-loss';
import { dropDatabase } from '../postgres/restore';
import { proofSuffix, removeAbandoned, withScratch } from '../postgres/scratch';
import { derivedName } from '../postgres/sql';
import { timeName } from '../snapshots/id';
import { withReady } from './ready-database';
import { buildShadow, isAsTaken, quicklyRead, type RestoreSource } from './restore-database';

/**
 * Counts what restoring a snapshot would lose: restores it into a scratch database, unless a proof has left one, compares, and
 * removes what it has restored again. The live database is only read.
 *
 * @throws RewindError database/…, snapshot/…
 */
export async function countRestoreLoss(source: RestoreSource): Promise<RestoreLoss> {
  const { server } = source;
  await removeAbandoned(server);
  const ready = await withReady(source, async (past) =>
    (await isAsTaken(source, past)) ? lossAgainst(source, past) : undefined,
  );
  if (ready) return ready;
  const name = derivedName(server.database, `${proofSuffix}${timeName(new Date())}`);
  return withScratch(server, name, async () => {
    await buildShadow(source, name);
    try {
      return await lossAgainst(source, name);
    } finally {
      await dropDatabase(server, name).catch(() => undefined);
    }
  });
}

/**
 * Says what restoring a snapshot would lose, against a database that was restored from it already; where that takes too
 * long, or a table is locked, only rows are counted.
 *
 * @param limitMs - what takes about this long is too long, in milliseconds
 * @throws RewindError database/…
 */
export async function outlookAgainst(source: RestoreSource, past: string, limitMs: number): Promise<RestoreOutlook> {
  const { server, manifest, versionTable } = source;
  const { id, takenAt, content, databaseBytes } = manifest;
  const roughly = async (): Promise<RestoreOutlook> => ({
    ...{ id, takenAt },
    rough: await compareRowCounts(server, content, versionTable, limitMs),
  });
  // What would take longer is not begun.
  if (databaseBytes > (quicklyRead * limitMs) / 1000) return roughly();
  const started = Date.now();
  try {
    return { id, takenAt, loss: await lossAgainst(source, past, limitMs) };
  } catch (error) {
    if (!(error instanceof RewindError)) throw error;
    // Numbers are for people to decide by: a lock of somebody else does not keep the data from coming back.
    if (error.code !== 'database/locked' && Date.now() - started < limitMs) throw error;
    return roughly();
  }
}

function lossAgainst(source: RestoreSource, past: string, limit?: number): Promise<RestoreLoss> {
  const { server, manifest, versionTable, signal } = source;
  return compareDatabases(server, {
    live: server.database,
    past,
    takenAt: manifest.takenAt,
    content: manifest.content,
    ...(versionTable && { versionTable }),
    ...(limit !== undefined && { limitMs: limit }),
    ...(signal && { signal }),
  });
}
