import { OperationLog } from '../operations/operation-log';
import type { OperationRecord } from '../operations/record';
import { Journal, type JournalEntry } from './journal';
import { type Pause, PauseMark } from './pause-mark';
import type { StackContext } from './stack-context';
import { whoHolds } from './stack-lock';

/** Where a stack stands. */
export interface StackStatus {
  readonly stack: string;
  /** Number of the newest release. @default there is none */
  readonly release?: number;
  /** Who is at work on it. @default nobody */
  readonly holder?: string;
  /** What is under way, or was interrupted if nobody is at work. @default nothing */
  readonly operation?: JournalEntry;
  /** Services that are stopped for it. @default none */
  readonly pause?: Pause;
  /** The latest operation that was written down. @default there was none */
  readonly latest?: OperationRecord;
}

/** Says where a stack stands, from what is written down. Changes nothing, and asks neither the engine nor Pulumi. */
export async function stackStatus({ name, releases }: StackContext): Promise<StackStatus> {
  const [numbers, operation, pause, [latest]] = await Promise.all([
    releases.numbers(),
    new Journal(releases).read(),
    new PauseMark(releases.folder).read(),
    new OperationLog(releases, name).list(1),
  ]);
  const release = numbers.at(-1);
  const holder = whoHolds({ releases });
  return {
    stack: name,
    ...(release !== undefined && { release }),
    ...(holder !== undefined && { holder }),
    ...(operation && { operation }),
    ...(pause && { pause }),
    ...(latest && 'record' in latest && { latest: latest.record }),
  };
}
