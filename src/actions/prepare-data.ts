import type Docker from 'dockerode';

import { isOneWay, describeRevisions, knows, pathBetween, type Revision, type RevisionGraph } from '../alembic/graph';
import { GraphCache } from '../alembic/graph-cache';
import type { ComposeModel } from '../compose/model';
import { composeLabel, stackLabel } from '../container/labels';
import type { ContainerSpec, ServicePlan } from '../container/spec';
import { RewindError, type Problem } from '../errors';
import { readRevisions, revisionNames } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import type { ReleaseStore } from '../releases/release-store';
import type { DatabaseSettings, RestoreSettings } from '../settings';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { chooseMover } from './choose-mover';
import { versionTableOf } from './open-database';
import { RestoreLedger } from './restore-ledger';

/** What is needed to prepare what becomes of a stack's data. */
export interface PrepareDataOptions {
  readonly settings: DatabaseSettings;
  readonly model: ComposeModel;
  readonly services: readonly ServicePlan[];
  readonly docker: Docker;
  /** Containers and images of the engine. */
  readonly inventory: {
    readonly containers: readonly Docker.ContainerInfo[];
    readonly images: ReadonlyMap<string, string>;
  };
  /** Connects to the server with the database, once. */
  readonly server: () => Promise<PostgresServer>;
  /** Absolute path of the store's folder. */
  readonly root: string;
  readonly releases: ReleaseStore;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
}

/** What is to become of a stack's data: plain values, the same for as long as nothing else is asked for. */
export interface PreparedData {
  readonly settings: DatabaseSettings;
  /** Services that start after the database, directly or not. */
  readonly users: readonly string[];
  /** Where the schema is to stand. @default there are no migrations that are known of */
  readonly target?: DataTarget | 'unknown';
  readonly restore?: RestoreSettings;
  /** The service with the migrations, as planned, in the image that it is to run. */
  readonly alembic?: ContainerSpec;
  /** IDs of the images that may know the way, in the order in which they are to be asked. */
  readonly images: readonly string[];
}

/** Where a schema is to stand. */
export interface DataTarget {
  readonly revisions: readonly string[];
  /** Every migration that the database has then, oldest first, as `0003 add wind zones`. */
  readonly migrations: readonly string[];
}

/**
 * Finds out where the schema is to stand, and whether there is a way. Costs nothing to speak of once an image has been
 * asked what it knows, as long as the images stay as they are.
 *
 * @returns undefined if nothing is to become of the data by itself
 */
export async function prepareData(
  options: PrepareDataOptions,
): Promise<{ readonly data?: PreparedData; readonly problems: readonly Problem[] }> {
  const { settings, model, services } = options;
  const { alembic, restore } = settings;
  if (!alembic && !restore) return { problems: [] };
  const problems = unknownServices(settings, model);
  const spec = alembic && services.find(({ service }) => service === alembic.service)?.containers[0];
  if (problems.length > 0) return { problems };
  const shared = { settings, users: usersOf(model, settings), ...(restore && { restore }) };
  if (!spec) return { data: { ...shared, images: [] }, problems: await restoreProblems(options) };
  if (spec.image === undefined) return { data: { ...shared, target: 'unknown', alembic: spec, images: [] }, problems };

  const cache = new GraphCache(options.root);
  const graphOf = (image: string): Promise<RevisionGraph> => cache.graph(options.docker, spec, image);
  try {
    const graph = await graphOf(spec.image);
    const revisions = settings.revision ?? graph.heads;
    const { now, images } = await candidates(options, spec.image);
    // A schema that stays may be one that the image knows nothing of: it reads the same as before, then, and is not moved.
    const known = knows(graph, revisions) ? graph : (await chooseMover(images, revisions, graphOf))?.graph;
    const target = { revisions, migrations: describeRevisions(known ?? graph, revisions) };
    const data = {
      ...shared,
      // What env.py says counts where the settings say nothing.
      settings: { ...settings, alembic: { ...graph.versionTable, ...alembic } },
      target,
      alembic: spec,
      images,
    };
    const isDone = !restore || (await new RestoreLedger(options.releases).has(restore));
    const isSame = now === spec.image && settings.revision === undefined && isDone;
    const found = isSame ? [] : await wayProblems(options, data, target, graphOf);
    return { data, problems: [...(await restoreProblems(options)), ...found] };
  } catch (error) {
    if (error instanceof RewindError) return { problems: error.problems };
    throw error;
  }
}

function unknownServices({ service, alembic }: DatabaseSettings, { services }: ComposeModel): Problem[] {
  const named: [string, string | undefined][] = [
    ['service', service],
    ['alembic.service', alembic?.service],
  ];
  return named.flatMap(([key, name]): Problem[] => {
    if (name === undefined || Object.hasOwn(services, name)) return [];
    return [
      {
        code: 'config/unknown-service',
        message: `rewind:database.${key} names the service ${name}, which the compose project does not have.`,
        fix: `There are: ${Object.keys(services).sort().join(', ')}.`,
      },
    ];
  });
}

