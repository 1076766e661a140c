import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the Pulumi project: the nearest one upwards that has a Pulumi.yaml; else the given one. */
export function projectFolder(from = process.cwd()): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (['Pulumi.yaml', 'Pulumi.yml'].some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) return from;
  }
}

/** URL of the store of a project that has configured none. */
export const usualStore = 'file://./.rewind';
