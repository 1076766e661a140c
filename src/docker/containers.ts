import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import type { LiveLimits } from '../container/spec';
import { RewindError } from '../errors';
import { ignoring, refusal } from './refusal';

/**
 * Frees the name of a container that is about to be created. A container of the same stack under that name is what an
 * engine left behind that was killed between creating it and writing it down: it is stopped and removed.
 *
 * @throws RewindError docker/foreign-container if the name belongs to somebody else, docker/failed
 */
export async function clearTheName(docker: Docker, name: string, stack: string): Promise<void> {
  const container = docker.getContainer(name);
  const info = await ignoring(404, container.inspect());
  if (!info) return;
  const owner = info.Config.Labels[stackLabel];
  if (owner !== stack) {
    throw new RewindError({
      code: 'docker/foreign-container',
      message: `A container named ${name} is there already, and it is not of this stack.`,
      fix: `Rename it (docker rename ${name} ${name}-old) and stop it, then run this again.`,
    });
  }
  try {
    await ignoring(304, ignoring(404, container.stop()));
    await ignoring(404, container.remove({ force: true }));
  } catch (error) {
    throw refusal(
      `The engine cannot remove the container ${name}, which an interrupted update left behind`,
      `Remove it by hand (docker rm --force ${name}), then run this again.`,
      error,
    );
  }
}

/**
 * Starts a service's container; one that runs already, goes on.
 *
 * @throws RewindError docker/failed
 */
export async function startContainer(docker: Docker, id: string, service: string): Promise<void> {
  await ignoring(304, docker.getContainer(id).start()).catch((error: unknown) => {
    throw refusal(`The engine does not start ${service}`, 'Look at it: docker ps -a, docker logs.', error);
  });
}

/**
 * Sets limits that the Docker provider cannot express on a running container, if it does not have them yet.
 *
 * @throws RewindError docker/failed
 */
export async function applyLimits(docker: Docker, id: string, limits: LiveLimits): Promise<void> {
  if (Object.keys(limits).length === 0) return;
  const container = docker.getContainer(id);
  const info = await container.inspect();
  const current = info.HostConfig as Record<string, unknown>;
  if (Object.entries(limits).every(([key, value]) => current[key] === value)) return;
  // The engine takes a new memory limit only together with the swap limit that it has to stay below.
  const swap = limits.Memory !== undefined && limits.MemorySwap === undefined ? { MemorySwap: limits.Memory * 2 } : {};
  await container.update({ ...limits, ...swap }).catch((error: unknown) => {
    throw refusal(
      `The engine does not set ${JSON.stringify(limits)} on the container ${info.Name.slice(1)}`,
      'Correct the limits of the service in the compose file.',
      error,
    );
  });
}
