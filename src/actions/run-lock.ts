import { join } from 'node:path';

import { RewindError } from '../errors';
import { LockTimeout, withLock } from '../lock.mjs';
import { whoAmI } from './keep-release';
import type { OpenRun } from './open-run';

/**
 * Does something while no rewind command works on the stack. The command that runs this update has locked it already;
 * for a bare `pulumi up` nobody has.
 *
 * @throws RewindError release/locked
 */
export async function withRunLock<T>({ run, releases, stack }: OpenRun, work: () => Promise<T>): Promise<T> {
  if (run.isLocked) return work();
  const held = { isHeld: false };
  try {
    const since = new Date().toISOString().slice(11, 19);
    const what = `pulumi up by ${whoAmI()} since ${since} UTC`;
    return await withLock(
      join(releases.folder, 'lock'),
      () => {
        held.isHeld = true;
        return work();
      },
      { timeoutMs: 0, what },
    );
  } catch (error) {
    if (held.isHeld || !(error instanceof LockTimeout)) throw error;
    throw new RewindError({
      code: 'release/locked',
      message: `The stack ${stack} is being changed: ${error.message.replace(/ has not finished in time$/, '')}.`,
      fix: 'Wait for it to end, then run the update again.',
    });
  }
}
