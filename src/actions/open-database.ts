import type Docker from 'dockerode';

import { composeLabel, stackLabel } from '../container/labels';
import { connect } from '../docker/engine';
import { takeInventory } from '../docker/inventory';
import { RewindError } from '../errors';
import { PostgresServer } from '../postgres/server';
import type { VersionTable } from '../postgres/revisions';
import { StackConfig } from '../releases/stack-config';
import { type DatabaseSettings, readSettings } from '../settings';
import { SnapshotStore } from '../snapshots/snapshot-store';
import type { StackContext } from './stack-context';

/** The database of a stack, and where its snapshots are. */
export interface StackDatabase {
  readonly docker: Docker;
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
  const { containers } = await takeInventory(docker);
  const server = await openServer(docker, containers, context.name, settings);
  return { docker, settings, server, snapshots: snapshotsOf(context), versionTable: versionTableOf(settings) };
}

/** Where alembic keeps the revision, as far as the settings say. */
export function versionTableOf({ alembic: { schema, table } = { service: '' } }: DatabaseSettings): VersionTable {
  return { ...(schema !== undefined && { schema }), ...(table !== undefined && { table }) };
}

/**
 * Connects to the server of a stack's database, which has to run.
 *
 * @param containers - of the engine
 * @param stack - `project/stack` of Pulumi
 * @throws RewindError database/…
 */
export async function openServer(
  docker: Docker,
  containers: readonly Docker.ContainerInfo[],
  stack: string,
  settings: DatabaseSettings,
): Promise<PostgresServer> {
  const ours = containers.filter(({ Labels: labels }) => labels[stackLabel] === stack);
  const found = ours.filter(({ Labels: labels }) => labels[composeLabel('service')] === settings.service);
  const [container] = found.filter(({ State: state }) => state === 'running');
  if (!container) {
    const services = [...new Set(ours.map(({ Labels: labels }) => labels[composeLabel('service')]))].sort();
    throw new RewindError({
      code: 'database/unreachable',
      message:
        found.length > 0
          ? `The service ${settings.service} of ${stack} does not run.`
          : `The stack ${stack} has no service ${settings.service} on this engine (rewind:database.service).`,
      fix:
        found.length > 0
          ? `Start it: rewind restart ${settings.service}, or bring the stack up: rewind deploy.`
          : services.length > 0
            ? `There are: ${services.join(', ')}.`
            : 'Bring the stack up: rewind deploy.',
    });
  }
  return PostgresServer.open(docker, {
    container: container.Id,
    service: settings.service,
    ...(settings.name !== undefined && { database: settings.name }),
    ...(settings.user !== undefined && { user: settings.user }),
  });
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
