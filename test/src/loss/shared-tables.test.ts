import { expect, test } from 'vitest';

import { changeColumn, type ComparedColumn } from '../../../src/loss/shared-tables';

const time = (name: string, isNow = false): ComparedColumn => ({ name, type: 'timestamptz', isTime: true, isNow });
const text = (name: string): ComparedColumn => ({ name, type: 'text', isTime: false, isNow: false });

test.each<[ComparedColumn[], ReturnType<typeof changeColumn>]>([
  [[time('created_at', true), time('updated_at')], { name: 'updated_at', updates: true }],
  [[time('createdAt'), time('finished_at')], { name: 'createdAt', updates: false }],
  [[time('lastModified')], { name: 'lastModified', updates: true }],
  [[time('seen'), time('received', true)], { name: 'received', updates: false }],
  [[time('at', true), time('due')], { name: 'at', updates: false }],
  [[time('due'), time('paid')], undefined],
  [[time('a', true), time('b', true)], undefined],
  [[text('updated_at'), text('created_at')], undefined],
])('%j', (columns, expected) => {
  expect(changeColumn(columns)).toEqual(expected);
});
