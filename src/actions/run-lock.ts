import type { OpenRun } from './open-run';
import { withStackLock } from './stack-lock';

/**
 * Does something while no rewind command works on the stack. The command that runs this update has locked it already;
 * for a bare `pulumi up` nobody has.
 *
 * @throws RewindError release/locked, store/unusable
 */
export async function withRunLock<T>({ run, releases, stack }: OpenRun, work: () => Promise<T>): Promise<T> {
  return run.isLocked ? work() : withStackLock({ name: stack, releases }, 'pulumi up', work);
}