/** Services that start after the database, directly or not; and the one with the migrations, with those after it. */
function usersOf(model: ComposeModel, { service, alembic }: DatabaseSettings): string[] {
  const users = startedAfter(model, service);
  const own = alembic?.service ?? service;
  const isBefore = own === service || startedAfter(model, own).has(service);
  return [...new Set([...users, ...(isBefore ? [] : [own, ...startedAfter(model, own)])])].sort();
}

function startedAfter({ services }: ComposeModel, used: string): Set<string> {
  const after = new Set<string>();
  for (let before = -1; before < after.size;) {
    before = after.size;
    for (const [name, { depends_on: dependencies = {} }] of Object.entries(services)) {
      if (Object.keys(dependencies).some((it) => it === used || after.has(it))) after.add(name);
    }
  }
  return after;
}

/** Images that may know where the database stands: the one to come, the one that runs, those of kept releases. */
async function candidates(
  { inventory, releases, stack, settings }: PrepareDataOptions,
  target: string,
): Promise<{ now: string | undefined; images: string[] }> {
  const name = settings.alembic!.service;
  const now = inventory.containers.find(
    ({ Labels: labels }) => labels[stackLabel] === stack && labels[composeLabel('service')] === name,
  )?.ImageID;
  const kept = (await releases.list()).reverse().flatMap((it) => {
    const image = 'record' in it ? it.record.services[name]?.imageId : undefined;
    return image !== undefined && inventory.images.has(image) ? [image] : [];
  });
  return { now, images: [...new Set([target, ...(now === undefined ? [] : [now]), ...kept])] };
}

/** What is wrong with the snapshot that is to be restored. */
async function restoreProblems({ settings: { restore }, releases }: PrepareDataOptions): Promise<Problem[]> {
  if (!restore || !('snapshot' in restore.source) || (await new RestoreLedger(releases).has(restore))) return [];
  const store = new SnapshotStore(releases.folder);
  const { snapshot: id } = restore.source;
  try {
    await store.read(id);
    const proof = await store.proof(id);
    if (proof?.ok !== false) return [];
    return [
      {
        code: 'snapshot/not-restorable',
        message: `The snapshot ${id} (rewind:database.restore) is not restorable: ${proof.findings.join(' ')}`,
        fix: 'Choose another one: rewind snapshot list.',
      },
    ];
  } catch (error) {
    if (error instanceof RewindError) return [...error.problems];
    throw error;
  }
}

/** Why the database cannot get to where it is to stand. Where it does not answer, the update will tell. */
async function wayProblems(
  options: PrepareDataOptions,
  data: PreparedData,
  { revisions: to }: DataTarget,
  graphOf: (image: string) => Promise<RevisionGraph>,
): Promise<Problem[]> {
  const from = await whereItStands(options, data);
  if (from === undefined || from.join() === to.join()) return [];
  const mover = await chooseMover(data.images, [...from, ...to], graphOf);
  const snapshots = new SnapshotStore(options.releases.folder);
  if (!mover) return [unknownRevision(from, to, await snapshots.newestAt(to))];
  const stuck = pathBetween(mover.graph, from, to).undo.filter(isOneWay);
  return stuck.length > 0 ? [noDowngrade(stuck, from, to, await snapshots.newestAt(to))] : [];
}

async function whereItStands(
  { server, releases }: PrepareDataOptions,
  { settings, restore }: PreparedData,
): Promise<readonly string[] | undefined> {
  try {
    const isPending = restore && !(await new RestoreLedger(releases).has(restore));
    if (isPending) {
      if ('database' in restore.source) return undefined;
      return (await new SnapshotStore(releases.folder).read(restore.source.snapshot)).revisions;
    }
    return await readRevisions(await server(), versionTableOf(settings));
  } catch (error) {
    if (error instanceof RewindError) return undefined;
    throw error;
  }
}

/** A migration that cannot be undone stands in the way. */
export function noDowngrade(
  stuck: readonly Pick<Revision, 'revision' | 'about'>[],
  from: readonly string[],
  to: readonly string[],
  snapshot: string | undefined,
): Problem {
  const steps = stuck.map(({ revision, about }) => `${revision} ${about}`.trim()).join(', ');
  return {
    code: 'migration/no-downgrade',
    message: `The database stands at ${revisionNames(from)} and is to go back to ${revisionNames(to)}, but there is no downgrade for: ${steps}.`,
    fix: waysOut(from, to, snapshot),
  };
}

/** No image knows the way. */
export function unknownRevision(from: readonly string[], to: readonly string[], snapshot: string | undefined): Problem {
  return {
    code: 'migration/unknown-revision',
    message: `The database stands at ${revisionNames(from)} and is to go to ${revisionNames(to)}, but no image on this engine knows both.`,
    fix: waysOut(from, to, snapshot),
  };
}

function waysOut(from: readonly string[], to: readonly string[], snapshot: string | undefined): string {
  const keep = `Leave the schema as it is: --database=keep with rewind revert or deploy, or rewind:database.revision: ${from.length === 1 ? from[0]! : `[${from.join(', ')}]`}.`;
  if (snapshot === undefined) return `${keep} There is no snapshot of revision ${revisionNames(to)}.`;
  return `${keep} Or bring the data of then back: --database=restore with rewind revert (${snapshot}), or rewind snapshot restore ${snapshot}.`;
}
