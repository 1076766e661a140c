import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '../docker/engine';
import { nameOf } from '../docker/inventory';

const pollMs = 100;

/**
 * Waits until containers are gone that an engine had begun to remove when it was killed: its plugin still does what it
 * was about, so that what runs now will not run in a moment.
 *
 * @param names - of those containers
 * @param limitMs - a plugin that was killed too removes nothing any more. @default 15 s, more than a stop takes mostly
 * @throws RewindError docker/unreachable
 */
export async function whenStopped(names: readonly string[], limitMs = 15_000): Promise<void> {
  const { docker } = await connect();
  for (const end = Date.now() + limitMs; Date.now() < end;) {
    const there = await docker.listContainers({ all: true });
    if (!there.some((container) => names.includes(nameOf(container)))) return;
    await sleep(pollMs);
  }
}
