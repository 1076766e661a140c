import type Docker from 'dockerode';

import { connect } from '../docker/engine';
import { listContainers } from '../docker/inventory';
import { RewindError } from '../errors';
import type { PostgresServer } from '../postgres/server';
import { defaultVersionTable, type VersionTable } from '../postgres/revisions';
import { StackConfig } from '../releases/stack-config';
import { type DatabaseSettings, readSettings } from '../settings';
import { SnapshotStore } from '../snapshots/snapshot-store';
import { openServer } from './open-server';
import type { StackContext } from './stack-context';

/** The database of a stack, and where its snapshots are. */
export interface StackDatabase {
  readonly docker: Docker;
  /** Those of the engine, as they were found. */
  readonly containers: readonly Docker.ContainerInfo[];
  readonly settings: DatabaseSettings;
  readonly server: PostgresServer;
  readonly snapshots: SnapshotStore;
  readonly versionTable: VersionTable;
}

/** The snapshots of a stack. */
export function snapshotsOf({ releases }: StackContext): SnapshotStore {
  return new SnapshotStore(releases.folder);
}

/**
 * Connects to the database of a stack, which has to run.
 *
 * @throws RewindError config/invalid, database/…, docker/…
 */
export async function openDatabase(context: StackContext): Promise<StackDatabase> {
  const settings = await databaseSettings(context);
  const { docker } = await connect();
  const containers = await listContainers(docker);
  const [server, newest] = await Promise.all([
    openServer(docker, containers, context.name, settings),
    context.releases.newest(),
  ]);
  // What env.py says is known since the migrations of the running image were looked at.
  const versionTable = { ...newest?.database?.versionTable, ...versionTableOf(settings) };
  return { docker, containers, settings, server, snapshots: snapshotsOf(context), versionTable };
}

/** Where alembic keeps the revision, as far as the settings say, and but for what it does by itself. */
export function versionTableOf({ alembic: { schema, table } = { service: '' } }: DatabaseSettings): VersionTable {
  return {
    ...(schema !== undefined && { schema }),
    ...(table !== undefined && table !== defaultVersionTable && { table }),
  };
}

async function databaseSettings({ configFile, name }: StackContext): Promise<DatabaseSettings> {
  const { config } = await StackConfig.read(configFile);
  const { settings, problems } = readSettings({ database: config['rewind:database'] });
  RewindError.throwIfAny(problems);
  if (settings.database) return settings.database;
  throw new RewindError({
    code: 'config/invalid',
    message: `The stack ${name} has no rewind:database: which service is the database is not known.`,
    fix: 'Name it: pulumi config set --path rewind:database.service <service>.',
  });
}
