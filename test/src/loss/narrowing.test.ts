import { expect, test } from 'vitest';

import type { WrittenType } from '../../../src/loss/effects';
import { type ColumnType, narrows } from '../../../src/loss/narrowing';

const from = (name: string, modifier = -1, isArray = false): ColumnType => ({ name, modifier, isArray });
const to = (name: string, ...modifiers: number[]): WrittenType => ({ name, modifiers, isArray: false });
/** As the catalogue keeps precision and scale. */
const numeric = (precision: number, scale: number): ColumnType => from('numeric', ((precision << 16) | scale) + 4);

test.each<[ColumnType, WrittenType, boolean]>([
  [from('int4'), to('int8'), false],
  [from('int8'), to('int4'), false], // fails instead
  [from('int4'), to('numeric', 10, 2), false],
  [from('numeric'), to('int4'), true],
  [numeric(10, 4), to('numeric', 10, 2), true],
  [numeric(10, 2), to('numeric', 12, 2), false],
  [numeric(10, 2), to('numeric'), false],
  [from('numeric'), to('numeric', 10, 2), true],
  [from('varchar', 104), to('varchar', 50), false], // fails instead
  [from('text'), to('varchar', 50), false],
  [from('jsonb'), to('text'), false],
  [from('text'), to('name'), true],
  [from('float8'), to('float4'), true],
  [from('float4'), to('float8'), false],
  [from('float8'), to('numeric'), true],
  [from('timestamptz'), to('date'), true],
  [from('date'), to('timestamptz'), false],
  [from('timestamptz'), to('timestamptz', 0), true],
  [from('timestamptz', 3), to('timestamptz'), false],
  [from('json'), to('jsonb'), true],
  [from('int4', -1, true), to('int4'), true],
  [from('text', -1, true), to('text'), false],
])('%j to %j: %s', (before, after, expected) => {
  expect(narrows(before, after, false)).toBe(expected);
});

test('an expression may make anything of a value', () => {
  expect(narrows(from('int4'), to('int4'), true)).toBe(true);
});
