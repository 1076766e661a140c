import { describe, expect, test } from 'vitest';

import { revisionText, roughSize } from '../../../src/actions/schema-state';

const mebibytes = (count: number): number => count * 2 ** 20;

describe('the size of a database', () => {
  test('is told with two digits', () => {
    expect(roughSize(mebibytes(7.6), undefined)).toBe(7.6);
    expect(roughSize(mebibytes(312), undefined)).toBe(310);
    expect(roughSize(1, undefined)).toBe(1);
  });

  test('stays as it was told until it has changed by a quarter', () => {
    expect(roughSize(mebibytes(370), 310)).toBe(310);
    expect(roughSize(mebibytes(260), 310)).toBe(310);
    expect(roughSize(mebibytes(400), 310)).toBe(400);
    expect(roughSize(mebibytes(200), 310)).toBe(200);
  });
});

test('revisions of several branches are one text, whatever their order', () => {
  expect(revisionText(['b2', 'a1'])).toBe('a1, b2');
  expect(revisionText([])).toBe('');
});
