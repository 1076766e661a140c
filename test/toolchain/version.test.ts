import { describe, expect, test } from 'vitest';
import { isAtLeast, isCompatible, parseVersion } from '../../toolchain/version';

const version = (text: string) => parseVersion(text)!;

describe('parseVersion', () => {
  test.each([
    ['v3.256.0', { major: 3, minor: 256, patch: 0 }],
    ['3.257.1-dev.0+abc', { major: 3, minor: 257, patch: 1 }],
    ['Docker Compose version v2.39.1-desktop.1', { major: 2, minor: 39, patch: 1 }],
    ['go1.26.8\n', { major: 1, minor: 26, patch: 8 }],
    ['go1.27rc1', { major: 1, minor: 27, patch: 0 }],
  ])('reads %s', (text, expected) => {
    expect(parseVersion(text)).toEqual(expected);
  });

  test('finds none where there is none', () => {
    expect(parseVersion('command not found')).toBeUndefined();
  });
});

test('a newer minor version of the same major version is compatible, an older one or another major version is not', () => {
  const wanted = version('3.256.0');
  expect(['3.256.0', '3.256.9', '3.300.0'].map((text) => isCompatible(version(text), wanted))).toEqual([
    true,
    true,
    true,
  ]);
  expect(['3.255.9', '2.300.0', '4.256.0'].map((text) => isCompatible(version(text), wanted))).toEqual([
    false,
    false,
    false,
  ]);
});

test('versions are ordered by number, not by text', () => {
  expect(isAtLeast(version('2.100.0'), version('2.20.0'))).toBe(true);
  expect(isAtLeast(version('10.0.0'), version('9.9.9'))).toBe(true);
  expect(isAtLeast(version('2.19.9'), version('2.20.0'))).toBe(false);
});
