import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { packageSource } from '../../cli/package-source';
import { version } from '../../cli/version';
import { tempFolder } from '../support/temp-folder';

/** A folder in which the package is installed, as its package.json asks for it. */
function installedAs(spec: string, section = 'dependencies'): { readonly folder: string; readonly installed: string } {
  const folder = tempFolder();
  const installed = join(folder, 'node_modules', 'rewind');
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ [section]: { rewind: spec } }));
  return { folder, installed };
}

test('a project gets the package from the file that it was installed from, counted from its own folder', () => {
  const { folder, installed } = installedAs('file:../rewind-0.1.0.tgz');
  expect(packageSource(join(folder, 'rewind'), installed)).toBe('file:../../rewind-0.1.0.tgz');
  expect(packageSource(folder, installed)).toBe('file:../rewind-0.1.0.tgz');
});

test('any other way to get it stays as it is', () => {
  const spec = 'https://packages.example.com/rewind-0.1.0.tgz';
  expect(packageSource('/srv/shop', installedAs(spec).installed)).toBe(spec);
  expect(packageSource('/srv/shop', installedAs(spec, 'devDependencies').installed)).toBe(spec);
});

test('a clone is where npm pack makes the package', () => {
  expect(packageSource('/srv/shop', '/srv/rewind')).toBe(`file:../rewind/rewind-${version()}.tgz`);
});

test('a package that does not know where it came from says so: its name alone would get another one', () => {
  expect(() => packageSource('/srv/shop', '/nowhere/lib/node_modules/rewind')).toThrow(
    'was not installed in a project',
  );
});
