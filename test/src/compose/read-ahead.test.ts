import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { readAhead, readProject } from '../../../src/compose/read-ahead';
import { FakeCompose } from '../../support/fake-compose';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

const reads = (compose: FakeCompose): number =>
  compose.calls.filter(({ args }) => args.join(' ').endsWith('config --format json')).length;

test('a project that was read ahead is not read again, but only once', async () => {
  const source = { files: ['compose.yaml'], directory: tempFolder({ 'compose.yaml': 'services: {}' }) };
  const compose = new FakeCompose().use();
  readAhead(source);
  await readProject(source);
  expect(reads(compose)).toBe(1);
  await readProject(source);
  expect(reads(compose)).toBe(2);
});

test('what was read long ago is not what the files say now', async () => {
  const source = { files: ['compose.yaml'], directory: tempFolder({ 'compose.yaml': 'services: {}' }) };
  const compose = new FakeCompose().use();
  readAhead(source);
  vi.setSystemTime(Date.now() + 60_000);
  await readProject(source);
  expect(reads(compose)).toBe(2);
});

test('another project is not taken for it', async () => {
  const directory = tempFolder({ 'compose.yaml': 'services: {}' });
  new FakeCompose().use();
  readAhead({ files: ['compose.yaml'], directory });
  expect((await readProject({ files: ['compose.yaml'], project: 'shop', directory })).options).toContain('shop');
});

test('what is wrong with it is told to whoever asks for it, and looked at anew the next time', async () => {
  const directory = tempFolder({});
  const source = { files: ['compose.yaml'], directory };
  new FakeCompose().use();
  readAhead(source);
  expect(await problemsOf(() => readProject(source))).toMatchObject([{ code: 'compose/not-found' }]);
  readAhead(source);
  writeFileSync(join(directory, 'compose.yaml'), 'services: {}');
  readAhead(source);
  await expect(readProject(source)).resolves.toMatchObject({ directory });
});
