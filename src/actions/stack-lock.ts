import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RewindError } from '../errors';
import { holderOf, isAlive, LockTimeout, withLock } from '../lock.mjs';
import { whoAmI } from './keep-release';
import type { StackContext } from './stack-context';

const pollMs = 250;

/**
 * Does something that only one process may do to a stack at a time. The lock of a process that died is taken over.
 *
 * @param what - `deploy`, for others who find the stack locked
 * @throws RewindError release/locked, store/unusable
 */
export async function withStackLock<T>(
  context: Pick<StackContext, 'name' | 'releases'>,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const since = new Date().toISOString().slice(11, 19);
  const lock = { isHeld: false };
  const held = (): Promise<T> => {
    lock.isHeld = true;
    return work();
  };
  try {
    return await withLock(lockFile(context), held, { timeoutMs: 0, what: `${what} by ${whoAmI()} since ${since} UTC` });
  } catch (error) {
    if (lock.isHeld) throw error;
    if (!(error instanceof LockTimeout)) throw context.releases.unusable('cannot be written', error);
    throw new RewindError({
      code: 'release/locked',
      message: `The stack ${context.name} is being changed: ${error.message.replace(/ has not finished in time$/, '')}.`,
      fix: 'Wait for it to end. The lock of a process that died is taken over by itself.',
    });
  }
}

/** Who is at work on a stack; undefined if nobody is. */
export function whoHolds(context: Pick<StackContext, 'releases'>): string | undefined {
  return holderOf(lockFile(context));
}

/** Waits until no rewind command is at work on a stack. */
export async function untilNobodyWorks(context: Pick<StackContext, 'releases'>): Promise<void> {
  while (whoHolds(context) !== undefined) await sleep(pollMs);
}

/**
 * Does something that can wait, and that takes the processor from those who cannot: while no rewind command is at work on a
 * stack. It is given up, and begun anew later, when one begins.
 *
 * @param work - ends when the signal comes
 */
export async function whileNobodyWorks<T>(
  context: Pick<StackContext, 'releases'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (;;) {
    await untilNobodyWorks(context);
    const begun = new AbortController();
    const timer = setInterval(() => {
      if (whoHolds(context) !== undefined) begun.abort();
    }, pollMs);
    try {
      return await work(begun.signal);
    } catch (error) {
      if (!begun.signal.aborted) throw error;
    } finally {
      clearInterval(timer);
    }
  }
}

function lockFile({ releases }: Pick<StackContext, 'releases'>): string {
  return join(releases.folder, 'lock');
}

/** Whoever holds Pulumi's own lock of a stack. */
export interface PulumiLock {
  /** `root@host (pid 7) since …`. */
  readonly holder: string;
  /** False only if that process is known to be dead: one on another machine cannot be asked. */
  readonly mayLive: boolean;
}

/** The lock that stands in the way of an update, by what Pulumi says of its failure; undefined if it is none. */
export function pulumiLockIn(said: string): PulumiLock | undefined {
  if (!/is currently locked/.test(said)) return undefined;
  const [, user, host, pid, time] = /created by (\S+)@(\S+) \(pid (\d+)\)(?: at (\S+))?/.exec(said) ?? [];
  if (pid === undefined) return { holder: 'somebody', mayLive: true };
  const since = time === undefined ? '' : ` since ${time}`;
  return {
    holder: `${user}@${host}, process ${pid}${since}`,
    mayLive: host !== hostname() || isAlive(Number(pid)),
  };
}
