import { expect, test } from 'vitest';

import { derivedName, identifier, literal, longestName, textArray } from '../../../src/postgres/sql';

test('names are quoted, whatever is in them', () => {
  expect(identifier('Sales')).toBe('"Sales"');
  expect(identifier('a"; DROP TABLE b; --')).toBe('"a""; DROP TABLE b; --"');
});

test('texts are quoted, whatever is in them and however the server takes backslashes', () => {
  expect(literal("o'brien")).toBe("'o''brien'");
  expect(literal("a\\'b")).toBe(" E'a\\\\''b'");
});

test('lists of texts are arrays, empty ones too', () => {
  expect(textArray(['a', "b'c"])).toBe("ARRAY['a', 'b''c']::text[]");
  expect(textArray([])).toBe('ARRAY[]::text[]');
});

test('a name that is derived from another is never longer than Postgres keeps', () => {
  expect(derivedName('shop', '.before-20261124-101500')).toBe('shop.before-20261124-101500');
  const long = derivedName('ü'.repeat(31), '.before-20261124-101500');
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(longestName);
  expect(long).toMatch(/^ü+\.before-20261124-101500$/);
});
