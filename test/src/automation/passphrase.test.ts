import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { openValue } from '../../../src/automation/passphrase';

const salt = randomBytes(8);
const key = pbkdf2Sync('open sesame', salt, 1_000_000, 32, 'sha256');

/** Encrypts as Pulumi does: https://github.com/pulumi/pulumi/blob/v3.248.0/sdk/go/common/resource/config/crypt.go */
function sealed(text: string, withKey = key): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', withKey, nonce);
  const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString('base64')}:${content.toString('base64')}`;
}

const provider = { encryptionsalt: `v1:${salt.toString('base64')}:${sealed('pulumi')}` };
let before: string | undefined;

beforeEach(() => {
  before = process.env['PULUMI_CONFIG_PASSPHRASE'];
  process.env['PULUMI_CONFIG_PASSPHRASE'] = 'open sesame';
});

afterEach(() => {
  if (before === undefined) delete process.env['PULUMI_CONFIG_PASSPHRASE'];
  else process.env['PULUMI_CONFIG_PASSPHRASE'] = before;
});

test('a secret is opened as Pulumi hands it to a program, and so is a value that has some', async () => {
  expect(await openValue(provider, { secure: sealed('word') })).toBe('word');
  const value = { http: [{ headers: { Authorization: { secure: sealed('Bearer x') } }, path: '/' }] };
  expect(JSON.parse((await openValue(provider, value))!)).toEqual({
    http: [{ headers: { Authorization: 'Bearer x' }, path: '/' }],
  });
});

test.each([
  ['the passphrase is another one', { encryptionsalt: provider.encryptionsalt }, 'guess', sealed('word')],
  ['the secrets are encrypted by a service', { secretsprovider: 'awskms://alias/x' }, 'open sesame', sealed('word')],
  ['one of them is encrypted with another key', provider, 'open sesame', sealed('word', randomBytes(32))],
])('if %s, Pulumi has to be asked', async (_, ofStack, passphrase, secret) => {
  process.env['PULUMI_CONFIG_PASSPHRASE'] = passphrase;
  expect(await openValue(ofStack, { secure: secret })).toBeUndefined();
});
