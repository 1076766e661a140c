import { Readable } from 'node:stream';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { compareSorted, endOfTable, SortedRows } from '../../../src/loss/sorted-rows';

type Row = readonly [key: string, hash: string, changedAt?: number];

/** Rows as the server sends them, in chunks of some size. */
function sent(tables: readonly (readonly Row[])[], chunk = 7): SortedRows {
  const text = tables
    .map((rows) => {
      const sorted = rows.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      return sorted.map(([key, hash, at]) => `${key}\t${hash}\t${at ?? '\\N'}\n`).join('') + `${endOfTable}\n`;
    })
    .join('');
  const chunks = Array.from({ length: Math.ceil(text.length / chunk) }, (_, at) =>
    Buffer.from(text.slice(at * chunk, (at + 1) * chunk)),
  );
  return new SortedRows(Readable.from(chunks));
}

const rows = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[0-9a-f]{1,3}$/), fc.constantFrom('1', '2')), {
  selector: ([key]) => key,
  maxLength: 40,
});

describe('two tables', () => {
  test('differ as their rows do, wherever a chunk ends', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, fc.integer({ min: 1, max: 50 }), async (now, before, chunk) => {
        const [here, there] = [new Map(now), new Map(before)];
        const expected = {
          inserted: now.filter(([key]) => !there.has(key)).length,
          updated: now.filter(([key, hash]) => there.has(key) && there.get(key) !== hash).length,
          deleted: before.filter(([key]) => !here.has(key)).length,
        };
        expect(await compareSorted(sent([now], chunk), sent([before], chunk))).toMatchObject(expected);
      }),
    );
  });

  test('without keys differ by how often a row is there', async () => {
    const now = [
      ['a', '0'],
      ['a', '0'],
      ['a', '0'],
      ['b', '0'],
    ] as const;
    const before = [
      ['a', '0'],
      ['b', '0'],
      ['b', '0'],
      ['c', '0'],
    ] as const;
    expect(await compareSorted(sent([now]), sent([before]))).toMatchObject({ inserted: 2, updated: 0, deleted: 2 });
  });

  test('come one after the other in one stream', async () => {
    const [now, before] = [sent([[['a', '1']], [], [['b', '1']]]), sent([[], [['a', '1']], [['b', '2']]])];
    expect(await compareSorted(now, before)).toMatchObject({ inserted: 1, deleted: 0 });
    expect(await compareSorted(now, before)).toMatchObject({ inserted: 0, deleted: 1 });
    expect(await compareSorted(now, before)).toMatchObject({ updated: 1 });
  });

  test('that end in the middle are an error', async () => {
    const cut = new SortedRows(Readable.from([Buffer.from('a\t1\t\\N\nb\t')]));
    await expect(compareSorted(cut, sent([[]]))).rejects.toThrow('ended before');
  });
});

describe('the time of a change', () => {
  const now: Row[] = [
    ['new', '1', 50],
    ['newer', '1', 80],
    ['old date', '1', 3],
    ['other', '1', 90],
    ['same', '1', 95],
  ];
  const before: Row[] = [
    ['other', '2'],
    ['same', '1'],
  ];

  test('is that of rows that are new, if the column tells of no more', async () => {
    const times = { updates: false, from: 10, to: 100 };
    expect(await compareSorted(sent([now]), sent([before]), times)).toMatchObject({ oldest: 50, newest: 80 });
  });

  test('is that of rows that are other ones, too, if the column tells', async () => {
    const times = { updates: true, from: 10, to: 100 };
    expect(await compareSorted(sent([now]), sent([before]), times)).toMatchObject({ oldest: 50, newest: 90 });
  });

  test('is not known if it cannot be one', async () => {
    const times = { updates: true, from: 200, to: 300 };
    expect(await compareSorted(sent([now]), sent([before]), times)).toMatchObject({ oldest: undefined });
  });
});
