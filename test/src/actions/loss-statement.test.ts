import { expect, test } from 'vitest';

import { isAccepted } from '../../../src/actions/loss-statement';

const statement = { names: ['public.jobs.formula', 'public.odd,name'], lines: [] };

test.each([
  ['each by itself', ['public.jobs.formula', 'public.odd,name'], true],
  ['all of them as the refusal asks for it', ['public.jobs.formula,public.odd,name'], true],
  ['one of them', ['public.jobs.formula'], false],
  ['none', [], false],
])('what would be lost is accepted by naming it: %s', (_how, accepted, expected) => {
  expect(isAccepted(statement, accepted)).toBe(expected);
});

test('names can be given in one text or in several, with spaces, and others beside them', () => {
  const plain = { names: ['0002', 'public.goods.price'], lines: [] };
  expect(isAccepted(plain, ['0002, public.goods.price'])).toBe(true);
  expect(isAccepted(plain, ['public.goods.price', '0002', 'public.gone'])).toBe(true);
});

test('where nothing is lost, nothing has to be named', () => {
  expect(isAccepted({ names: [], lines: [] }, [])).toBe(true);
});
