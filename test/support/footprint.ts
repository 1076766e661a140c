import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { lifeSigns } from './live-state';
import type { TestStack } from './stack';

/** Everything that a command which is to change nothing could have changed, but for the state of pulumi. */
export async function footprint({ directory, project }: TestStack): Promise<unknown> {
  const store = join(directory, '.rewind');
  const names = (await readdir(store, { recursive: true })).filter((name) => !name.startsWith('state')).sort();
  return {
    config: await readFile(join(directory, 'Pulumi.dev.yaml'), 'utf8'),
    containers: await lifeSigns(project),
    files: (await readdir(directory)).sort(),
    store: await Promise.all(names.map(async (name) => [name, (await stat(join(store, name))).size] as const)),
  };
}
