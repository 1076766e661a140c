import { expect, test } from 'vitest';

import { type LossOutlook, lossOutlookLines } from '../../../src/loss/outlook';

const exact = (value: number): { value: number; kind: 'exact' } => ({ value, kind: 'exact' });

const downgrade = {
  items: [
    { revision: '0003', kind: 'dropped', schema: 'public', table: 'zones', count: exact(1200) },
    {
      revision: '0002',
      kind: 'narrowed',
      schema: 'app',
      table: 'jobs',
      column: 'price',
      count: { value: 5, kind: 'estimate' },
    },
    { revision: '0002', kind: 'deleted', schema: 'app', table: 'jobs', count: { value: 7, kind: 'at most' } },
  ],
  rows: { value: 1207, kind: 'at most' },
  values: { value: 5, kind: 'estimate' },
  objects: [{ revision: '0002', what: 'view totals' }],
  unknown: [],
  noDowngrade: [],
} as const satisfies LossOutlook['downgrade'];

const advice = { choice: 'downgrade', why: 'it loses less' } as const;

test('a downgrade is told with each table and column, how many, and where they are kept', () => {
  expect(lossOutlookLines({ downgrade, advice }).join('\n')).toBe(
    `A downgrade would take away up to 1,207 rows and about 5 values (estimated, as counting takes too long):
    0003: table public.zones is dropped: 1,200 rows
    0002: column app.jobs.price is narrowed: about 5 values (estimated, as counting takes too long)
    0002: table app.jobs loses up to 7 rows
    0002: view totals is dropped (holds no data)
    It is copied into the schema rewind_salvage of the same database first, and stays there until that is dropped on purpose.
Advice: downgrade, because it loses less.`,
  );
});

test('where only one way was looked at, nothing is advised', () => {
  expect(lossOutlookLines({ downgrade }).join('\n')).not.toContain('Advice');
});

test('a step without a way back is told first', () => {
  const stuck = { ...downgrade, items: [], objects: [], noDowngrade: [{ revision: '0004', what: 'has no downgrade' }] };
  expect(lossOutlookLines({ downgrade: stuck, advice })).toEqual([
    'A downgrade is not possible:',
    '    0004: has no downgrade',
    'Advice: downgrade, because it loses less.',
  ]);
});

test('a downgrade that takes nothing away is one line', () => {
  const none = { ...downgrade, items: [], objects: [], rows: exact(0), values: exact(0) };
  expect(lossOutlookLines({ downgrade: none, advice })[0]).toBe('A downgrade would lose nothing.');
});

test('a restore is told table by table, with the times that are known', () => {
  const restore = {
    id: 's-1',
    takenAt: '2026-11-24T10:15:00.000Z',
    loss: {
      compared: 9,
      inserted: 8,
      updated: 1,
      deleted: 2,
      newValues: 4,
      oldest: '2026-11-24T11:00:00.000Z',
      newest: '2026-11-24T12:00:00.000Z',
      tables: [
        {
          schema: 'public',
          name: 'jobs',
          kind: 'changed',
          inserted: 5,
          updated: 1,
          deleted: 0,
          newColumns: [{ column: 'zone', values: 4 }],
          hasKey: true,
          oldest: '2026-11-24T11:00:00.000Z',
          newest: '2026-11-24T12:00:00.000Z',
        },
        { schema: 'public', name: 'log', kind: 'new', inserted: 3, updated: 0, deleted: 0, hasKey: false },
        { schema: 'public', name: 'old', kind: 'gone', inserted: 0, updated: 0, deleted: 2, hasKey: true },
      ],
    },
  } as const satisfies LossOutlook['restore'];
  expect(lossOutlookLines({ restore, advice }).join('\n')).toBe(
    `Since s-1 (2026-11-24 10:15 UTC), these have changed in 3 of 9 tables, and would be as they were then (from 2026-11-24 11:00:00 UTC to 2026-11-24 12:00:00 UTC):
    public.jobs: 5 inserted, 1 updated, 4 values of the new column zone, from 2026-11-24 11:00:00 UTC to 2026-11-24 12:00:00 UTC
    public.log: was not there then, with 3 rows
    public.old: comes back, with 2 rows
    In all: 8 inserted, 1 updated, 2 deleted, 4 values of new columns.
    The database that is replaced is kept, complete to its last write, until it is removed on purpose (rewind snapshot prune --databases).
Advice: downgrade, because it loses less.`,
  );
});

test('a restore that was not counted says at least how much, and how to count it', () => {
  const restore = {
    id: 's-1',
    takenAt: '2026-11-24T10:15:00.000Z',
    rough: {
      tables: [
        { schema: 'public', name: 'jobs', was: 10, is: exact(12) },
        { schema: 'public', name: 'log', is: exact(1) },
      ],
      atLeast: 3,
      rows: 13,
    },
  } as const satisfies LossOutlook['restore'];
  expect(lossOutlookLines({ restore, advice })).toEqual([
    'A restore would lose at least 3 changes since s-1 (2026-11-24 10:15 UTC). To count every change: rewind plan --loss.',
    '    public.jobs: 12 rows now, 10 then',
    '    public.log: 1 row now, not there then',
    '    The database that is replaced is kept, complete to its last write, until it is removed on purpose (rewind snapshot prune --databases).',
    'Advice: downgrade, because it loses less.',
  ]);
});
