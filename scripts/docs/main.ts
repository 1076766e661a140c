// Writes the pages of the documentation that are made from the sources: `npm run docs`, from the root of the repository.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { layOut } from './layout';
import { pages } from './pages';

for (const page of pages) {
  layOut(page)
    .then((text) => {
      writeFileSync(resolve(page.file), text);
      process.stdout.write(`${page.file}\n`);
    })
    .catch((error: unknown) => {
      process.stderr.write(`${page.file}: ${String(error)}\n`);
      process.exitCode = 1;
    });
}
