import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { writtenResources } from '../../../src/automation/checkpoint';

let backend: string;

beforeEach(async () => {
  backend = await mkdtemp(join(tmpdir(), 'rewind-state-'));
  await mkdir(join(backend, '.pulumi', 'stacks', 'shop'), { recursive: true });
});

afterEach(async () => {
  await rm(backend, { recursive: true });
});

const resources = [{ urn: 'urn:pulumi:dev::shop::a:b:C::c', type: 'a:b:C', inputs: { size: 1 } }];
const state = JSON.stringify({ version: 3, checkpoint: { latest: { resources } } });

const write = (name: string, content: string | Buffer): Promise<void> =>
  writeFile(join(backend, '.pulumi', 'stacks', 'shop', name), content);
const written = (url = pathToFileURL(backend).href): ReturnType<typeof writtenResources> =>
  writtenResources({ project: 'shop', stack: 'dev', env: { PULUMI_BACKEND_URL: url } });

describe('the resources of a state', () => {
  test('are read from a file, compressed or not', async () => {
    await write('dev.json.gz', gzipSync(state));
    expect(await written()).toEqual(resources);
    await write('dev.json', state);
    expect(await written()).toEqual(resources);
  });

  test('are none of a stack that has just been made', async () => {
    await write('dev.json', JSON.stringify({ version: 3, checkpoint: { stack: 'dev', latest: null } }));
    expect(await written()).toEqual([]);
  });

  test.each<[string, string | Buffer]>([
    ['dev.json', ''],
    ['dev.json', state.slice(0, 40)],
    ['dev.json', 'null'],
    ['dev.json.gz', gzipSync(state).subarray(0, 20)],
  ])('are not known of a %s that is damaged, which Pulumi tells: %j', async (name, content) => {
    await write(name, content);
    expect(await written()).toBeUndefined();
  });

  test('are not known where there is no state, or none in a folder', async () => {
    expect(await written()).toBeUndefined();
    expect(await written('https://api.pulumi.com')).toBeUndefined();
  });
});
