import { expect, test } from 'vitest';

import { apiAtLeast } from '../../../src/container/mapping';
import { engineFacts } from '../../support/compose-project';

test.each([
  ['1.41', '1.44', false],
  ['1.44', '1.44', true],
  ['1.100', '1.44', true],
  ['2.0', '1.44', true],
  ['1.9', '1.44', false],
])('the API %s is at least %s: %s', (apiVersion, wanted, expected) => {
  expect(apiAtLeast({ ...engineFacts, apiVersion }, wanted)).toBe(expected);
});
