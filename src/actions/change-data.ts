import { prepareRestore, snapshotFirst } from './guard-data';
import { endAbandonedMigrations, moveData } from './move-data';
import type { OpenRun } from './open-run';

/**
 * Changes the data as an update wants it. The snapshot and the restore have commands of their own, which the engine runs
 * only once: an update that comes after one that has failed later on makes good here what those did for the other.
 *
 * @param signal - asks to stop, as long as nothing has been changed. @default never
 * @throws RewindError as {@link snapshotFirst}, {@link prepareRestore} and {@link moveData}
 */
export async function changeData(open: OpenRun, signal?: AbortSignal): Promise<void> {
  await endAbandonedMigrations(open);
  const { snapshot, prepared } = await open.exchange.outcome();
  if (snapshot === undefined) await snapshotFirst(open);
  if (prepared === undefined) await prepareRestore(open);
  await moveData(open, signal);
}
