import type Docker from 'dockerode';

import { refusal } from './refusal';

/** What an engine has that a stack's plan has to be held against; read in a handful of requests. */
export interface Inventory {
  readonly containers: readonly Docker.ContainerInfo[];
  readonly networks: readonly Docker.NetworkInspectInfo[];
  readonly volumes: readonly Docker.VolumeInspectInfo[];
  /** Image ID by every name (`repository:tag`, `repository@digest`, ID) under which the engine has it. */
  readonly images: ReadonlyMap<string, string>;
}

/**
 * Reads an engine's containers, networks, volumes and images.
 *
 * @throws RewindError docker/failed
 */
export async function takeInventory(docker: Docker): Promise<Inventory> {
  const [containers, networks, volumes, images] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
    docker.listImages(),
  ]).catch(doesNotList);
  const byName = new Map<string, string>();
  for (const image of images) {
    byName.set(image.Id, image.Id);
    for (const name of [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])]) byName.set(name, image.Id);
  }
  return { containers, networks, volumes: volumes.Volumes, images: byName };
}

/**
 * The containers alone, running or not: to list images takes a hundred times as long.
 *
 * @throws RewindError docker/failed
 */
export async function listContainers(docker: Docker): Promise<Docker.ContainerInfo[]> {
  return docker.listContainers({ all: true }).catch(doesNotList);
}

function doesNotList(error: unknown): never {
  throw refusal(
    'The engine does not list what it has',
    'Mend the engine (docker info, its log), then run this again.',
    error,
  );
}

/** A container's name without the slash that the API puts before it; `/web/api` is only web's link to it. */
export function nameOf(container: Docker.ContainerInfo): string {
  const names = container.Names.map((name) => name.slice(1));
  return names.find((name) => !name.includes('/')) ?? container.Id.slice(0, 12);
}
