import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../errors';

/** How closely a stack is looked at: each level has the probes of those before it. */
export const levels = ['immediate', 'functional', 'full'] as const;
export type Level = (typeof levels)[number];

/** One check of a live stack. */
export interface Probe {
  /** What holds if it passes, e.g. `api: GET /health answers 200`. */
  readonly name: string;
  readonly level: Level;
  /** The service that it is about. @default the stack as a whole */
  readonly service?: string;
  /**
   * Looks once.
   *
   * @returns what was seen, in a few words
   * @throws {@link ProbeFailed} if it is not as it should be; anything else counts as that, too
   */
  readonly look: (signal: AbortSignal) => Promise<string>;
  /** How often it is looked at before it has failed: something that is on its way up gets there. @default 3 */
  readonly attempts?: number;
}

/** Something is not as it should be. */
export class ProbeFailed extends Error {
  /** What was found instead, e.g. an answer or lines of a log, cut to what one can read. @default nothing to show */
  readonly evidence: string | undefined;
  /** Whether it may be otherwise in a moment. */
  readonly mayPass: boolean;

  constructor(message: string, { evidence, mayPass = true }: { evidence?: string; mayPass?: boolean } = {}) {
    super(message);
    this.name = 'ProbeFailed';
    this.evidence = evidence;
    this.mayPass = mayPass;
  }
}

/** How a probe ended. */
export interface ProbeResult {
  readonly name: string;
  readonly level: Level;
  readonly service?: string;
  readonly ok: boolean;
  /** What was seen, or why it failed. */
  readonly said: string;
  readonly evidence?: string;
  readonly seconds: number;
  /** Why it was looked at again, oldest first. @default the first look was enough */
  readonly retried?: readonly string[];
}

/** How probes are run. */
export interface RunProbesOptions {
  /** All of them together take no longer, in milliseconds. */
  readonly limitMs: number;
  readonly onResult?: (result: ProbeResult) => void;
  /** Gives up. @default never */
  readonly signal?: AbortSignal;
}

const pauseMs = 500;
const sideBySide = 16;

/** Runs probes side by side; every one that fails is told of, not the first alone. Results are in the order of the probes. */
export async function runProbes(probes: readonly Probe[], options: RunProbesOptions): Promise<ProbeResult[]> {
  const limit = AbortSignal.timeout(options.limitMs);
  const signal = AbortSignal.any([limit, ...(options.signal ? [options.signal] : [])]);
  // Each probe that is under way listens to it, some more than once.
  setMaxListeners(0, signal);
  const results: ProbeResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < probes.length; at = next++) {
      const result = await runProbe(probes[at]!, signal, options.limitMs);
      options.signal?.throwIfAborted();
      results[at] = result;
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(sideBySide, probes.length) }, work));
  return results;
}

async function runProbe(probe: Probe, signal: AbortSignal, limitMs: number): Promise<ProbeResult> {
  const { name, level, service, attempts = 3 } = probe;
  const started = Date.now();
  const retried: string[] = [];
  const result = (ok: boolean, said: string, evidence?: string): ProbeResult => ({
    name,
    level,
    ...(service !== undefined && { service }),
    ok,
    said,
    ...(evidence !== undefined && { evidence }),
    seconds: (Date.now() - started) / 1000,
    ...(retried.length > 0 && { retried }),
  });
  for (;;) {
    try {
      return result(true, await untilAborted(() => probe.look(signal), signal));
    } catch (error) {
      const { evidence, mayPass = true } = error instanceof ProbeFailed ? error : {};
      if (signal.aborted) return result(false, `no result within ${limitMs / 1000} s`, evidence);
      const why = messageOf(error);
      if (!mayPass || retried.length + 1 >= attempts) return result(false, why, evidence);
      retried.push(why);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** What does not listen to the signal is not waited for either. What has not begun by then is not begun. */
async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([work(), aborted]).finally(() => {
    signal.removeEventListener('abort', stop);
  });
}
