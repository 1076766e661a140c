import { createHash } from 'node:crypto';

/**
 * The name of the volume that stands for an anonymous one. docker compose hands an anonymous volume from a container
 * to its successor; a name of its own does the same here, so that no update leaves data behind.
 */
export function anonymousVolumeName(containerName: string, path: string): string {
  const slug = path.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '') || 'root';
  // `/a/b` and `/a_b` have the same slug: a hash tells apart what is not plainly made of letters and digits.
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 8);
  return /^(\/[A-Za-z0-9]+)*\/?$/.test(path) ? `${containerName}_${slug}` : `${containerName}_${slug}_${hash}`;
}
