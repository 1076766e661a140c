import type Docker from 'dockerode';

import { composeLabel, stackLabel } from '../container/labels';

/** A service as its containers are at one moment. */
export interface LiveService {
  readonly name: string;
  readonly containers: readonly Docker.ContainerInspectInfo[];
  /** Whether others wait for it to end: it is a job. */
  readonly isJob: boolean;
}

/**
 * Looks at the containers of a stack.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function readLiveServices(docker: Docker, stack: string): Promise<Map<string, LiveService>> {
  const listed = await docker.listContainers({ all: true, filters: { label: [`${stackLabel}=${stack}`] } });
  const infos = await Promise.all(
    listed.map(({ Id: id }) =>
      docker
        .getContainer(id)
        .inspect()
        // Removed since it was listed.
        .catch((error: unknown) => {
          if ((error as { statusCode?: number }).statusCode === 404) return undefined;
          throw error;
        }),
    ),
  );
  const there = infos.filter((info) => info !== undefined);
  const jobs = new Set(
    there.flatMap((info) =>
      dependenciesOf(info).flatMap(({ service, condition }) =>
        condition === 'service_completed_successfully' ? [service] : [],
      ),
    ),
  );
  const byName = new Map<string, Docker.ContainerInspectInfo[]>();
  for (const info of there) {
    const name = labelOf(info, 'service');
    byName.set(name, [...(byName.get(name) ?? []), info]);
  }
  return new Map(
    [...byName]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, containers]) => [
        name,
        { name, isJob: jobs.has(name), containers: containers.sort((a, b) => (a.Name < b.Name ? -1 : 1)) },
      ]),
  );
}

function labelOf({ Config: { Labels: labels } }: Docker.ContainerInspectInfo, name: string): string {
  return labels[composeLabel(name)] ?? '';
}

/** What a service starts after, and when. */
export interface LiveDependency {
  readonly service: string;
  /** e.g. `service_healthy`. */
  readonly condition: string;
}

/** What a service starts after, as its containers say. */
export function dependenciesIn({ containers: [first] }: LiveService): LiveDependency[] {
  return first ? dependenciesOf(first) : [];
}

/** What the label says: `db:service_healthy:false,cache:service_started:false`. */
function dependenciesOf(info: Docker.ContainerInspectInfo): LiveDependency[] {
  return labelOf(info, 'depends_on')
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [service = '', condition = ''] = entry.split(':');
      return { service, condition };
    });
}

/** Looks at a stack; those who ask within the same moment are told the same. */
export function lookingAt(
  docker: Docker,
  stack: string,
  momentMs = 300,
): () => Promise<ReadonlyMap<string, LiveService>> {
  let seen: { readonly at: number; readonly services: Promise<ReadonlyMap<string, LiveService>> } | undefined;
  return () => {
    if (!seen || Date.now() - seen.at > momentMs) seen = { at: Date.now(), services: readLiveServices(docker, stack) };
    return seen.services;
  };
}
