import { expect, test } from 'vitest';

import { timeInName } from '../../../src/backups/name-time';

const now = new Date(2026, 10, 25);
const local = (...parts: [number, number, number, number?, number?, number?]): Date => {
  const [year, month, day, hour = 0, minute = 0, second = 0] = parts;
  return new Date(year, month - 1, day, hour, minute, second);
};

test.each([
  ['backup_20261124_101500.sql', local(2026, 11, 24, 10, 15)],
  ['backup_20261124_101500.sql.gz', local(2026, 11, 24, 10, 15)],
  ['shop-2026-11-24.dump', local(2026, 11, 24)],
  ['shop.2026-11-24T10-15-30.tar', local(2026, 11, 24, 10, 15, 30)],
  ['2026-11-24_10h15m30s_db.sql', local(2026, 11, 24, 10, 15, 30)],
  ['dump-202611241015', local(2026, 11, 24, 10, 15)],
  ['20261124101530.sql', local(2026, 11, 24, 10, 15, 30)],
  ['shop_20261124T101500Z.dump', new Date('2026-11-24T10:15:00Z')],
  ['/backups/20200101/shop_20261124.sql', local(2026, 11, 24)],
])('%s', (name, expected) => {
  expect(timeInName(name, now)).toEqual(expected);
});

test.each([
  'backup.sql',
  'shop-v2.dump',
  'order_12345678.sql',
  'backup_20261341_101500.sql',
  'backup_20260230_101500.sql',
  'backup_20261124_251500.sql',
  'backup_20271124_101500.sql',
  '/backups/20261124/shop.sql',
])('no time: %s', (name) => {
  expect(timeInName(name, now)).toBeUndefined();
});
