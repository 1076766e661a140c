import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { installDir } from '../toolchain/places';

/** The version of this package. */
export function version(): string {
  return (JSON.parse(readFileSync(join(installDir, 'package.json'), 'utf8')) as { version: string }).version;
}
