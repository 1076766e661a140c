import { describe, expect, test } from 'vitest';

import { Random } from '../../soak/random';

const many = <T>(make: (random: Random) => T, seed = 1): T[] => {
  const random = new Random(seed);
  return Array.from({ length: 1000 }, () => make(random));
};

describe('random choices', () => {
  test('are the same for the same seed and others for another', () => {
    expect(many((random) => random.next())).toEqual(many((random) => random.next()));
    expect(many((random) => random.next(), 2)).not.toEqual(many((random) => random.next(), 1));
  });

  test('are spread evenly', () => {
    const counts = [0, 0, 0, 0];
    for (const choice of many((random) => random.below(4))) counts[choice]!++;
    for (const count of counts) expect(count).toBeGreaterThan(200);
    expect(many((random) => random.chance(0.25)).filter(Boolean).length).toBeGreaterThan(200);
  });

  test('come as often as their weight says', () => {
    const names = many((random) => random.weighted({ often: 9, seldom: 1, never: 0 }));
    expect(names.filter((name) => name === 'seldom').length).toBeGreaterThan(50);
    expect(names.filter((name) => name === 'often').length).toBeGreaterThan(800);
    expect(names).not.toContain('never');
  });

  test('of some of a list are at least one, in the order of the list', () => {
    for (const chosen of many((random) => random.some([1, 2, 3]))) {
      expect(chosen.length).toBeGreaterThan(0);
      expect(chosen).toEqual([...new Set(chosen)].sort());
    }
  });
});
