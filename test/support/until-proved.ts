import { setTimeout as sleep } from 'node:timers/promises';

import { run } from '../../src/process';

const withinMs = 120_000;

/**
 * Waits for the proof of a snapshot that still goes on in the background after an update: it would be measured as well.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function untilProved(stack: string): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const { stdout } = await run(['pgrep', '-f', `op.js prove --stack ${stack}`]);
    if (stdout === '') return;
    await sleep(500);
  }
  throw new Error('a snapshot is still being proved');
}
