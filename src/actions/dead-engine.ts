import { setTimeout as sleep } from 'node:timers/promises';

import { composeLabel, stackLabel } from '../container/labels';
import { clearTheName } from '../docker/containers';
import { connect } from '../docker/engine';
import { nameOf } from '../docker/inventory';
import type { ReleaseRecord } from '../releases/record';

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

/**
 * Removes the containers of a stack that its release does not have: an engine was killed between creating them and
 * writing them down, so that no later one knows of them.
 *
 * @throws RewindError docker/unreachable, docker/failed
 */
export async function removeStrays({ stack, project, services }: ReleaseRecord): Promise<void> {
  const { docker } = await connect();
  const ours = await docker.listContainers({ all: true, filters: { label: [`${stackLabel}=${stack}`] } });
  const strays = ours.filter(({ Labels: labels }) => {
    const service = services[labels[composeLabel('service')] ?? ''];
    const number = Number(labels[composeLabel('container-number')]);
    return labels[composeLabel('project')] !== project || !service || number > service.containers;
  });
  await Promise.all(strays.map((container) => clearTheName(docker, nameOf(container), stack)));
}
