import { dirname, join, relative, resolve } from 'node:path';

import { dependencyOn } from '../src/actions/init-project';
import { RewindError } from '../src/errors';
import { installDir } from '../toolchain/places';
import { version } from './version';

/**
 * How a project's package.json asks for the package that this program is part of: the way that it was installed itself.
 * Its name and version alone would get another package of that name from a registry.
 *
 * @param directory - folder of the package.json to be
 * @param installed - folder that the package was installed or cloned to. @default that of this program
 * @throws RewindError cli/usage if the package does not know where it came from
 */
export function packageSource(directory: string, installed = installDir): string {
  if (!installed.includes('/node_modules/')) {
    // A clone: `npm pack` makes the package there.
    return fileSpec(directory, join(installed, `rewind-${version()}.tgz`));
  }
  for (let folder = dirname(installed); folder !== dirname(folder); folder = dirname(folder)) {
    const spec = dependencyOn(join(folder, 'package.json'));
    if (spec === undefined) continue;
    return spec.startsWith('file:') ? fileSpec(directory, resolve(folder, spec.slice('file:'.length))) : spec;
  }
  throw new RewindError({
    code: 'cli/usage',
    message: 'This rewind was not installed in a project, and so cannot say how one gets it.',
    fix: 'Install it in the folder first, as you installed this one (npm install path/to/rewind.tgz), then: npx rewind init.',
  });
}

function fileSpec(directory: string, path: string): string {
  return `file:${relative(directory, path)}`;
}
