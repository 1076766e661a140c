import { expect, test } from 'vitest';

import { restoreSecrets } from '../../../src/actions/restore-secrets';
import type { StackContext } from '../../../src/actions/stack-context';
import { ReleaseStore } from '../../../src/releases/release-store';
import { parseKey } from '../../../src/releases/seal';
import { StackConfig } from '../../../src/releases/stack-config';
import { problemsOf } from '../../support/problems';
import { releaseRecord } from '../../support/release-records';
import { tempFolder } from '../../support/temp-folder';

const keyText = Buffer.alloc(32, 1).toString('base64');
const secure = { secure: 'v1:of-then' };
const config = {
  'rewind:secrets': { api: { TOKEN: secure, 'odd.key "x"': secure }, list: ['plain', secure] },
  'other:whole': secure,
  'rewind:retain': 5,
};
const secrets = {
  'rewind:secrets': JSON.stringify({ api: { TOKEN: 'hunter2', 'odd.key "x"': 'a b' }, list: ['plain', 'second'] }),
  'other:whole': 'all of it',
};

/** What is set when the secrets of a release come back, by its path. */
async function restored(salt: string, key = keyText): Promise<Record<string, string>> {
  const releases = new ReleaseStore(tempFolder(), 'shop/dev');
  const content = JSON.stringify({ directory: '/srv/shop', files: {}, project: {}, secrets });
  const sealed = await releases.seal(parseKey(keyText)!, content);
  const record = releaseRecord(1, { config, sealed, provider: { encryptionsalt: 'v1:then' } });
  const set: Record<string, string> = {};
  const engine = {
    secretOf: () => Promise.resolve(key),
    setSecret: (path: string, value: string, file: string) => {
      expect(file).toBe('/next.yaml');
      set[path] = value;
      return Promise.resolve();
    },
  };
  const context = { releases, engine, directory: '/srv/shop' } as unknown as StackContext;
  await restoreSecrets(
    context,
    record,
    StackConfig.parse(`encryptionsalt: ${salt}\nconfig: { rewind:key: { secure: v1:key } }\n`),
    '/next.yaml',
  );
  return set;
}

test('secrets that the stack can still read are left as they were encrypted', async () => {
  expect(await restored('v1:then')).toEqual({});
});

test('after a change of the passphrase each secret is set anew, where it stood', async () => {
  expect(await restored('v1:now')).toEqual({
    'rewind:secrets["api"]["TOKEN"]': 'hunter2',
    'rewind:secrets["api"]["odd.key \\"x\\""]': 'a b',
    'rewind:secrets["list"][1]': 'second',
    'other:whole': 'all of it',
  });
});

test('secrets that cannot be read are an error that names the release', async () => {
  const [problem] = await problemsOf(() => restored('v1:now', Buffer.alloc(32, 2).toString('base64')));
  expect(problem).toMatchObject({ code: 'release/unreadable' });
  expect(problem!.message).toContain('The configuration of r1 cannot be read');
});
