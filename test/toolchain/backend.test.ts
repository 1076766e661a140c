import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { chosenBackend, defaultBackendUrl } from '../../toolchain/backend';
import { tempFolder } from './temp-folder';

function project(yaml = 'name: demo\nruntime: nodejs\n'): string {
  const folder = tempFolder();
  fs.writeFileSync(path.join(folder, 'Pulumi.yaml'), yaml);
  return folder;
}

function home(current?: string): string {
  const folder = tempFolder();
  if (current !== undefined) fs.writeFileSync(path.join(folder, 'credentials.json'), JSON.stringify({ current }));
  return folder;
}

test('the default backend is a URL, whatever characters the folder has', () => {
  expect(defaultBackendUrl('/srv/my stack 100%')).toBe('file:///srv/my%20stack%20100%25/.rewind/state?metadata=skip');
});

test('nothing is chosen where nobody chose', () => {
  expect(chosenBackend({}, project(), home())).toBeUndefined();
});

test('the environment counts before the project file, and that before a login', () => {
  const withBackend = project('name: demo\nruntime: nodejs\nbackend:\n  url: s3://bucket\n');
  const loggedIn = home('https://api.pulumi.com');
  expect(chosenBackend({ PULUMI_BACKEND_URL: 'gs://b' }, withBackend, loggedIn)?.url).toBe('gs://b');
  expect(chosenBackend({}, withBackend, loggedIn)).toEqual({ url: 's3://bucket', from: 'project' });
  expect(chosenBackend({}, project(), loggedIn)).toEqual({ url: 'https://api.pulumi.com', from: 'login' });
});

test('after a logout nothing is chosen', () => {
  expect(chosenBackend({ PULUMI_BACKEND_URL: '' }, project(), home(''))).toBeUndefined();
});

test('a project file that is no YAML is named', () => {
  const folder = project('name: [demo');
  expect(() => chosenBackend({}, folder, home())).toThrow(path.join(folder, 'Pulumi.yaml'));
});
