import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** examples/apex: the folders of the catalogue are relative to it. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Lays folders (relative to ROOT) over each other in the folder `to`, later ones winning. Everyone may read the result:
 * services do not run as root, and a checkout under a strict umask would otherwise make images that they cannot read.
 */
export async function fillContext(folders, to) {
  for (const [name, { path, mode }] of await filesOf(folders)) {
    const target = join(to, name);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, target);
    await chmod(target, mode);
    for (let above = dirname(name); above !== '.'; above = dirname(above)) await chmod(join(to, above), 0o755);
  }
}

/** A hash of the names, modes and contents of all files that the folders bring into a context. */
export async function hashFolders(folders) {
  const hash = createHash('sha256');
  const files = await filesOf(folders);
  for (const name of [...files.keys()].sort()) {
    const { path, mode } = files.get(name);
    const content = createHash('sha256').update(await readFile(path));
    hash.update(`${name}\0${mode}\0`).update(content.digest());
  }
  return hash.digest('hex');
}

/** The files of a context by their names in it. */
async function filesOf(folders) {
  const files = new Map();
  for (const folder of folders) await collect(join(ROOT, folder), '', files);
  return files;
}

async function collect(folder, prefix, files) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === '__pycache__') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collect(path, `${prefix}${entry.name}/`, files);
    else files.set(prefix + entry.name, { path, mode: (await stat(path)).mode & 0o100 ? 0o755 : 0o644 });
  }
}
