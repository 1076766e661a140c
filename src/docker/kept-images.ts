import type Docker from 'dockerode';

import { refusal } from './refusal';

/** Host part of the names that keep images: none that a registry could have, so nobody pulls or pushes them. */
const host = 'rewind.invalid';

/** The name under which an image is kept for a stack, so that `docker image prune` does not take it. */
export function keptName(stack: string, id: string): string {
  return `${keptRepository(stack)}:${keptTag(id)}`;
}

function keptTag(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 32);
}

/** One repository per stack. Grammar of names: https://github.com/distribution/reference */
function keptRepository(stack: string): string {
  const parts = stack.split('/').map((part) => {
    const plain = part.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    return plain.replaceAll(/^-|-$/g, '') || 'stack';
  });
  return [host, ...parts].join('/');
}

/** What an image tells of itself. */
export interface ImageOrigin {
  /** When it was built, ISO 8601. */
  readonly builtAt?: string;
  /** `name@sha256:…` under which a registry has it. */
  readonly digest?: string;
  /** Commit that it was built from. */
  readonly revision?: string;
}

// https://github.com/opencontainers/image-spec/blob/main/annotations.md
const revisionLabel = 'org.opencontainers.image.revision';

/**
 * Keeps images for a stack, and tells of each where it comes from.
 *
 * @throws RewindError docker/failed
 */
export async function keepImages(
  docker: Docker,
  stack: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, ImageOrigin>> {
  const origins = [...ids].map(async (id): Promise<[string, ImageOrigin]> => {
    const image = docker.getImage(id);
    const info = await image.inspect();
    const isKept = (info.RepoTags as string[] | null)?.includes(keptName(stack, id));
    if (isKept !== true) await image.tag({ repo: keptRepository(stack), tag: keptTag(id) });
    const revision = (info.Config.Labels as Record<string, string> | null)?.[revisionLabel];
    const digest = (info.RepoDigests as string[] | null)?.[0];
    const builtAt = new Date(info.Created);
    return [
      id,
      {
        ...(builtAt.getTime() > 0 && { builtAt: builtAt.toISOString() }),
        ...(digest !== undefined && { digest }),
        ...(revision !== undefined && { revision }),
      },
    ];
  });
  try {
    return new Map(await Promise.all(origins));
  } catch (error) {
    throw refusal(
      'The engine does not keep the images of this release',
      'Look at its log and at its disk (docker system df).',
      error,
    );
  }
}

/** Lets go of images that no kept release needs. One that a container still uses, or that has another name, stays. */
export async function releaseImages(docker: Docker, stack: string, needed: ReadonlySet<string>): Promise<void> {
  const wanted = new Set([...needed].map((id) => keptName(stack, id)));
  const filters = { reference: [`${keptRepository(stack)}:*`] };
  const images = await docker.listImages({ filters: JSON.stringify(filters) });
  const names = images.flatMap(({ RepoTags: tags }) => tags ?? []);
  const idle = names.filter((name) => name.startsWith(`${keptRepository(stack)}:`) && !wanted.has(name));
  // What the engine refuses to remove is in use.
  await Promise.all(
    idle.map((name) =>
      docker
        .getImage(name)
        .remove()
        .catch(() => undefined),
    ),
  );
}
