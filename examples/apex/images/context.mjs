import { createHash } from 'node:crypto';
import { cp, readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** examples/apex: the folders of the catalogue are relative to it. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const isSource = (name) => name !== '__pycache__' && !name.endsWith('.pyc');

/** Lays folders (relative to ROOT) over each other in the folder `to`, later ones winning. */
export async function fillContext(folders, to) {
  for (const folder of folders) await overlay(join(ROOT, folder), to);
}

async function overlay(from, to) {
  await cp(from, to, {
    recursive: true,
    filter: (source) => isSource(source.split('/').pop()),
    preserveTimestamps: true,
  });
}

/** A hash of the names, modes and contents of all files that the folders bring into a context. */
export async function hashFolders(folders) {
  const files = new Map();
  for (const folder of folders) await collect(join(ROOT, folder), '', files);
  const hash = createHash('sha256');
  for (const name of [...files.keys()].sort()) {
    const { path, executable } = files.get(name);
    hash.update(`${name}\0${executable}\0`).update(
      createHash('sha256')
        .update(await readFile(path))
        .digest(),
    );
  }
  return hash.digest('hex');
}

async function collect(folder, prefix, files) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!isSource(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collect(path, `${prefix}${entry.name}/`, files);
    else files.set(prefix + entry.name, { path, executable: ((await stat(path)).mode & 0o100) !== 0 });
  }
}
