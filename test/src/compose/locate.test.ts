import { relative } from 'node:path';
import { describe, expect, test } from 'vitest';

import { locate } from '../../../src/compose/locate';
import { tempFolder } from '../../support/temp-folder';

const base = `# a shop
x-common: &common
  restart: always
services:
  api:
    <<: *common
    image: api:1
    healthcheck:
      test: ["CMD", "true"]
      start_interval: 1s
  "web":
    image: web:1
  plain: *common
`;

const override = `services:
  api:
    ports: ["8000:80"]
    image: api:2
`;

describe('where a key of a service stands', () => {
  const files = (): { folder: string; files: string[] } => {
    const folder = tempFolder({ 'compose.yaml': base, 'sub/override.yaml': override });
    return { folder, files: [`${folder}/compose.yaml`, `${folder}/sub/override.yaml`] };
  };

  test.each([
    ['a key', 'api', 'healthcheck', 'compose.yaml:8'],
    ['a key within a key', 'api', 'healthcheck.start_interval', 'compose.yaml:10'],
    [
      'a key that several files have: in the last of them, which overrides the others',
      'api',
      'image',
      'sub/override.yaml:4',
    ],
    ['a key of an overriding file alone', 'api', 'ports', 'sub/override.yaml:3'],
    ['a service whose name is quoted', 'web', 'image', 'compose.yaml:12'],
    ['a key that stands within a list: the list', 'api', 'ports.0.published', 'sub/override.yaml:3'],
    ['a key that comes in by an anchor: the service', 'api', 'restart', 'sub/override.yaml:2'],
    ['a service that is an alias as a whole: the service', 'plain', 'restart', 'compose.yaml:13'],
    ['a key that is nowhere: the service', 'web', 'privileged', 'compose.yaml:11'],
    ['a service that is nowhere: the first file', 'extended', 'image', 'compose.yaml'],
  ])('is found for %s', (_what, service, key, expected) => {
    const { folder, files: paths } = files();
    expect(locate(paths, service, key, folder)).toBe(expected);
  });

  test('is counted from the current folder unless said otherwise', () => {
    const { files: paths } = files();
    expect(locate(paths, 'web', 'image')).toBe(`${relative(process.cwd(), paths[0]!)}:12`);
  });

  test('is the file if the file cannot be read or parsed', () => {
    const folder = tempFolder({ 'compose.yaml': 'services: [' });
    expect(locate([`${folder}/compose.yaml`], 'api', 'image', folder)).toBe('compose.yaml');
    expect(locate([`${folder}/gone.yaml`], 'api', 'image', folder)).toBe('gone.yaml');
    expect(locate([], 'api', 'image')).toBe('the compose file');
  });

  test('is found beside keys that are empty, numbers or whole structures', () => {
    const folder = tempFolder({
      'compose.yaml': 'services:\n  api:\n    ? [a, b]\n    : 1\n    ? \n    : 2\n    80: x\n    image: y\n',
    });
    expect(locate([`${folder}/compose.yaml`], 'api', 'image', folder)).toBe('compose.yaml:8');
  });
});
