import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '../docker/engine';
import { followEvents } from '../drift/event-stream';
import type { Finding } from '../drift/finding';
import { messageOf } from '../errors';
import { type Drift, engineKinds, findDrift, type FindDriftOptions } from './find-drift';
import type { StackContext } from './stack-context';

/** What a look has found, and how that differs from the one before. */
export interface WatchedLook {
  readonly drift: Drift;
  /** Findings that the look before did not have. Of the first look, all. */
  readonly appeared: readonly Finding[];
  /** Findings of the look before that this one has not. */
  readonly gone: readonly Finding[];
}

/** How a stack is watched for drift. */
export interface WatchDriftOptions {
  readonly context: StackContext;
  /** From one look at everything to the next, in milliseconds. */
  readonly intervalMs: number;
  /** Hears of each look that was not made in the middle of somebody's work. Whatever it does is waited for. */
  readonly onLook: (look: WatchedLook) => Promise<void> | void;
  /** Hears of a look that could not be made; the next one is made all the same. */
  readonly onFailure?: (why: string) => void;
  /** Hears that the engine has done something. */
  readonly onEvent?: () => void;
  /** Looks. @default at the stack */
  readonly look?: (options: FindDriftOptions) => Promise<Drift>;
  /** Tells of what the engine does, until it ends that or the signal comes. @default its own event stream does */
  readonly follow?: (signal: AbortSignal, onEvent: () => void) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What comes together is looked at together: so long after the last event, and at most so long after the first. */
const settleMs = 250;
const mostSettleMs = 600;
/** A container that is restarted is down for about so long. */
const confirmMs = 350;
/** What a restart looks like in the middle of it. */
const mayPass = /^container\/[^/]+\/(state|exists)$/;
/** While somebody is at work on the stack, it is looked at again after so long. */
const busyMs = 1000;
/** An engine that has ended its stream of events is asked for it again after so long. */
const reconnectMs = 2000;

/**
 * Looks at a stack time and again: at what the engine lists as soon as it does something, and at everything at intervals.
 * Changes nothing. Ends with the signal.
 */
export async function watchDrift(options: WatchDriftOptions): Promise<void> {
  await new DriftWatch(options).run();
}

class DriftWatch {
  readonly #options: WatchDriftOptions;
  readonly #wake = new Alarm();
  #firstEvent: number | undefined;
  #lastEvent = 0;
  #known: Drift | undefined;

  constructor(options: WatchDriftOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    this.#options.signal.addEventListener('abort', () => {
      this.#wake.ring();
    });
    const following = this.#follow();
    await this.#poll();
    await following;
  }

  async #poll(): Promise<void> {
    const { intervalMs, signal } = this.#options;
    let nextWhole = 0;
    while (!signal.aborted) {
      const isWhole = Date.now() >= nextWhole;
      if (isWhole) nextWhole = Date.now() + intervalMs;
      this.#firstEvent = undefined;
      const isBusy = await this.#look(isWhole);
      // What somebody is at work on is looked at, as a whole, when it may be done.
      if (isBusy) nextWhole = Date.now() + Math.min(busyMs, intervalMs);
      await this.#untilNext(nextWhole);
    }
  }

  /** Waits for the next look: until the engine has done something and then nothing for a moment, or for the time. */
  async #untilNext(nextWhole: number): Promise<void> {
    const { signal } = this.#options;
    for (;;) {
      const now = Date.now();
      const due = this.#firstEvent === undefined ? nextWhole : this.#settledAt(this.#firstEvent);
      if (signal.aborted || now >= Math.min(due, nextWhole)) return;
      await this.#wake.or(Math.min(due, nextWhole) - now);
    }
  }

  #settledAt(first: number): number {
    return Math.min(this.#lastEvent + settleMs, first + mostSettleMs);
  }

  /** @returns whether somebody is at work on the stack */
  async #look(isWhole: boolean): Promise<boolean> {
    const { context, onLook, onFailure, look = findDrift, signal } = this.#options;
    try {
      const before = this.#known;
      const found = await look({ context, engineOnly: !isWhole && before !== undefined });
      const isOther = !isWhole && before !== undefined && before.release !== found.release;
      if (found.isUnderWay || isOther) return true;
      const seen = isWhole || before === undefined ? found : merged(before, found);
      const drift = await this.#confirmed(before, seen);
      if (drift.isUnderWay) return true;
      this.#known = drift;
      await onLook({ drift, ...difference(before?.findings ?? [], drift.findings) });
    } catch (error) {
      if (!signal.aborted) onFailure?.(messageOf(error));
    }
    return false;
  }

  /** What has just stopped or gone may be on its way up again: it is news only if it still is so a moment later. */
  async #confirmed(before: Drift | undefined, seen: Drift): Promise<Drift> {
    const { context, look = findDrift, signal } = this.#options;
    const { appeared } = difference(before?.findings ?? [], seen.findings);
    if (!appeared.some(({ id }) => mayPass.test(id))) return seen;
    await sleep(confirmMs, undefined, { signal }).catch(() => undefined);
    return merged(seen, await look({ context, engineOnly: true }));
  }

  async #follow(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#listen();
      } catch {
        // The engine is away: the next look tells.
      }
      await sleep(reconnectMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #listen(): Promise<void> {
    const { follow = followEngine, signal, onEvent } = this.#options;
    await follow(signal, () => {
      this.#firstEvent ??= Date.now();
      this.#lastEvent = Date.now();
      onEvent?.();
      this.#wake.ring();
    });
  }
}

async function followEngine(signal: AbortSignal, onEvent: () => void): Promise<void> {
  await followEvents((await connect()).docker, signal, onEvent);
}

/** Somebody waits until it rings. */
class Alarm {
  #ring: () => void = () => undefined;

  ring(): void {
    this.#ring();
  }

  /** Waits until it rings, or for so long. */
  async or(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#ring = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A look at the engine alone, with what is known of the rest. */
function merged(before: Drift, now: Drift): Drift {
  const isOfEngine = ({ id }: Finding): boolean => engineKinds.some((kind) => id.startsWith(`${kind}/`)) && !isSlow(id);
  const kept = <T extends Finding>(all: readonly T[]): T[] => all.filter((it) => !isOfEngine(it));
  const findings = [...now.findings, ...kept(before.findings)];
  return {
    ...now,
    findings,
    ignored: [...now.ignored, ...kept(before.ignored)],
    ok: findings.every(({ severity }) => severity === 'information'),
  };
}

/** Found of a container by reading in it, which a look at the engine alone does not do. */
function isSlow(id: string): boolean {
  return /^container\/[^/]+\/(files$|file\.)/.test(id);
}

/** What tells two findings apart: a count of tries, or since when, is no news. */
function signatureOf({ id, severity, declared, live = '' }: Finding): string {
  const steady = /\/(health|state|files)$/.test(id) ? live.replaceAll(/\d+/g, '#') : live;
  return JSON.stringify([id, severity, declared, steady]);
}

function difference(before: readonly Finding[], now: readonly Finding[]): Pick<WatchedLook, 'appeared' | 'gone'> {
  const [was, is] = [new Set(before.map(signatureOf)), new Set(now.map(signatureOf))];
  return {
    appeared: now.filter((it) => !was.has(signatureOf(it))),
    gone: before.filter((it) => !is.has(signatureOf(it))),
  };
}
