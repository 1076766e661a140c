import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, chown, cp, lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A hash, keyed or not. */
interface Digest {
  update(data: string | Buffer): unknown;
}

/** Adds the content of a file, or of everything in a folder, to a hash. A link counts as what it points to. */
export async function hashInto(hash: Digest, source: string): Promise<void> {
  if ((await stat(source)).isDirectory()) for (const line of await linesOf(source)) hash.update(line);
  else await addFile(hash, source);
}

async function addFile(hash: Digest, path: string): Promise<void> {
  // In pieces: a file need not fit into memory.
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
}

/** A folder as lines of type, mode, path and content hash, in a fixed order. */
async function linesOf(root: string, below = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = join(below, name);
    const info = await lstat(join(root, path));
    const mode = (info.mode & 0o7777).toString(8);
    if (info.isDirectory()) {
      lines.push(`dir ${mode} ${path}\n`, ...(await linesOf(root, path)));
    } else if (info.isSymbolicLink()) {
      lines.push(`link ${path} ${await readlink(join(root, path))}\n`);
    } else {
      const hash = createHash('sha256');
      await addFile(hash, join(root, path));
      lines.push(`file ${mode} ${path} ${hash.digest('hex')}\n`);
    }
  }
  return lines;
}

/**
 * Copies a file or folder and writes the copy through to the disk. Modes are the same, owners too where that is
 * allowed (a container may run as another user), and links within a folder stay links.
 */
export async function copyTree(source: string, copy: string): Promise<void> {
  const original = await realpath(source);
  await cp(original, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  await finish(original, copy);
}

async function finish(original: string, copy: string): Promise<void> {
  const info = await lstat(original);
  if (info.isSymbolicLink()) return;
  if (info.isDirectory()) {
    for (const name of await readdir(original)) await finish(join(original, name), join(copy, name));
  }
  if (process.getuid?.() === 0) await chown(copy, info.uid, info.gid);
  await chmod(copy, info.mode & 0o7777);
  await flush(copy);
}

/** Writes a file, or the list of names in a folder, through to the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY);
  await file.sync().finally(() => file.close());
}
