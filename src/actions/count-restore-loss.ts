import { compareDatabases, type RestoreLoss } from '../loss/restore-loss';
import { dropDatabase } from '../postgres/restore';
import { proofSuffix, removeAbandoned, withScratch } from '../postgres/scratch';
import { derivedName } from '../postgres/sql';
import { timeName } from '../snapshots/id';
import { buildShadow, type RestoreSource } from './restore-database';

/**
 * Counts what restoring a snapshot would lose: restores it into a scratch database, compares, and removes that again. The
 * live database is only read.
 *
 * @throws RewindError database/…, snapshot/…
 */
export async function countRestoreLoss(source: RestoreSource): Promise<RestoreLoss> {
  const { server } = source;
  await removeAbandoned(server);
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
 * Counts what restoring a snapshot would lose, against a database that was restored from it already.
 *
 * @throws RewindError database/…
 */
export function lossAgainst(source: RestoreSource, past: string): Promise<RestoreLoss> {
  const { server, manifest, versionTable, signal } = source;
  return compareDatabases(server, {
    live: server.database,
    past,
    takenAt: manifest.takenAt,
    content: manifest.content,
    ...(versionTable && { versionTable }),
    ...(signal && { signal }),
  });
}
