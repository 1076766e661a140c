import { expect, test } from 'vitest';

import { type DataChoice, type Options, recommend, type RestorePrice } from '../../../src/loss/recommend';

const count = (value: number): { value: number; kind: 'exact' } => ({ value, kind: 'exact' });
const down = (rows: number, values = 0): NonNullable<Options['downgrade']> => ({
  rows: count(rows),
  values: count(values),
  unknown: [],
  noDowngrade: [],
});
const stuck = { ...down(0), noDowngrade: [{ revision: '0004', what: 'the migration has no downgrade' }] };
const dark = { ...down(0), unknown: [{ revision: '0003', what: 'a DO block' }] };
const price = (changes: number, rows = 1000, atLeast = false): RestorePrice => ({ changes, rows, atLeast });
const proved = (cost?: RestorePrice): NonNullable<Options['snapshot']> => ({
  id: 's-1',
  proved: true,
  ...(cost && { price: cost }),
});
const unproved = { ...proved(price(0)), proved: false };

test.each<[what: string, Partial<Options>, DataChoice, why: string | RegExp]>([
  ['the same revision', { sameRevision: true }, 'keep', /nothing would be lost$/],
  ['the same revision, whatever else', { sameRevision: true, downgrade: stuck }, 'keep', /the release knows/],
  ['nothing lost', { downgrade: down(0) }, 'downgrade', 'every step has a way back, and nothing would be lost'],
  [
    'nothing lost, and nothing by a restore',
    { downgrade: down(0), snapshot: proved(price(0)) },
    'downgrade',
    /nothing/,
  ],
  [
    'something lost, no snapshot',
    { downgrade: down(120, 4000) },
    'downgrade',
    'it takes 120 rows and 4,000 values away, which are kept aside first',
  ],
  [
    'something lost, a restore loses less',
    { downgrade: down(120), snapshot: proved(price(3)) },
    'restore',
    /3 changes/,
  ],
  ['a tie', { downgrade: down(7), snapshot: proved(price(7)) }, 'downgrade', /would lose 7 changes$/],
  ['a restore loses more', { downgrade: down(1), snapshot: proved(price(9)) }, 'downgrade', /takes 1 row away/],
  [
    'a restore that may lose more than is known',
    { downgrade: down(9), snapshot: proved(price(0, 9, true)) },
    'downgrade',
    /nothing that is known of/,
  ],
  ['a snapshot that is not proved', { downgrade: down(9), snapshot: unproved }, 'downgrade', /9 rows/],
  [
    'no downgrade, nothing lost by a restore',
    { downgrade: stuck, snapshot: proved(price(0)) },
    'restore',
    '0004 has no downgrade, and restoring s-1 loses nothing',
  ],
  [
    'no downgrade, little lost by a restore',
    { downgrade: stuck, snapshot: proved(price(100)) },
    'restore',
    /100 changes/,
  ],
  [
    'no downgrade, little of many rows',
    { downgrade: stuck, snapshot: proved(price(900, 1_000_000)) },
    'restore',
    /900/,
  ],
  [
    'no downgrade, much lost by a restore',
    { downgrade: stuck, snapshot: proved(price(5000)) },
    'fix-forward',
    '0004 has no downgrade, and restoring s-1 would lose 5,000 changes',
  ],
  [
    'no downgrade, nobody knows what a restore loses',
    { downgrade: stuck, snapshot: proved() },
    'fix-forward',
    /more than has been counted/,
  ],
  [
    'no downgrade, no snapshot',
    { downgrade: stuck },
    'fix-forward',
    '0004 has no downgrade, and no snapshot of that revision is there',
  ],
  [
    'no downgrade, a snapshot that is not proved',
    { downgrade: stuck, snapshot: unproved },
    'fix-forward',
    /s-1 has not been proved yet$/,
  ],
  [
    'a step that cannot be told',
    { downgrade: dark, snapshot: proved(price(1)) },
    'restore',
    /cannot be told what the downgrade of 0003 does \(a DO block\).* 1 change$/,
  ],
  ['a step that cannot be told, no snapshot', { downgrade: dark }, 'fix-forward', /a DO block/],
  [
    'no image that knows the way',
    { canMigrate: false, snapshot: proved(price(0)) },
    'restore',
    /^no image knows the way/,
  ],
  ['no way at all', { canMigrate: false }, 'fix-forward', /no image knows .* no snapshot/],
])('%s', (_what, options, choice, why) => {
  const advice = recommend({ sameRevision: false, canMigrate: true, ...options });
  expect(advice.choice).toBe(choice);
  expect(advice.why).toMatch(why);
});
