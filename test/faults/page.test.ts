import { expect, test } from 'vitest';

import type { Row } from '../../faults/matrix';
import { pageOf } from '../../faults/page';

const families = [
  { name: 'kills', title: 'Processes killed' },
  { name: 'store', title: 'The store' },
];

function row(family: string, what: string): Row {
  const how = { phase: 'protect', way: '`--only images`', happened: 'killed', wayOn: '', seconds: 1.25 };
  return { family, what, ...how, flaws: [], said: '' };
}

const [first, later] = [new Date('2026-03-01T12:00:00Z'), new Date('2026-04-01T12:00:00Z')];

test('a page has a table for each family, and says how many faults there are', async () => {
  const page = await pageOf(families, [row('store', 'full'), row('kills', 'kill -9'), row('kills', 'kill')], '', first);
  expect(page).toContain('is met by 3 faults');
  expect(page.match(/^## .*$/gm)).toEqual(['## Processes killed', '## The store']);
  expect(page).toMatch(/^\| kill -9 +\| protect +\| `--only images` +\| killed +\| — +\| 1\.3 +\|$/m);
});

test('the tables of families that were not met again stay as they are', async () => {
  const before = await pageOf(families, [row('kills', 'kill -9'), row('store', 'full')], '', first);
  const page = await pageOf(families, [row('store', 'read-only'), row('store', 'cut off')], before, later);
  expect(page).toContain('is met by 3 faults');
  expect(page).toMatch(/## Processes killed\n\nMet on 2026-03-01\.\n[^#]*kill -9/);
  expect(page).toMatch(/## The store\n\nMet on 2026-04-01\.\n[^#]*read-only/);
  expect(page).not.toContain('full');
});
