import { randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { fingerprint, keyBytes, newKey, parseKey, seal, unseal } from '../../../src/releases/seal';

const key = Buffer.alloc(keyBytes, 7);

describe('a key', () => {
  test('is one that can be parsed, and another each time', () => {
    expect(parseKey(newKey())).toHaveLength(32);
    expect(newKey()).not.toBe(newKey());
  });

  test.each(['', 'short', randomBytes(31).toString('base64'), randomBytes(33).toString('base64')])(
    '"%s" is none',
    (it) => {
      expect(parseKey(it)).toBeUndefined();
    },
  );
});

describe('a sealed text', () => {
  test('comes back with its key, whatever it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => unseal(key, seal(key, text)) === text));
  });

  test('is another each time, and has nothing of the text in it', () => {
    const [one, two] = [seal(key, 'password=hunter2'), seal(key, 'password=hunter2')];
    expect(one.equals(two)).toBe(false);
    expect(one.toString('latin1')).not.toContain('hunter2');
  });

  test('does not come back with another key', () => {
    expect(unseal(Buffer.alloc(keyBytes, 8), seal(key, 'text'))).toBeUndefined();
  });

  test('does not come back if a single bit of it has changed', () => {
    const sealed = seal(key, 'a text');
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = Buffer.from(sealed);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        return unseal(key, changed) === undefined;
      }),
    );
  });

  test('does not come back if it is cut short', () => {
    const sealed = seal(key, 'a text');
    for (let length = 0; length < sealed.length; length++)
      expect(unseal(key, sealed.subarray(0, length))).toBeUndefined();
  });
});

test('the name of a content is the same with the same key, and tells nothing without it', () => {
  expect(fingerprint(key, 'text')).toBe(fingerprint(key, 'text'));
  expect(fingerprint(key, 'text')).not.toBe(fingerprint(Buffer.alloc(keyBytes, 8), 'text'));
  expect(fingerprint(key, 'text')).not.toBe(fingerprint(key, 'texts'));
});
