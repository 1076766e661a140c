import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import type { LiveLimits } from '../container/spec';
import { RewindError } from '../errors';

/**
 * Frees the name of a container that is about to be created. A container of the same stack under that name is what an
 * engine left behind that was killed between creating it and writing it down: it is stopped and removed.
 *
 * @throws RewindError docker/foreign-container if the name belongs to somebody else
 */
export async function clearTheName(docker: Docker, name: string, stack: string): Promise<void> {
  const container = docker.getContainer(name);
  const info = await ignoring404(container.inspect());
  if (!info) return;
  const owner = info.Config.Labels[stackLabel];
  if (owner !== stack) {
    throw new RewindError({
      code: 'docker/foreign-container',
      message: `A container named ${name} is there already, and it is not of this stack.`,
      fix: `Rename it (docker rename ${name} ${name}-old) and stop it, then run this again.`,
    });
  }
  await ignoring404(
    container.stop().catch((error: unknown) => {
      ignoring304(error);
    }),
  );
  await ignoring404(container.remove({ force: true }));
}

/** Sets limits that the Docker provider cannot express on a running container, if it does not have them yet. */
export async function applyLimits(docker: Docker, id: string, limits: LiveLimits): Promise<void> {
  if (Object.keys(limits).length === 0) return;
  const container = docker.getContainer(id);
  const current = (await container.inspect()).HostConfig as Record<string, unknown>;
  if (Object.entries(limits).every(([key, value]) => current[key] === value)) return;
  // The engine takes a new memory limit only together with the swap limit that it has to stay below.
  const swap = limits.Memory !== undefined && limits.MemorySwap === undefined ? { MemorySwap: limits.Memory * 2 } : {};
  await container.update({ ...limits, ...swap });
}

async function ignoring404<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

function ignoring304(error: unknown): void {
  if ((error as { statusCode?: number }).statusCode !== 304) throw error;
}
