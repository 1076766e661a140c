import { expect, test } from 'vitest';

import { historyText } from '../../../cli/output/history-text';
import type { HistoryRow } from '../../../src/releases/history';

const row = (more: Partial<HistoryRow>): HistoryRow => ({
  isNew: true,
  result: 'succeeded',
  at: new Date(2026, 10, 24, 8, 41),
  seconds: 4.2,
  images: {},
  ...more,
});

/** The cells of a history's lines below the head. */
const lines = (rows: HistoryRow[], current?: number): string[] =>
  historyText(rows, current)
    .split('\n')
    .slice(1)
    .map((line) => line.replaceAll(/ {2,}/g, ' | '));

test('a history without an update says how to make the first', () => {
  expect(historyText([], undefined)).toBe('There is no update yet. The first one: rewind deploy, or pulumi up.');
});

test('the newest comes first, and what runs has a mark', () => {
  const rows = [row({ release: 1, by: 'kim@box', message: 'first' }), row({ release: 2, by: 'eve@box' })];
  expect(lines(rows, 2)).toEqual([
    'r2 * | 2026-11-24 08:41 | 4.2 s | succeeded | eve@box',
    'r1 | 2026-11-24 08:41 | 4.2 s | succeeded | kim@box | first',
  ]);
});

test('it tells of failures, of updates that changed nothing, and of a record that cannot be read', () => {
  const rows = [
    row({ isNew: false, result: 'failed', message: 'broken' }),
    row({ release: 1, isNew: false }),
    row({ isNew: false }),
    row({ isNew: false, result: 'taken down' }),
    row({ release: 2, result: 'damaged', at: new Date(NaN), seconds: NaN }),
  ];
  expect(lines(rows, 1).map((line) => line.replace('2026-11-24 08:41 | 4.2 s | ', ''))).toEqual([
    'r2 | damaged',
    ' | taken down',
    ' | succeeded',
    'r1 | unchanged',
    ' | failed | broken',
  ]);
});

test('it says what was brought back, why, and which images came with it', () => {
  const images = {
    api: { from: 'registry.example.com:5000/shop/api:v2', to: 'registry.example.com:5000/shop/api:v1' },
    cron: { from: 'shop/cron:v1' },
    jobs: { to: 'shop/jobs' },
    web: { to: `sha256:${'ab'.repeat(32)}` },
  };
  expect(lines([row({ release: 3, by: 'kim@box', revertOf: 1, message: 'checkout broken', images })])[0]).toContain(
    'back to r1 checkout broken (api v2 → v1, cron removed, jobs shop/jobs, web sha256:abababababab)',
  );
});

test('of many images it names four', () => {
  const images = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, { to: `${name}:1` }]));
  expect(lines([row({ release: 1, images })])[0]).toMatch(/\(a 1, b 1, c 1, d 1, and 2 more\)$/);
});
