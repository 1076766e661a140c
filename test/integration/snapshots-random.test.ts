import { test } from 'vitest';

import { snapshotRoundTrips } from '../../soak/snapshots/round-trips';

// A few rounds of `npm run soak -- --only snapshots`, always the same ones.
test('a database that is made up, changed and restored from its snapshot is again, to the last row and right, what it was', async () => {
  const said: string[] = [];
  try {
    await snapshotRoundTrips({
      project: 'rewind-snapshots-random',
      seed: 7,
      rounds: 6,
      say: (line) => said.push(line),
    });
  } catch (error) {
    // The way there is part of the finding.
    throw new Error([...said, String(error)].join('\n'), { cause: error });
  }
});
