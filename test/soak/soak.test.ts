import { expect, test } from 'vitest';

import { differences, Mismatch } from '../../soak/soak';

test('what differs is named by its path, with both values', () => {
  const expected = { services: { api: { image: 'a', ports: ['80'] }, old: { image: 'c' } } };
  const found = { services: { api: { image: 'b', ports: ['80', '81'] }, more: { image: 'd' } } };
  expect(differences(expected, found)).toEqual([
    'services.api.image: expected "a", found "b"',
    'services.api.ports: expected ["80"], found ["80","81"]',
    'services.more: expected undefined, found {"image":"d"}',
    'services.old: expected {"image":"c"}, found undefined',
  ]);
  expect(differences(expected, structuredClone(expected))).toEqual([]);
});

test('a mismatch says where it was and what differs', () => {
  expect(new Mismatch('round 3:', ['a: expected 1, found 2']).message).toBe('round 3:\n  a: expected 1, found 2');
});
