import { composeLabel, stackLabel } from '../container/labels';
import { clearTheName } from '../docker/containers';
import { connect } from '../docker/engine';
import { nameOf } from '../docker/inventory';
import type { ReleaseRecord } from '../releases/record';

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
