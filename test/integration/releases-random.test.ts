import { test } from 'vitest';

import { releaseRoundTrips } from '../../soak/releases/round-trips';

// A few rounds of `npm run soak -- --only releases`, always the same ones; what a kill meets still differs.
test('a stack that is changed, killed and reverted at random runs after each step what the model of it says', async () => {
  const said: string[] = [];
  try {
    await releaseRoundTrips({ project: 'rewind-random', seed: 20, rounds: 7, say: (line) => said.push(line) });
  } catch (error) {
    // The way there is part of the finding.
    throw new Error([...said, String(error)].join('\n'), { cause: error });
  }
});
