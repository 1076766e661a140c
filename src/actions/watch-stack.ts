import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../errors';
import { type Assessment, assessStack } from './assess-stack';
import type { StackContext } from './stack-context';

/** How a stack is watched. */
export interface WatchOptions {
  readonly context: StackContext;
  /** For so long, in milliseconds. */
  readonly forMs: number;
  /** From one look to the next, in milliseconds. @default 10000 */
  readonly everyMs?: number;
  /** Whether an assessment is a reason to stop watching, if the next one is so too. @default none is */
  readonly isReason?: (assessment: Assessment) => boolean;
  /** Hears of each look, and whether it differs from the one before. */
  readonly onLook?: (assessment: Assessment, isNews: boolean) => void;
  /** Hears of a look that could not be made; the next one is made all the same. */
  readonly onFailure?: (why: string) => void;
  readonly signal?: AbortSignal;
}

/** How watching ended. */
export type WatchEnd =
  | { readonly state: 'quiet' | 'interrupted' }
  /** Somebody else has changed the stack. */
  | { readonly state: 'overtaken'; readonly release: number }
  /** There was a reason, twice in a row. */
  | { readonly state: 'reason'; readonly assessment: Assessment };

const interval = 10_000;

/**
 * Looks for reasons to roll back, time and again. One look that finds a reason is not enough: what passes by itself is
 * none. Changes nothing.
 */
export async function watchFor(options: WatchOptions): Promise<WatchEnd> {
  const { context, forMs, everyMs = interval, isReason = () => false, onLook, onFailure, signal } = options;
  const end = Date.now() + forMs;
  let seen: string | undefined;
  let release: number | undefined;
  let reasons = 0;
  while (Date.now() < end) {
    const next = Date.now() + everyMs;
    const assessment = await assessStack({ context, ...(signal && { signal }) }).catch((error: unknown) => {
      if (!signal?.aborted) onFailure?.(messageOf(error));
      return undefined;
    });
    if (signal?.aborted) return { state: 'interrupted' };
    if (assessment) {
      if (assessment.release !== (release ??= assessment.release))
        return { state: 'overtaken', release: assessment.release };
      const found = signature(assessment);
      onLook?.(assessment, found !== seen);
      seen = found;
      reasons = isReason(assessment) ? reasons + 1 : 0;
      if (reasons > 1) return { state: 'reason', assessment };
    }
    const pause = Math.min(next, end) - Date.now();
    if (pause > 0) await sleep(pause, undefined, signal ? { signal } : {}).catch(() => undefined);
    if (signal?.aborted) return { state: 'interrupted' };
  }
  return { state: 'quiet' };
}

/** What holds, without what differs from look to look. */
function signature({ triggers, advice }: Assessment): string {
  return JSON.stringify([triggers.map(({ id, service }) => [id, service]), advice.strategy]);
}
