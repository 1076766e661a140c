import type { SeenStack } from '../assess/see-stack';
import { OperationLog } from '../operations/operation-log';
import type { OperationRecord } from '../operations/record';
import { sideOf } from '../operations/sides';
import { whoAmI } from './keep-release';
import type { StackContext } from './stack-context';

/** A restart that has stopped something. */
export interface RestartDone {
  readonly startedAt: Date;
  /** Those that were to be restarted. */
  readonly services: readonly string[];
  /** The service with the cache that was emptied meanwhile. @default none was */
  readonly emptied?: string;
  /** `put-back`: it was asked to stop, and has started again what was stopped by then. */
  readonly result: Extract<OperationRecord['result'], 'done' | 'put-back' | 'broken'>;
  /** Why it did not do what it was to do. @default it did */
  readonly failure?: string;
  /** What was seen before. @default nothing */
  readonly seen?: SeenStack;
}

/**
 * Writes a restart down, as deploys and reverts are.
 *
 * @throws RewindError store/unusable
 */
export async function recordRestart(
  { name, releases }: Pick<StackContext, 'name' | 'releases'>,
  { startedAt, services, emptied, result, failure, seen }: RestartDone,
): Promise<OperationRecord> {
  const finishedAt = new Date();
  const runs = sideOf(await releases.newest());
  const [startedText, finishedText] = [startedAt.toISOString(), finishedAt.toISOString()];
  const seconds = (finishedAt.getTime() - startedAt.getTime()) / 1000;
  return new OperationLog(releases, name).add(
    {
      kind: 'restart',
      what: `restart of ${services.toSorted().join(', ')}`,
      by: whoAmI(),
      startedAt: startedText,
      finishedAt: finishedText,
      result,
      ...(failure !== undefined && { failure }),
      phases: [{ name: 'switch', startedAt: startedText, seconds, ok: result !== 'broken' }],
      ...(runs && { before: runs, after: runs }),
      ...(emptied !== undefined && { loss: [`${emptied}: all that it held`] }),
    },
    seen,
  );
}
