import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { deriveKeyEarly } from '../../cli/early-key';
import { derivedKey } from '../../src/automation/derived-key';

vi.mock(import('../../src/automation/derived-key'), async (original) => ({
  ...(await original()),
  derivedKey: vi.fn(() => Promise.resolve(Buffer.alloc(32))),
}));

const derived = vi.mocked(derivedKey);
let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rewind-early-')));
  await writeFile(join(folder, 'Pulumi.yaml'), 'name: shop\nruntime: nodejs\n');
  await mkdir(join(folder, '.rewind'));
  await writeFile(join(folder, '.rewind', 'passphrase'), 'of the project\n');
  await stack('dev', 'c2FsdA==');
  vi.spyOn(process, 'cwd').mockReturnValue(folder);
});

afterEach(async () => {
  vi.restoreAllMocks();
  derived.mockClear();
  await rm(folder, { recursive: true, force: true });
});

const stack = (name: string, salt: string): Promise<void> =>
  writeFile(join(folder, `Pulumi.${name}.yaml`), `encryptionsalt: v1:${salt}:v1:nonce:proof\nconfig: {}\n`);

test('the key of the only stack is derived with the passphrase of the project', () => {
  deriveKeyEarly(['drift', '--json'], {});
  expect(derived.mock.calls).toEqual([['of the project', 'c2FsdA==']]);
});

test('that of the stack that is named is, with the passphrase of the environment', async () => {
  await stack('prod', 'b3RoZXI=');
  deriveKeyEarly(['revert', 'r3', '--stack', 'prod', '--yes'], { PULUMI_CONFIG_PASSPHRASE: 'given' });
  deriveKeyEarly(['plan'], { PULUMI_CONFIG_PASSPHRASE: 'given', PULUMI_STACK: 'org/shop/dev' });
  expect(derived.mock.calls).toEqual([
    ['given', 'b3RoZXI='],
    ['given', 'c2FsdA=='],
  ]);
});

test('it is not, where no secret is opened, or one cannot tell which stack it is, or how its secrets are encrypted', async () => {
  deriveKeyEarly(['history'], {});
  deriveKeyEarly([], {});
  deriveKeyEarly(['drift'], { PULUMI_CONFIG_PASSPHRASE: '' });
  deriveKeyEarly(['drift'], { PULUMI_CONFIG_PASSPHRASE_FILE: join(folder, 'missing') });
  await writeFile(join(folder, 'Pulumi.dev.yaml'), 'secretsprovider: awskms://alias/x\nencryptedkey: abc\n');
  deriveKeyEarly(['drift'], {});
  await stack('dev', 'c2FsdA==');
  await stack('prod', 'b3RoZXI=');
  deriveKeyEarly(['drift'], {});
  await rm(join(folder, 'Pulumi.yaml'));
  deriveKeyEarly(['drift', '--stack', 'missing'], {});
  expect(derived).not.toHaveBeenCalled();
});
