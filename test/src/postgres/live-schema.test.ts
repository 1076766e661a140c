import { expect, test } from 'vitest';

import { summaryByKind } from '../../../src/postgres/live-schema';

const goods = { kind: 'table', name: 'goods', definition: 'id int' };
const people = { kind: 'table', name: 'people', definition: 'id int' };
const index = { kind: 'index', name: 'goods_pkey', definition: 'btree (id)' };

test('a schema is summed up by kind of object: how many, and a hash that does not depend on their order', () => {
  const summary = summaryByKind([people, index, goods]);
  expect(Object.keys(summary)).toEqual(['index', 'table']);
  expect(summary['table']).toMatch(/^2 [0-9a-f]{12}$/);
  expect(summaryByKind([goods, people, index])).toEqual(summary);
});

test('a changed object changes the line of its kind, and no other', () => {
  const before = summaryByKind([goods, people, index]);
  const after = summaryByKind([{ ...goods, definition: 'id bigint' }, people, index]);
  expect(after['table']).not.toBe(before['table']);
  expect(after['index']).toBe(before['index']);
});
