import type { ReleaseStore } from '../releases/release-store';
import { RewindError } from '../errors';
import { revisionNames } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import { DataExchange, type DataRun } from './data-run';
import { changeData } from './change-data';
import { endAbandonedMigrations, standsAt } from './move-data';
import { openRun } from './open-run';

/**
 * Brings the data to where the stack's state says that it is, if it is not: the command that moved it was killed, or
 * somebody has moved it since. The engine sees no difference then, and runs no command. Where the database cannot be asked
 * there is nothing to mend: it may be about to be started.
 *
 * @param key - `rewind:key`
 * @param toServer - connects to the server
 * @returns what was done, in words; undefined if there was nothing to do
 * @throws RewindError as {@link changeData}
 */
export async function mendData(
  releases: ReleaseStore,
  stack: string,
  key: string,
  run: DataRun,
  toServer: () => Promise<PostgresServer>,
): Promise<string | undefined> {
  const exchange = new DataExchange(releases);
  if (!run.revisions || !(await exchange.mayBeIn(run))) return undefined;
  const open = await openRun(releases.root, stack, key, toServer).catch((error: unknown) => {
    if (error instanceof RewindError) return undefined;
    throw error;
  });
  if (!open) return undefined;
  await endAbandonedMigrations(open);
  const live = await open.revisions();
  if (await standsAt(open, live, run.revisions)) return undefined;
  await changeData(open);
  return `The database stood at ${revisionNames(live)}, which nothing says that it should: it is back at ${revisionNames(run.revisions)}.`;
}
