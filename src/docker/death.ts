import type Docker from 'dockerode';

import { openEvents } from './event-stream';

/**
 * Listens for the end of a container's processes. The engine tells of that before it takes the container out of its
 * networks, for which those who ask it to stop the container, or wait for that, have to wait as well.
 *
 * @param signal - ends the listening
 * @returns what resolves at their end, once the engine listens; or never, where it does not tell
 */
export async function deathOf(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<void> }> {
  const stream = await openEvents(docker, { type: ['container'], event: ['die'], container: [id] }, signal);
  stream.on('error', () => undefined);
  return {
    ended: new Promise((resolve) => {
      stream.once('data', () => {
        resolve();
      });
    }),
  };
}
