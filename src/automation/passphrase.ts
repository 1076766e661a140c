import { createDecipheriv } from 'node:crypto';

import type { SecretsProvider } from '../releases/stack-config';
import { derivedKey, passphraseIn } from './derived-key';

/** Opens what a stack configuration has encrypted: `v1:…`. @returns undefined for what was encrypted otherwise */
export type Opener = (sealed: string) => string | undefined;

/**
 * Opens the secrets of a stack in this process, where they are encrypted with a passphrase that is at hand: starting
 * pulumi for it takes longer. The format is Pulumi's own:
 * https://github.com/pulumi/pulumi/blob/v3.248.0/sdk/go/common/resource/config/crypt.go
 *
 * @returns undefined if they are encrypted in another way, or the passphrase is another one: pulumi tells why
 */
export async function passphraseOpener(
  provider: SecretsProvider,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Opener | undefined> {
  const [version, salt, ...proof] = (provider['encryptionsalt'] ?? '').split(':');
  const isPlain = provider['secretsprovider'] === undefined || provider['secretsprovider'] === 'passphrase';
  if (version !== 'v1' || salt === undefined || !isPlain) return undefined;
  const passphrase = passphraseIn(env);
  if (passphrase === undefined) return undefined;
  const key = await derivedKey(passphrase, salt);
  const open: Opener = (sealed) => decrypt(key, sealed);
  return open(proof.join(':')) === 'pulumi' ? open : undefined;
}

/**
 * A value of the stack configuration with its secrets in the clear, as text: what Pulumi would hand to a program.
 *
 * @returns undefined if it cannot be opened in this process: Pulumi has to be asked then
 */
export async function openValue(provider: SecretsProvider, value: unknown): Promise<string | undefined> {
  const open = await passphraseOpener(provider);
  if (!open) return undefined;
  const shut: string[] = [];
  const opened = (inner: unknown): unknown => {
    if (inner === null || typeof inner !== 'object') return inner;
    const { secure, ...rest } = inner as { secure?: unknown };
    if (typeof secure === 'string' && Object.keys(rest).length === 0) {
      const text = open(secure);
      if (text === undefined) shut.push(secure);
      return text;
    }
    if (Array.isArray(inner)) return inner.map(opened);
    return Object.fromEntries(Object.entries(inner).map(([key, it]) => [key, opened(it)]));
  };
  const plain = opened(value);
  if (shut.length > 0) return undefined;
  return typeof plain === 'string' ? plain : JSON.stringify(plain);
}

const tagBytes = 16;

function decrypt(key: Buffer, sealed: string): string | undefined {
  const [version, nonce, content] = sealed.split(':');
  if (version !== 'v1' || nonce === undefined || content === undefined) return undefined;
  const bytes = Buffer.from(content, 'base64');
  if (bytes.length < tagBytes) return undefined;
  try {
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'));
    cipher.setAuthTag(bytes.subarray(-tagBytes));
    return Buffer.concat([cipher.update(bytes.subarray(0, -tagBytes)), cipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
