/**
 * The name of the volume that stands for an anonymous one. docker compose hands an anonymous volume from a container
 * to its successor; a name of its own does the same here, so that no update leaves data behind.
 */
export function anonymousVolumeName(containerName: string, path: string): string {
  const slug = path.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
  return `${containerName}_${slug || 'root'}`;
}
