import type Docker from 'dockerode';

import { composeLabel, stackLabel } from '../container/labels';
import { RewindError } from '../errors';
import { PostgresServer } from '../postgres/server';
import type { DatabaseSettings } from '../settings';

/**
 * Connects to the database server of a stack, which has to run.
 *
 * @param containers - of the engine
 * @param stack - `project/stack` of Pulumi
 * @throws RewindError database/…, docker/…
 */
export async function openServer(
  docker: Docker,
  containers: readonly Docker.ContainerInfo[],
  stack: string,
  settings: Pick<DatabaseSettings, 'service' | 'name' | 'user'>,
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
