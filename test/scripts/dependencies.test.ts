import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>;
const [, runTime = '', development = ''] = readFileSync('docs/dependencies.md', 'utf8').split(/^## .*$/m);

/** The packages of a table with what is said of each, by the first column. */
function tableOf(section: string): [name: string, ...reasons: string[]][] {
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => {
    const [packages = '', ...reasons] = row.split('|').slice(1, -1);
    return [...packages.matchAll(/`([^`]+)`/g)].map(([, name]): [string, ...string[]] => [
      name!,
      ...reasons.map((reason) => reason.trim()),
    ]);
  });
}

describe.each([
  ['dependencies', runTime],
  ['devDependencies', development],
] as const)('docs/dependencies.md and the %s of package.json', (kind, section) => {
  test('have the same packages', () => {
    const names = tableOf(section).map(([name]) => name);
    expect(names.sort()).toEqual(Object.keys(manifest[kind]).sort());
  });

  test('have each with a reason, and pinned to one version', () => {
    expect(tableOf(section).filter(([, ...reasons]) => reasons.includes(''))).toEqual([]);
    expect(Object.values(manifest[kind]).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
