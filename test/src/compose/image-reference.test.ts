import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  applyImageRequest,
  familiar,
  parseImageRequest,
  repositoryOf,
  withDefaultTag,
  withoutIdleTag,
} from '../../../src/compose/image-reference';

const hex = 'a'.repeat(64);

describe('a value of rewind:tags', () => {
  test.each(['v0.2.0', 'latest', '20260301', '_x', 't'.repeat(128)])('%s is a tag', (tag) => {
    expect(parseImageRequest(tag)).toEqual({ kind: 'tag', tag });
  });

  test.each([
    'redis:7',
    'library/redis',
    'registry.example.com/team/api:v1',
    'localhost:5000/api',
    'localhost:5000/api:v1',
    '[fd00::1]:5000/api:v1',
    `api@sha256:${hex}`,
    `registry.example.com:443/api:v1@sha256:${hex}`,
    'a__b/c.d-e--f:v1',
  ])('%s is a reference', (reference) => {
    expect(parseImageRequest(reference)).toEqual({ kind: 'reference', reference });
  });

  test('sha256: and 64 hexadecimal digits is an image ID', () => {
    expect(parseImageRequest(`sha256:${hex}`)).toEqual({ kind: 'id', id: `sha256:${hex}` });
  });

  test.each([
    '',
    ' ',
    'v1 ',
    '-v1',
    '.v1',
    't'.repeat(129),
    'api:',
    ':v1',
    'Api/Web:v1',
    'api:v1:v2',
    'https://registry.example.com/api',
    'api@sha256:abc',
    `api@sha512:${hex}`,
    'sha256:0123456789ab',
    'a//b',
    '/api',
    'api:v 1',
    'ä:v1',
  ])('%o is none of them', (value) => {
    expect(parseImageRequest(value)).toBeUndefined();
  });

  test('a tag replaces tag and digest of the image, and nothing else of it', () => {
    const name = fc.constantFrom('redis', 'team/api', 'localhost:5000/api', 'registry.example.com:443/a/b');
    const suffix = fc.constantFrom('', ':v1', `@sha256:${hex}`, `:v1@sha256:${hex}`);
    fc.assert(
      fc.property(name, suffix, fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), (repository, old, tag) => {
        expect(applyImageRequest(repository + old, parseImageRequest(tag)!)).toBe(`${repository}:${tag}`);
      }),
    );
  });

  test('a reference or an ID replaces the whole image', () => {
    expect(applyImageRequest('api:v1', { kind: 'reference', reference: 'other/api:v2' })).toBe('other/api:v2');
    expect(applyImageRequest('api:v1', { kind: 'id', id: `sha256:${hex}` })).toBe(`sha256:${hex}`);
  });
});

test.each([
  ['redis', 'redis'],
  ['localhost:5000/api:v1', 'localhost:5000/api'],
  ['localhost:5000/api', 'localhost:5000/api'],
  [`redis:7@sha256:${hex}`, 'redis'],
])('the repository of %s is %s', (reference, expected) => {
  expect(repositoryOf(reference)).toBe(expected);
});

test.each([
  ['redis', 'redis:latest'],
  ['redis:7', 'redis:7'],
  ['localhost:5000/api', 'localhost:5000/api:latest'],
  [`redis@sha256:${hex}`, `redis@sha256:${hex}`],
  [`sha256:${hex}`, `sha256:${hex}`],
])('%s is listed by Docker as %s', (reference, expected) => {
  expect(withDefaultTag(reference)).toBe(expected);
});

test.each([
  [`redis:7@sha256:${hex}`, `redis@sha256:${hex}`],
  [`localhost:5000/api:v1@sha256:${hex}`, `localhost:5000/api@sha256:${hex}`],
  [`redis@sha256:${hex}`, `redis@sha256:${hex}`],
  ['redis:7', 'redis:7'],
])('of %s, only %s says which image it is', (reference, expected) => {
  expect(withoutIdleTag(reference)).toBe(expected);
});

test.each([
  ['docker.io/library/redis:7', 'redis:7'],
  ['index.docker.io/library/redis', 'redis'],
  ['library/redis:7', 'redis:7'],
  ['docker.io/team/api', 'team/api'],
  ['registry.example.com/library/redis', 'registry.example.com/library/redis'],
])('the short form of %s is %s', (reference, expected) => {
  expect(familiar(reference)).toBe(expected);
});
