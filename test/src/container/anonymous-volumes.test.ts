import { expect, test } from 'vitest';

import { anonymousVolumeName } from '../../../src/container/anonymous-volumes';

test.each([
  ['/var/lib/data', 'shop-db-1_var_lib_data'],
  ['/data/', 'shop-db-1_data'],
  ['/', 'shop-db-1_root'],
  ['/a b/ü', 'shop-db-1_a_b_9f3a35f7'],
])('an anonymous volume at %s lasts under the name %s', (path, expected) => {
  expect(anonymousVolumeName('shop-db-1', path)).toBe(expected);
});

test('paths that differ in more than a slash at the end have volumes of their own', () => {
  const names = ['/a/b', '/a_b', '/a-b', '/a/b_', '/a//b'].map((path) => anonymousVolumeName('shop-db-1', path));
  expect(new Set(names).size).toBe(names.length);
});
