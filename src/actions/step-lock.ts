import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { holderOf, withLock } from '../lock.mjs';
import type { ReleaseStore } from '../releases/release-store';

/** For so long a step is waited for that nobody looks after any more. */
const patienceMs = 120_000;
const pollMs = 50;

/** A step that others go on beside, as it touches nothing that they do. */
const besideOthers = 'restore';

/**
 * Does a step of an update on the data, alone but for a restore beside the live database. When the engine that has started it is killed it goes on to its end, which whoever
 * comes next has to wait for: what it finds done is not done yet, or not all of it.
 *
 * @param what - the step's name, e.g. `migrate`
 * @throws RewindError store/unusable
 */
export async function withStepLock<T>(releases: ReleaseStore, what: string, work: () => Promise<T>): Promise<T> {
  const step = { began: false };
  const locked = (): Promise<T> =>
    withLock(
      fileOf(releases, what),
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

/** Waits for the end of steps that were left alone; for some time, as they may hang. */
export async function stepsEnded(releases: ReleaseStore): Promise<void> {
  const files = ['', besideOthers].map((what) => fileOf(releases, what));
  const isHeld = (): boolean => files.some((file) => holderOf(file) !== undefined);
  for (const end = Date.now() + patienceMs; isHeld() && Date.now() < end;) await sleep(pollMs);
}

function fileOf({ folder }: ReleaseStore, what: string): string {
  return join(folder, 'data', what === besideOthers ? 'step-beside' : 'step');
}
