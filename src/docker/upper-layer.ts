import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A path that a container has otherwise than its image, as the engine tells of it: 0 changed, 1 added, 2 removed. */
export interface Change {
  readonly Path: string;
  readonly Kind: number;
}

const [changed, added, removed] = [0, 1, 2];

/** What `docker inspect` tells of where overlay2 keeps a container's files. */
interface Inspected {
  /** An engine that keeps images in containerd says nothing of them. */
  readonly GraphDriver?: {
    readonly Name: string;
    /** `UpperDir`, and `LowerDir` with colons between the layers, the topmost first. */
    readonly Data: Readonly<Partial<Record<string, string>>> | null;
  };
  readonly State: { readonly Pid: number };
}

/**
 * What `docker diff` says of a running container, read from the layer itself: the engine compares every file of the image,
 * which takes it a quarter of a second for each container.
 * Layers: https://docs.kernel.org/filesystems/overlayfs.html
 *
 * @returns undefined where that cannot be read, or may not be all: the engine has to be asked then
 */
export async function upperLayerChanges({
  GraphDriver: driver,
  State: state,
}: Inspected): Promise<Change[] | undefined> {
  const { UpperDir: upper, LowerDir: lowers } = (driver?.Data ?? {}) as Partial<Record<string, string>>;
  if (driver?.Name !== 'overlay2' || !upper || !lowers || !state.Pid) return undefined;
  try {
    return await new UpperLayer(upper, lowers.split(':'), `/proc/${state.Pid}/root`).changes();
  } catch {
    return undefined; // it is another user's, or in another machine, or the container has gone
  }
}

class UpperLayer {
  readonly #upper: string;
  readonly #lowers: readonly string[];
  /** The files as the container sees them. */
  readonly #root: string;

  constructor(upper: string, lowers: readonly string[], root: string) {
    this.#upper = upper;
    this.#lowers = lowers;
    this.#root = root;
  }

  async changes(path = ''): Promise<Change[]> {
    const entries = await readdir(join(this.#upper, path));
    const found = await Promise.all(entries.map((name) => this.#entry(`${path}/${name}`)));
    return found.flat();
  }

  async #entry(path: string): Promise<Change[]> {
    const [now, before] = await Promise.all([lstat(join(this.#upper, path)), this.#inImage(path)]);
    if (isWhiteout(now)) return before ? [{ Path: path, Kind: removed }] : [];
    const own = before ? (isOther(before, now) ? [{ Path: path, Kind: changed }] : []) : [{ Path: path, Kind: added }];
    if (!now.isDirectory()) return own;
    if (before?.isDirectory()) await this.#expectNothingHidden(path);
    return [...own, ...(await this.changes(path))];
  }

  /** What the image has at a path. */
  async #inImage(path: string): Promise<Stats | undefined> {
    for (const layer of this.#lowers) {
      const stats = await statsOf(join(layer, path));
      if (stats === 'hidden') return undefined;
      if (stats) return isWhiteout(stats) ? undefined : stats;
    }
    return undefined;
  }

  /** A folder that was removed and made anew hides what the image has in it, and only its attributes say so. */
  async #expectNothingHidden(path: string): Promise<void> {
    const seen = new Set([
      ...(await readdir(join(this.#upper, path))),
      ...(await readdir(join(this.#root, path)).catch(() => [])),
    ]);
    for (const layer of this.#lowers) {
      for (const name of await readdir(join(layer, path)).catch(() => [])) {
        if (!seen.has(name) && (await this.#inImage(`${path}/${name}`))) throw new Error(`hidden: ${path}/${name}`);
      }
    }
  }
}

/** `hidden`: something above it is no folder, so that it is not in the layers below either. */
async function statsOf(path: string): Promise<Stats | 'hidden' | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return 'hidden';
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A character device with the number 0/0 stands for what was removed. */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** The time of a folder says only that something in it has come or gone. */
function isOther(before: Stats, now: Stats): boolean {
  return (
    before.mode !== now.mode ||
    before.uid !== now.uid ||
    before.gid !== now.gid ||
    before.rdev !== now.rdev ||
    (!now.isDirectory() && (before.size !== now.size || before.mtimeMs !== now.mtimeMs))
  );
}
