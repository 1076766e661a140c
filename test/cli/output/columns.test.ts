import { expect, test } from 'vitest';

import { columns, localTime } from '../../../cli/output/columns';

test('cells stand below each other, and no line ends with spaces', () => {
  expect(
    columns([
      ['a', 'long one', 'x'],
      ['longer', '', ''],
      ['b', 'c', 'the last may be as long as it likes'],
    ]),
  ).toBe(['a       long one  x', 'longer', 'b       c         the last may be as long as it likes'].join('\n'));
});

test('lines can be indented', () => {
  expect(
    columns(
      [
        ['a', 'b'],
        ['cc', 'd'],
      ],
      '  ',
    ),
  ).toBe('  a   b\n  cc  d');
});

test('a time is told to the minute, in the time zone of whoever reads it', () => {
  expect(localTime(new Date(2026, 0, 2, 3, 4, 59))).toBe('2026-01-02 03:04');
});
