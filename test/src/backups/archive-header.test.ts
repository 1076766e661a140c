import { expect, test } from 'vitest';

import { archiveHeader } from '../../../src/backups/archive-header';

// As WriteHead of src/bin/pg_dump/pg_backup_archiver.c of Postgres 15 writes it: a sign and four bytes for each number.
const integer = (value: number): Buffer => Buffer.from([0, value & 255, (value >> 8) & 255, 0, 0]);
const text = (value: string): Buffer => Buffer.concat([integer(value.length), Buffer.from(value)]);
const head = Buffer.concat([
  Buffer.from([...Buffer.from('PGDMP'), 1, 14, 0, 4, 8, 1]),
  integer(1),
  ...[30, 15, 10, 24, 9, 126, 0].map(integer),
  text('shop'),
  text('15.20 (Debian 15.20-0+deb12u1)'),
  text('15.20 (Debian 15.20-0+deb12u1)'),
]);

test('the header of an archive says what it is of', () => {
  expect(archiveHeader(head)).toMatchObject({
    kind: 'custom',
    format: '1.14',
    database: 'shop',
    serverVersion: expect.stringMatching(/^15\.20 /) as string,
    dumpVersion: expect.stringMatching(/^15\.20 /) as string,
    madeAt: new Date(2026, 9, 24, 10, 15, 30),
  });
});

test('one that is cut short says nothing', () => {
  for (let length = 0; length < head.length; length++) expect(archiveHeader(head.subarray(0, length))).toBeUndefined();
});
