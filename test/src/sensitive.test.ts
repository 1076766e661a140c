import { inspect } from 'node:util';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isHarmless, namesSecret, Sensitive, taint } from '../../src/sensitive';

describe('a sensitive value', () => {
  test('shows a mask wherever it is printed or serialised, and its text only to who asks for it', () => {
    const value = new Sensitive('hunter2');
    expect([String(value), JSON.stringify({ value }), inspect({ value }), value.toString()].join()).not.toContain(
      'hunter2',
    );
    expect(JSON.stringify(value)).toBe('"[secret]"');
    expect(inspect(value)).toBe('[secret]');
    expect(Object.keys(value)).toEqual([]);
    expect(value.reveal()).toBe('hunter2');
  });
});

describe('the value of an environment variable may be shown', () => {
  test.each([
    ['LOG_LEVEL', 'debug'],
    ['TZ', 'Europe/Berlin'],
    ['API_PORT', '8000'],
    ['DB_HOST', 'db'],
    ['NODE_ENV', 'production'],
    ['S3_BUCKET', 'shop'],
  ])('if its key is plainly harmless: %s', (key, value) => {
    expect(isHarmless(key, value)).toBe(true);
  });

  test.each([
    ['PASSWORD', 'x'],
    ['DB_PASSWORD', 'x'],
    ['AWS_SECRET_ACCESS_KEY', 'x'],
    ['API_TOKEN', 'x'],
    ['SENTRY_DSN', 'x'],
    ['TOKEN_SIZE', '5'],
    ['SOMETHING', 'x'],
    ['HOST_URL', 'x'],
  ])('but not %s', (key, value) => {
    expect(isHarmless(key, value)).toBe(false);
  });

  test('if it was declared so', () => {
    expect(isHarmless('SOMETHING', 'x', ['SOMETHING'])).toBe(true);
    expect(isHarmless('SOMETHING_ELSE', 'x', ['SOMETHING'])).toBe(false);
  });

  test.each(['postgres://shop:hunter2@db/shop', 'redis://:hunter2@cache:6379', 'see amqp+ssl://a:b@c here'])(
    'but never if it holds a URL with a password: %s',
    (url) => {
      expect(isHarmless('DB_HOST', url)).toBe(false);
      expect(isHarmless('SOMETHING', url, ['SOMETHING'])).toBe(false);
    },
  );

  test.each(['http://db:5432/', 'https://shop.example.com/a@b', 'user@example.com'])('even if it is %s', (url) => {
    expect(isHarmless('DB_HOST', url)).toBe(true);
  });
});

test.each([
  ['REDIS_PASSWORD', true],
  ['db_pass', true],
  ['MINIO_ACCESS_KEY', true],
  ['DB_HOST', false],
])('the name %s is that of a secret: %o', (name, expected) => {
  expect(namesSecret(name)).toBe(expected);
});

describe('text that contains a secret', () => {
  test('is masked as a whole, wherever the secret stands in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 6 }), fc.string(), (before, secret, after) => {
        const text = taint(before + secret + after, new Set(['another secret', secret]));
        expect(text).toBeInstanceOf(Sensitive);
        expect((text as Sensitive).reveal()).toBe(before + secret + after);
      }),
    );
  });

  test('is left alone if the secret is shorter than 6 characters: such text occurs by chance', () => {
    expect(taint('the shop', new Set(['shop']))).toBe('the shop');
  });

  test('is left alone if it contains none', () => {
    expect(taint('echo hello', new Set(['hunter22']))).toBe('echo hello');
  });
});
