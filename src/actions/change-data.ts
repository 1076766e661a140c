import { loadParser } from '../loss/parse-sql';
import type { ReleaseStore } from '../releases/release-store';
import { DataExchange } from './data-run';
import { prepareRestore, snapshotFirst } from './guard-data';
import { endAbandonedMigrations, moveData, standDown } from './move-data';
import type { OpenRun } from './open-run';

/**
 * Changes the data as an update wants it. The snapshot and the restore have commands of their own, which the engine runs
 * only once: an update that comes after one that has failed later on makes good here what those did for the other.
 *
 * @param signal - asks to stop, as long as nothing has been changed. @default never
 * @throws RewindError as {@link snapshotFirst}, {@link prepareRestore} and {@link moveData}
 */
export async function changeData(open: OpenRun, signal?: AbortSignal): Promise<void> {
  const { snapshot, prepared, standing } = await open.exchange.outcome();
  await endAbandonedMigrations(open, standing?.container);
  try {
    if (snapshot === undefined) await snapshotFirst(open, signal);
    if (prepared === undefined) await prepareRestore(open, signal);
    await moveData(open, signal);
  } finally {
    await standDown(open);
  }
}

/** Loads what it takes to say what a downgrade takes away, beside other work: the way is known since the snapshot was begun. */
export async function expectChange(releases: ReleaseStore): Promise<void> {
  const { standing } = await new DataExchange(releases).outcome();
  if (standing && standing.undo.length > 0) loadParser();
}
