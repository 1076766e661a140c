import type Docker from 'dockerode';

import type { RevisionGraph } from '../alembic/graph';
import { GraphCache } from '../alembic/graph-cache';
import { composeLabel, stackLabel } from '../container/labels';
import type { ContainerSpec } from '../container/spec';
import { connect } from '../docker/engine';
import { readRevisions, type VersionTable } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import { ReleaseStore } from '../releases/release-store';
import { revealed } from '../sensitive';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { DataExchange, type DataRun } from './data-run';
import { versionTableOf } from './open-database';
import { openServer } from './open-server';

/** What the commands of an update work on. */
export interface OpenRun {
  readonly run: DataRun;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  readonly docker: Docker;
  readonly server: PostgresServer;
  readonly releases: ReleaseStore;
  readonly snapshots: SnapshotStore;
  readonly exchange: DataExchange;
  readonly versionTable: VersionTable;
  /** Everything that an image knows of migrations. */
  readonly graphOf: (image: string) => Promise<RevisionGraph>;
  /** The surroundings in which an image is to run its migrations. */
  readonly surroundingsOf: (image: string) => Promise<ContainerSpec>;
  /** Revisions that a database stands at. @default the application's */
  readonly revisions: (database?: string) => Promise<string[]>;
}

/**
 * Opens what an update has written down for its commands.
 *
 * @param root - absolute path of the store's folder
 * @param stack - `project/stack` of Pulumi
 * @param key - `rewind:key`
 * @param toServer - connects to the server. @default as any other does
 * @throws RewindError store/unusable, docker/…, database/…
 */
export async function openRun(
  root: string,
  stack: string,
  key: string,
  toServer?: () => Promise<PostgresServer>,
): Promise<OpenRun> {
  const releases = new ReleaseStore(root, stack);
  const exchange = new DataExchange(releases);
  const [run, { docker }] = await Promise.all([exchange.run(key), connect()]);
  const containers = await docker.listContainers({ all: true });
  const server = await (toServer?.() ?? openServer(docker, containers, stack, run.database));
  const cache = new GraphCache(root);
  const versionTable = versionTableOf(run.database);
  return {
    run,
    stack,
    docker,
    server,
    releases,
    snapshots: new SnapshotStore(releases.folder),
    exchange,
    versionTable,
    graphOf: (image) => cache.graph(docker, run.alembic!, image),
    surroundingsOf: (image) => surroundings(docker, containers, stack, run, image),
    revisions: (database = server.database) =>
      readRevisions({ query: <T>(sql: string) => server.query<T>(sql, database) }, versionTable),
  };
}

/** What runs has the environment that its image expects; for any other image the planned one has to do. */
async function surroundings(
  docker: Docker,
  containers: readonly Docker.ContainerInfo[],
  stack: string,
  { alembic, database }: DataRun,
  image: string,
): Promise<ContainerSpec> {
  const planned = withLockTimeout(alembic!);
  if (image === planned.image) return planned;
  const running = containers.find(
    ({ Labels: labels, ImageID: id }) =>
      labels[stackLabel] === stack && labels[composeLabel('service')] === database.alembic?.service && id === image,
  );
  if (!running) return planned;
  const { Config: config } = await docker.getContainer(running.Id).inspect();
  return withLockTimeout({ ...planned, envs: config.Env, user: config.User, workingDir: config.WorkingDir });
}

/** A migration does not wait for ever for somebody else's lock: the application is stopped meanwhile. */
function withLockTimeout(spec: ContainerSpec): ContainerSpec {
  const envs = spec.envs ?? [];
  if (envs.some((env) => revealed(env).startsWith('PGOPTIONS='))) return spec;
  return { ...spec, envs: [...envs, 'PGOPTIONS=-c lock_timeout=10s'] };
}
