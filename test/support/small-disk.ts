import { mkdir } from 'node:fs/promises';

import { run } from '../../src/process';

/** A file system of its own, mounted for a test. */
export interface SmallDisk {
  readonly path: string;
  /** Lets nobody write to it any more, or again. */
  readonly readOnly: (isReadOnly: boolean) => Promise<void>;
  readonly unmount: () => Promise<void>;
}

/**
 * Mounts a file system of a given size.
 *
 * @param path - its folder, which is made
 * @param size - as mount takes it, e.g. `1m`
 * @returns undefined where this process may not mount: in most containers, and without being root
 */
export async function smallDisk(path: string, size: string): Promise<SmallDisk | undefined> {
  await mkdir(path, { recursive: true });
  const mount = async (options: string): Promise<boolean> =>
    (await run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path])).exitCode === 0;
  if (!(await mount(`size=${size}`))) return undefined;
  return {
    path,
    readOnly: async (isReadOnly) => {
      if (!(await mount(`remount,${isReadOnly ? 'ro' : 'rw'}`))) throw new Error(`${path} could not be mounted anew`);
    },
    unmount: async () => {
      await run(['umount', path]);
    },
  };
}
