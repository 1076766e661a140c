import { type Revision, knows, pathBetween } from '../alembic/graph';
import { AlembicImage } from '../alembic/image';
import { composeLabel, stackLabel } from '../container/labels';
import type { ContainerSpec } from '../container/spec';
import { takeInventory } from '../docker/inventory';
import { RewindError } from '../errors';
import { lossOutlook, lossOutlookLines, type LossOutlook } from '../loss/outlook';
import { readRevisions } from '../postgres/revisions';
import { type ReleaseRecord, releaseName } from '../releases/record';
import type { AlembicSettings } from '../settings';
import { countRestoreLoss } from './count-restore-loss';
import { openDatabase, snapshotsOf, type StackDatabase } from './open-database';
import type { StackContext } from './stack-context';

/** What becomes of the data when a release comes back. */
export interface DataOutlook {
  /** The service with the database. */
  readonly service: string;
  /** Revisions that the database stands at. @default it has no migrations that are known of */
  readonly revisions?: readonly string[];
  /** Revisions that the release's image ends at. */
  readonly releaseRevisions?: readonly string[];
  /** Migrations in the database that the release does not have, newest first. */
  readonly newer?: readonly Pick<Revision, 'revision' | 'about' | 'downgrades'>[];
  /** The newest snapshot that was taken at the release's revisions. @default there is none */
  readonly snapshot?: { readonly id: string; readonly takenAt: string; readonly proved: boolean };
  /** What going back to the release's revision would lose, and what is advised. @default no migration stands between */
  readonly loss?: LossOutlook;
  /** Why the migrations could not be looked at. @default they were */
  readonly unknown?: string;
}

/**
 * Says what bringing back the images of a release means for the data. Changes nothing; what cannot be found out is said,
 * not thrown.
 *
 * @param countRestore - whether the snapshot that fits is restored for a moment, to count what that would lose. @default
 *   false: only rows are counted
 */
export async function dataOutlook(
  context: StackContext,
  service: string,
  from: ReleaseRecord,
  to: ReleaseRecord,
  countRestore = false,
): Promise<DataOutlook> {
  try {
    const database = await openDatabase(context);
    const { alembic } = database.settings;
    const [now, then] = [from, to].map((release) => release.services[alembic?.service ?? '']?.imageId);
    if (alembic === undefined || now === undefined || then === undefined) return { service };
    const revisions = await readRevisions(database.server, database.versionTable);
    if (now === then) return { service, revisions };
    const like = await surroundings(database, context.name, alembic);
    const graphs = [now, then].map((image) => new AlembicImage(database.docker, like, image).graph());
    const [current, target] = await Promise.all(graphs);
    if (!current || !target) return { service, revisions };
    const releaseRevisions = target.heads;
    const known = [current, target].find((graph) => knows(graph, [...revisions, ...releaseRevisions]));
    const snapshot = await snapshotAt(context, releaseRevisions);
    const shared = { service, revisions, releaseRevisions, ...(snapshot && { snapshot }) };
    if (!known) {
      const unknown = `neither image knows both ${revisions.join(', ')} and ${releaseRevisions.join(', ')}`;
      return { ...shared, unknown, loss: await lossOf(database, undefined, snapshot, countRestore) };
    }
    const { undo } = pathBetween(known, revisions, releaseRevisions);
    const image = new AlembicImage(database.docker, like, known === current ? now : then);
    const loss = undo.length > 0 && (await lossOf(database, { image, undo }, snapshot, countRestore));
    return {
      ...shared,
      ...(loss && { loss }),
      newer: undo.map(({ revision, about, downgrades }) => ({ revision, about, downgrades })),
    };
  } catch (error) {
    if (error instanceof RewindError) return { service, unknown: error.message };
    throw error;
  }
}

/** The environment of the service that has the migrations, as it runs: env.py may need it to be read. */
async function surroundings(
  { docker }: StackDatabase,
  stack: string,
  { service }: AlembicSettings,
): Promise<ContainerSpec> {
  const { containers } = await takeInventory(docker);
  const found = containers.find(
    ({ Labels: labels }) => labels[stackLabel] === stack && labels[composeLabel('service')] === service,
  );
  const none: ContainerSpec = { name: service, image: undefined, labels: [], restart: 'no', maxRetryCount: 0 };
  if (!found) return none;
  const { Config: config } = await docker.getContainer(found.Id).inspect();
  return { ...none, envs: config.Env, user: config.User, workingDir: config.WorkingDir };
}

async function snapshotAt(context: StackContext, revisions: readonly string[]): Promise<DataOutlook['snapshot']> {
  const found = (await snapshotsOf(context).list()).findLast(
    (it) => 'manifest' in it && it.manifest.revisions.join() === revisions.join() && it.proof?.ok !== false,
  );
  if (!found || 'damage' in found) return undefined;
  return { id: found.id, takenAt: found.manifest.takenAt, proved: found.proof?.ok ?? false };
}

async function lossOf(
  { server, snapshots, versionTable }: StackDatabase,
  down: { readonly image: AlembicImage; readonly undo: readonly Revision[] } | undefined,
  snapshot: DataOutlook['snapshot'],
  countRestore: boolean,
): Promise<LossOutlook> {
  const kept = snapshot && { manifest: await snapshots.read(snapshot.id), proved: snapshot.proved };
  return lossOutlook({
    server,
    versionTable,
    ...(down && { down }),
    ...(kept && { snapshot: kept }),
    ...(countRestore && {
      countRestore: (manifest) => countRestoreLoss({ server, store: snapshots, manifest, versionTable }),
    }),
  });
}

/** An outlook in words. */
export function outlookText(outlook: DataOutlook, to: ReleaseRecord): string {
  const { service, revisions = [], releaseRevisions, newer = [], snapshot, loss, unknown } = outlook;
  const release = releaseName(to.number);
  const at = revisions.length > 0 ? ` (revision ${revisions.join(', ')})` : '';
  const stays = `The data of ${service} stays as it is, and so does its schema${at}.`;
  if (unknown !== undefined) {
    const said = `${stays} Whether ${release} can work with it is not known: ${unknown.replace(/\.$/, '')}.`;
    return [said, ...(loss ? lossOutlookLines(loss) : [])].join('\n');
  }
  if (releaseRevisions === undefined) return stays;
  if (newer.length === 0) return `${stays} ${release} has no other migrations than that.`;
  const list = newer.map(
    ({ revision, about, downgrades }) =>
      `    ${revision}${about === '' ? '' : ` ${about}`}${downgrades ? '' : ' (has no downgrade)'}`,
  );
  const back = snapshot
    ? `To bring the data of revision ${releaseRevisions.join(', ')} back as well: rewind snapshot restore ${snapshot.id} (${snapshot.takenAt.slice(0, 16).replace('T', ' ')} UTC, ${snapshot.proved ? 'proved' : 'not proved yet'}). Rows written since are then only in the database that is kept.`
    : `There is no snapshot of revision ${releaseRevisions.join(', ') || 'none'}.`;
  return [
    `${stays} ${release} comes from before these migrations and has to work with them:`,
    ...list,
    ...(loss ? lossOutlookLines(loss) : []),
    back,
  ].join('\n');
}
