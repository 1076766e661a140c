import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type * as Acknowledged from '../../examples/apex/acknowledged.mjs';
import type * as Database from '../../examples/apex/database.mjs';
import type * as Base from '../../examples/apex/images/base.mjs';
import type * as Build from '../../examples/apex/images/build.mjs';
import type * as Catalogue from '../../examples/apex/images/catalogue.mjs';
import type * as Load from '../../examples/apex/load.mjs';
import { installDir } from '../../toolchain/places';

interface Tools {
  readonly 'acknowledged.mjs': typeof Acknowledged;
  readonly 'database.mjs': typeof Database;
  readonly 'images/base.mjs': typeof Base;
  readonly 'images/build.mjs': typeof Build;
  readonly 'images/catalogue.mjs': typeof Catalogue;
  readonly 'load.mjs': typeof Load;
}

/** A script of the example, where it stands: they are programs of their own, which a bundle cannot have in it. */
export function exampleTool<Name extends keyof Tools>(name: Name): Promise<Tools[Name]> {
  return import(pathToFileURL(join(installDir, 'examples', 'apex', name)).href) as Promise<Tools[Name]>;
}
