import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Bytes of a key: AES with 256 bits. */
export const keyBytes = 32;

// AES-256-GCM as in NIST SP 800-38D: a fresh 96-bit nonce each time, and a tag of 128 bits.
const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const version = 1;

/** A new key, as it stands in the stack configuration. */
export function newKey(): string {
  return randomBytes(keyBytes).toString('base64');
}

/** Said where a stack that has releases gets a new key. */
export const newKeyNotice =
  'rewind:key is not set, so a new one is made. Earlier releases can be brought back only with the one that they were made with.';

/** The key that a text stands for; undefined if it is none. */
export function parseKey(text: string): Buffer | undefined {
  const key = Buffer.from(text, 'base64');
  return key.length === keyBytes ? key : undefined;
}

/** Encrypts: version, nonce, tag and ciphertext in one. Nobody without the key can read or change it unnoticed. */
export function seal(key: Buffer, plain: string | Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce);
  const text = Buffer.concat([cipher.update(typeof plain === 'string' ? Buffer.from(plain) : plain), cipher.final()]);
  return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), text]);
}

/**
 * Decrypts what {@link seal} made.
 *
 * @returns undefined if it was made with another key, or is damaged
 */
export function unseal(key: Buffer, sealed: Buffer): string | undefined {
  return unsealBytes(key, sealed)?.toString('utf8');
}

/** The same of bytes. */
export function unsealBytes(key: Buffer, sealed: Buffer): Buffer | undefined {
  const start = 1 + nonceBytes + tagBytes;
  if (sealed.length < start || sealed[0] !== version) return undefined;
  const cipher = createDecipheriv(algorithm, key, sealed.subarray(1, 1 + nonceBytes));
  cipher.setAuthTag(sealed.subarray(1 + nonceBytes, start));
  try {
    return Buffer.concat([cipher.update(sealed.subarray(start)), cipher.final()]);
  } catch {
    return undefined;
  }
}

/** A name for a content that tells nothing of it to anyone without the key: HMAC-SHA-256, RFC 2104. */
export function fingerprint(key: Buffer, content: string): string {
  return createHmac('sha256', key).update(content).digest('hex');
}
