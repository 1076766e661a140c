import { isOneWay, type Revision, knows, pathBetween } from '../alembic/graph';
import type { DowngradeSql } from '../alembic/image';
import { GraphCache } from '../alembic/graph-cache';
import { composeLabel, stackLabel } from '../container/labels';
import type { ContainerSpec } from '../container/spec';
import { type Problem, RewindError } from '../errors';
import { loadParser } from '../loss/parse-sql';
import { type LossOptions, lossOutlook, lossOutlookLines, type LossOutlook, type Way } from '../loss/outlook';
import { readRevisions, revisionNames } from '../postgres/revisions';
import { type ReleaseRecord, releaseName } from '../releases/record';
import type { AlembicSettings } from '../settings';
import { newestAt } from '../snapshots/snapshot-store';
import type { DataChoice } from './choose-data';
import { countRestoreLoss } from './count-restore-loss';
import { openDatabase, type StackDatabase } from './open-database';
import { noDowngrade, unknownRevision } from './prepare-data';
import { readyOf } from './ready-database';
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
  /** Migrations that the release has and the database does not, oldest first. */
  readonly older?: DataOutlook['newer'];
  /** The newest snapshot that was taken at the release's revisions. @default there is none */
  readonly snapshot?: {
    readonly id: string;
    readonly takenAt: string;
    readonly proved: boolean;
    /** Whether what its proof has restored is on the server, so that it need not be restored once more. */
    readonly ready: boolean;
  };
  /** What going back to the release's revision would lose, and what is advised. @default no migration stands between */
  readonly loss?: LossOutlook;
  /** Why the migrations could not be looked at. @default they were */
  readonly unknown?: string;
  /** Whether that is because no image knows both where the database stands and where it is to stand. @default false */
  readonly isWayUnknown?: boolean;
}

/** How closely it is looked at what would be lost. */
export interface LossDetail {
  /** The only way that is looked at. @default every way */
  readonly only?: Way;
  /** Whether the snapshot that fits is restored for a moment, to count what that would lose. @default false: only rows are counted */
  readonly countRestore?: boolean;
}

/**
 * Says what bringing back the images of a release means for the data. Changes nothing; what cannot be found out is said,
 * not thrown.
 *
 * @param how - how closely the loss is looked at
 */
export async function dataOutlook(
  context: StackContext,
  service: string,
  from: ReleaseRecord,
  to: ReleaseRecord,
  how: LossDetail = {},
): Promise<DataOutlook> {
  // Mostly migrations are to be undone then, whose statements are parsed.
  const mayGoDown = how.only !== 'restore' && from.database?.revisions.join() !== to.database?.revisions.join();
  if (mayGoDown) loadParser();
  try {
    const database = await openDatabase(context);
    const { alembic } = database.settings;
    const [now, then] = [from, to].map((release) => release.services[alembic?.service ?? '']?.imageId);
    if (alembic === undefined || now === undefined || then === undefined) return { service };
    const revisions = await readRevisions(database.server, database.versionTable);
    if (now === then) {
      const fitting = await snapshotAt(database, revisions);
      return { service, revisions, ...(fitting && { snapshot: fitting }) };
    }
    const like = await surroundings(database, context.name, alembic);
    const cache = new GraphCache(context.releases.root);
    const graphs = [now, then].map((image) => cache.graph(database.docker, like, image));
    const [current, target] = await Promise.all(graphs);
    if (!current || !target) return { service, revisions };
    const releaseRevisions = to.database?.revisions ?? target.heads;
    const known = [current, target].find((graph) => knows(graph, [...revisions, ...releaseRevisions]));
    const snapshot = await snapshotAt(database, releaseRevisions);
    const shared = { service, revisions, releaseRevisions, ...(snapshot && { snapshot }) };
    if (!known) {
      const unknown = `neither image knows both ${revisions.join(', ')} and ${releaseRevisions.join(', ')}`;
      return {
        ...shared,
        unknown,
        isWayUnknown: true,
        loss: await lossOf(database, undefined, snapshot, how),
      };
    }
    const { undo, apply } = pathBetween(known, revisions, releaseRevisions);
    const steps = (path: readonly Revision[]): DataOutlook['newer'] =>
      path.map((step) => ({ revision: step.revision, about: step.about, downgrades: !isOneWay(step) }));
    const image = known === current ? now : then;
    const names = undo.map(({ revision }) => revision);
    const scripts = (): Promise<readonly DowngradeSql[]> => cache.downgradeSql(database.docker, like, image, names);
    const loss = undo.length > 0 && (await lossOf(database, { undo, scripts }, snapshot, how));
    return { ...shared, ...(loss && { loss }), newer: steps(undo), older: steps(apply) };
  } catch (error) {
    if (error instanceof RewindError) return { service, unknown: error.message };
    throw error;
  }
}

/**
 * Revisions that the migrations of a release end at.
 *
 * @throws RewindError migration/no-alembic, docker/…, database/…
 */
export async function releaseRevisions(context: StackContext, to: ReleaseRecord): Promise<readonly string[]> {
  const database = await openDatabase(context);
  const { alembic } = database.settings;
  const image = to.services[alembic?.service ?? '']?.imageId;
  if (!alembic || image === undefined) return [];
  const like = await surroundings(database, context.name, alembic);
  return (await new GraphCache(context.releases.root).graph(database.docker, like, image)).heads;
}

