import { join } from 'node:path';

import { expect, test } from 'vitest';

import { projectFolder } from '../../src/project-folder';
import { tempFolder } from '../support/temp-folder';

test.each(['Pulumi.yaml', 'Pulumi.yml'])('the project is the nearest folder upwards that has a %s', (name) => {
  const folder = tempFolder({ [name]: '', [`inner/${name}`]: '', 'inner/deep/down/file': '', 'other/file': '' });
  expect(projectFolder(join(folder, 'inner/deep/down'))).toBe(join(folder, 'inner'));
  expect(projectFolder(join(folder, 'other'))).toBe(folder);
});

test('without a project, the folder is the one given', () => {
  const folder = tempFolder({ 'deep/file': '' });
  expect(projectFolder(join(folder, 'deep'))).toBe(join(folder, 'deep'));
});
