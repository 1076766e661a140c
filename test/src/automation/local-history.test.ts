import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import { localHistory } from '../../../src/automation/local-history';
import { tempFolder } from '../../support/temp-folder';

const update = (message: string, startTime: number): object => ({
  kind: 'update',
  ...{ startTime, message },
  environment: { 'exec.kind': 'cli' },
  config: {},
  version: 0,
  result: 'succeeded',
  endTime: startTime + 2,
  resourceChanges: { same: 3 },
});

describe('the history in the files of the local backend', () => {
  let root: string;
  let backend: string;

  const write = async (path: string, content: unknown): Promise<void> => {
    await mkdir(join(root, '.pulumi', path, '..'), { recursive: true });
    await writeFile(join(root, '.pulumi', path), typeof content === 'string' ? content : JSON.stringify(content));
  };

  beforeEach(async () => {
    root = tempFolder();
    backend = `file://${root}?metadata=skip`;
    await write('meta.yaml', 'version: 1\n');
    for (const at of [100, 200, 300])
      await write(`history/shop/dev/dev-${at}0000.history.json`, update(`at ${at}`, at));
    await write('history/shop/dev/dev-3000000.checkpoint.json', '{}');
    await write('history/shop/other/other-9000000.history.json', update('of another stack', 900));
  });

  const messages = async (newest = 0): Promise<string[] | undefined> =>
    (await localHistory(backend, 'shop', 'dev', newest))?.map(({ message }) => message);

  test('is read newest first, all of it or as much as is asked for', async () => {
    expect(await messages()).toEqual(['at 300', 'at 200', 'at 100']);
    expect(await messages(2)).toEqual(['at 300', 'at 200']);
  });

  test.each([
    ['is somewhere else', () => (backend = 'https://api.pulumi.com')],
    ['is counted from a folder', () => (backend = 'file://./state')],
    ['has another layout', () => write('meta.yaml', 'version: 2\n')],
    ['has packed files', () => write('history/shop/dev/dev-4000000.history.json.gz', 'x')],
    ['has a file that is cut short', () => write('history/shop/dev/dev-4000000.history.json', '{"kind":')],
    ['has a file of another form', () => write('history/shop/dev/dev-4000000.history.json', { updates: [] })],
  ])('is left to Pulumi if it %s', async (_how, make) => {
    await make();
    expect(await messages()).toBeUndefined();
  });
});
