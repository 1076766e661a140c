import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { holderOf, withLock } from '../lock.mjs';
import type { ReleaseStore } from '../releases/release-store';

/** For so long a step is waited for that nobody looks after any more. */
const patienceMs = 120_000;
const pollMs = 50;

/**
 * Does a step of an update on the data. When the engine that has started it is killed it goes on to its end, which whoever
 * comes next has to wait for: what it finds done is not done yet, or not all of it.
 *
 * @throws RewindError store/unusable
 */
export async function withStepLock<T>(releases: ReleaseStore, what: string, work: () => Promise<T>): Promise<T> {
  const step = { began: false };
  const locked = (): Promise<T> =>
    withLock(
      fileIn(releases),
      () => {
        step.began = true;
        return work();
      },
      { what, timeoutMs: patienceMs },
    );
  try {
    return await releases.withRoomForData(locked, () => !step.began);
  } catch (error) {
    throw step.began ? error : releases.unusable('cannot be written', error);
  }
}

/** Waits for the end of a step that was left alone; for some time, as it may hang. */
export async function stepsEnded(releases: ReleaseStore): Promise<void> {
  for (const end = Date.now() + patienceMs; holderOf(fileIn(releases)) !== undefined && Date.now() < end;) {
    await sleep(pollMs);
  }
}

function fileIn({ folder }: ReleaseStore): string {
  return join(folder, 'data', 'step');
}
