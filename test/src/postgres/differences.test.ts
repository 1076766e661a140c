import { describe, expect, test } from 'vitest';

import { type ComparedState, differences, sequenceDifferences } from '../../../src/postgres/differences';

const state: ComparedState = {
  revisions: ['0002'],
  schema: { 'table public.goods': 'a', 'index public.goods_pkey': 'b' },
  content: {
    tables: [{ schema: 'public', name: 'goods', rows: 3, checksum: '17' }],
    largeObjects: { count: 1, checksum: '5' },
  },
};

const withTable = (rows: number, checksum: string): ComparedState => ({
  ...state,
  content: { ...state.content, tables: [{ schema: 'public', name: 'goods', rows, checksum }] },
});

describe('a database', () => {
  test('does not differ from itself', () => {
    expect(differences(state, state)).toEqual([]);
  });

  test('at another revision', () => {
    expect(differences(state, { ...state, revisions: [] })).toEqual(['revision none instead of 0002']);
  });

  test('with objects that are missing, new or others', () => {
    const schema = { 'table public.goods': 'x', 'view public.v': 'c' };
    expect(differences(state, { ...state, schema })).toEqual([
      'index public.goods_pkey is missing',
      'table public.goods is another',
      'view public.v is new',
    ]);
  });

  test('with another number of rows', () => {
    expect(differences(state, withTable(2, '9'))).toEqual(['public.goods has 2 rows instead of 3']);
  });

  test('with as many rows, but others', () => {
    expect(differences(state, withTable(3, '9'))).toEqual(['public.goods has other rows']);
    expect(differences(state, withTable(3, '9'), false)).toEqual([]);
  });

  test('with other large objects', () => {
    const content = { ...state.content, largeObjects: { count: 1, checksum: '6' } };
    expect(differences(state, { ...state, content })).toEqual(['large objects have other contents']);
  });
});

describe('a sequence that went on while a dump was written', () => {
  const at = (value: string | null): { schema: string; name: string; value: string | null }[] => [
    { schema: 'public', name: 's', value },
  ];
  test.each([
    ['5', '9', '5', 0],
    ['5', '9', '7', 0],
    ['5', '9', '9', 0],
    ['5', '9', '10', 1],
    ['5', '9', null, 1],
    [null, null, null, 0],
    [null, '3', '2', 0],
    [null, null, '1', 1],
    ['-5', '-9', '-7', 0],
  ])('from %s to %s may stand at %s in it: %i findings', (before, after, actual, findings) => {
    expect(sequenceDifferences(at(before), at(after), at(actual))).toHaveLength(findings);
  });
});