/** The environment of the service that has the migrations, as it runs: env.py may need it to be read. */
export async function surroundings(
  { docker, containers }: StackDatabase,
  stack: string,
  { service }: AlembicSettings,
): Promise<ContainerSpec> {
  const found = containers.find(
    ({ Labels: labels }) => labels[stackLabel] === stack && labels[composeLabel('service')] === service,
  );
  const labels = [{ label: stackLabel, value: stack }];
  const none: ContainerSpec = { name: service, image: undefined, labels, restart: 'no', maxRetryCount: 0 };
  if (!found) return none;
  const { Config: config } = await docker.getContainer(found.Id).inspect();
  return { ...none, envs: config.Env, user: config.User, workingDir: config.WorkingDir };
}

async function snapshotAt(
  { server, snapshots: store }: StackDatabase,
  revisions: readonly string[],
): Promise<DataOutlook['snapshot']> {
  const found = newestAt(await store.list(), revisions);
  if (!found) return undefined;
  const { id, manifest, proof } = found;
  const ready = (await readyOf({ server, store, manifest })) !== undefined;
  return { id, takenAt: manifest.takenAt, proved: proof?.ok ?? false, ready };
}

/** Why the data cannot become what a choice wants; undefined if it can. */
export function outlookObstacle(outlook: DataOutlook, choice: DataChoice | undefined): Problem | undefined {
  const { revisions = [], releaseRevisions: to, newer = [], snapshot, isWayUnknown = false } = outlook;
  if (to === undefined || choice === 'keep' || choice === 'restore') return undefined;
  if (isWayUnknown) return unknownRevision(revisions, to, snapshot?.id);
  const stuck = newer.filter(({ downgrades }) => !downgrades);
  return stuck.length === 0 ? undefined : noDowngrade(stuck, revisions, to, snapshot?.id);
}

async function lossOf(
  { server, snapshots, versionTable }: StackDatabase,
  down: LossOptions['down'],
  snapshot: DataOutlook['snapshot'],
  { only, countRestore = false }: LossDetail,
): Promise<LossOutlook> {
  const kept = snapshot && { manifest: await snapshots.read(snapshot.id), proved: snapshot.proved };
  return lossOutlook({
    server,
    versionTable,
    ...(down && { down }),
    ...(kept && { snapshot: kept }),
    ...(only && { only }),
    ...(countRestore && {
      countRestore: (manifest) => countRestoreLoss({ server, store: snapshots, manifest, versionTable }),
    }),
  });
}

/** An outlook in words. */
export function outlookText(outlook: DataOutlook, to: ReleaseRecord, choice: DataChoice | undefined): string {
  const {
    service,
    revisions = [],
    releaseRevisions: target,
    newer = [],
    older = [],
    snapshot,
    loss,
    unknown,
  } = outlook;
  const losses = loss ? lossOutlookLines(loss) : [];
  const release = releaseName(to.number);
  const at = revisions.length > 0 ? ` (revision ${revisions.join(', ')})` : '';
  const stays = `The data of ${service} stays as it is, and so does its schema${at}.`;
  if (unknown !== undefined) {
    const said = `${stays} Whether ${release} can work with it is not known: ${unknown.replace(/\.$/, '')}.`;
    return [said, ...losses].join('\n');
  }
  if (target === undefined) return stays;
  if (choice === 'restore') return [restoreText(outlook, target), ...losses].join('\n');
  if (newer.length + older.length === 0) return `${stays} ${release} has no other migrations than that.`;
  const back = snapshot
    ? `To bring the data of revision ${target.join(', ')} back instead: --database=restore, from ${snapshotText(snapshot)}. Rows written since are then only in the database that is kept.`
    : `There is no snapshot of revision ${revisionNames(target)}.`;
  if (choice === 'keep') {
    return [
      `${stays} ${release} comes from before these migrations and has to work with them:`,
      ...newer.map(stepText),
      ...losses,
      back,
    ].join('\n');
  }
  return [
    `The schema of ${service} goes from ${revisionNames(revisions)} to ${revisionNames(target)}, in a moment in which what uses it is stopped; a snapshot is taken first.`,
    ...(newer.length > 0 ? ['These migrations are undone:', ...newer.map(stepText), ...losses] : []),
    ...(older.length > 0 ? ['These migrations are applied:', ...older.map(stepText)] : []),
    ...(newer.length > 0 ? ['To leave the schema as it is instead: --database=keep.', back] : []),
  ].join('\n');
}

function restoreText({ service, snapshot }: DataOutlook, target: readonly string[]): string {
  if (!snapshot) return `There is no snapshot of revision ${revisionNames(target)} to restore.`;
  return `The data of ${service} is brought back from ${snapshotText(snapshot)}, of revision ${revisionNames(target)}. Rows written since are then only in the database that is kept (rewind snapshot undo).`;
}

function snapshotText({ id, takenAt, proved, ready }: NonNullable<DataOutlook['snapshot']>): string {
  const state = ready ? 'proved, ready' : proved ? 'proved' : 'not proved yet';
  return `${id} (${takenAt.slice(0, 16).replace('T', ' ')} UTC, ${state})`;
}

function stepText({ revision, about, downgrades }: NonNullable<DataOutlook['newer']>[number]): string {
  return `    ${revision}${about === '' ? '' : ` ${about}`}${downgrades ? '' : ' (has no downgrade)'}`;
}
