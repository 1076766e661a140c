import { RewindError } from '../errors';
import type { DataChange } from '../releases/next-config';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { readRevisions, revisionNames } from '../postgres/revisions';
import { releaseRevisions } from './data-outlook';
import { migratingJobs } from './migrating-jobs';
import { openDatabase, snapshotsOf, type StackDatabase } from './open-database';
import type { StackContext } from './stack-context';

/**
 * What is to become of the data when a release comes back: its schema stays, is moved back with what is in it, or the
 * data of then is brought back from a snapshot.
 */
export const dataChoices = ['keep', 'downgrade', 'restore'] as const;

export type DataChoice = (typeof dataChoices)[number];

/**
 * A choice as a change of the configuration.
 *
 * @param choice - @default what the release's configuration says: the schema is moved to its migrations
 * @throws RewindError database/…, snapshot/unknown
 */
export async function dataChange(
  context: StackContext,
  to: ReleaseRecord,
  choice: DataChoice | undefined,
): Promise<DataChange> {
  if (choice === undefined || choice === 'downgrade') return {};
  if (choice === 'keep') return keepSchema(context);
  const revisions = to.database?.revisions ?? (await releaseRevisions(context, to));
  const snapshot = await snapshotsOf(context).newestAt(revisions);
  if (snapshot !== undefined) return { restore: { snapshot, at: new Date().toISOString() } };
  throw new RewindError({
    code: 'snapshot/unknown',
    message: `There is no snapshot of the revision of ${releaseName(to.number)} (${revisionNames(revisions)}) that is restorable.`,
    fix: 'Choose --database=downgrade or --database=keep; rewind snapshot list lists what there is.',
  });
}

/**
 * The schema stays where it stands.
 *
 * @throws RewindError database/…
 */
export async function keepRevision(context: StackContext): Promise<DataChange> {
  return revisionOf(await openDatabase(context));
}

/**
 * The schema stays where it stands, and so do the jobs that bring it to the migrations of their image: alembic fails where those
 * of an earlier release meet a revision that they do not know.
 *
 * @throws RewindError database/…, docker/…
 */
export async function keepSchema(context: StackContext): Promise<DataChange> {
  const database = await openDatabase(context);
  const [change, runs] = await Promise.all([revisionOf(database), context.releases.newest()]);
  const staying = migratingJobs(database.containers, context.name).flatMap((name) => {
    const service = runs?.services[name];
    return service ? [[name, service] as const] : [];
  });
  return { ...change, staying: Object.fromEntries(staying) };
}

async function revisionOf({ server, versionTable, settings }: StackDatabase): Promise<DataChange> {
  if (!settings.alembic) return {};
  const revision = await readRevisions(server, versionTable);
  return revision.length > 0 ? { revision } : {};
}
