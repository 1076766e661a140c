import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { layOut } from '../../scripts/docs/layout';
import { pages } from '../../scripts/docs/pages';
import { errorCodes } from '../../src/errors';

test.each(pages.map((page) => [page.file, page] as const))(
  '%s is what `npm run docs` makes of the sources',
  async (file, page) => {
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '(missing)').toBe(await layOut(page));
  },
);

describe('the codes of errors', () => {
  const codes = Object.keys(errorCodes);
  const used = new Set(
    ['src', 'components', 'cli', 'toolchain', 'bench']
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => sourcesBelow(folder))
      .filter((file) => file !== join('src', 'errors.ts'))
      .flatMap((file) => readFileSync(file, 'utf8').match(/'(?:[a-z]+)\/[a-z-]+'/g) ?? [])
      .map((quoted) => quoted.slice(1, -1)),
  );
  const areas = new Set(codes.map((code) => code.split('/')[0]));

  test('are all used by some source', () => {
    expect(codes.filter((code) => !used.has(code))).toEqual([]);
  });

  test('that sources use are all in the table, and so on the page', () => {
    const asCode = /code: '([^']+)'|Problem\('([^']+)'/g;
    const unknown = ['src', 'components', 'cli', 'toolchain']
      .flatMap((folder) => sourcesBelow(folder))
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(asCode)].map(([, a, b]) => a ?? b!))
      .filter((code) => areas.has(code.split('/')[0]) && !codes.includes(code));
    expect(unknown).toEqual([]);
    for (const code of codes) expect(readFileSync('docs/errors.md', 'utf8')).toContain(`\`${code}\``);
  });
});

/** TypeScript and JavaScript sources below a folder. */
function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name));
}
