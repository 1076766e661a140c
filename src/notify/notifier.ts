import { setTimeout as sleep } from 'node:timers/promises';

import { execa } from 'execa';

import { messageOf } from '../errors';
import { type Notice, payloadOf } from './payload';
import type { NotifyTarget } from './settings';

/** What all notices of one operation have in common. */
export type OperationEvent = Pick<Notice, 'stack' | 'kind' | 'what' | 'by' | 'message'>;

const tries = 3;
const firstPauseMs = 500;
const tryMs = 5000;

/**
 * Tells others of what happens. Nothing waits for it, and nothing fails with it: a notice that does not arrive is tried
 * again, and then said to be lost.
 */
export class Notifier {
  readonly #targets: Promise<readonly NotifyTarget[]>;
  readonly #sending = new Set<Promise<void>>();
  readonly #lost: string[] = [];

  /** @param targets - may take a while: they can be encrypted */
  constructor(targets: Promise<readonly NotifyTarget[]>) {
    this.#targets = targets;
    targets.catch(() => undefined); // said when something is to be told
  }

  /** Tells everybody who wants to hear of such a thing. */
  tell(notice: Notice): void {
    const sending = this.#send(notice).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /**
   * Waits for what is still on its way.
   *
   * @param limitMs - no longer than that
   * @returns what did not arrive, a line each, without a secret
   */
  async end(limitMs = 20_000): Promise<readonly string[]> {
    const late = new AbortController();
    await Promise.race([
      Promise.all(this.#sending),
      sleep(limitMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    return this.#sending.size === 0 ? this.#lost : [...this.#lost, 'A notice was still on its way and is given up.'];
  }

  async #send(notice: Notice): Promise<void> {
    try {
      const targets = (await this.#targets).filter(({ on }) => on.includes(notice.event));
      await Promise.all(targets.map((target, at) => this.#sendTo(target, at, notice)));
    } catch (error) {
      this.#lost.push(`Nobody could be told (rewind:notify): ${messageOf(error)}`);
    }
  }

  async #sendTo(target: NotifyTarget, at: number, notice: Notice): Promise<void> {
    for (let attempt = 1, pause = firstPauseMs; ; attempt++, pause *= 4) {
      const why = await deliver(target, notice).catch((error: unknown) => reasonOf(error));
      if (why === undefined) return;
      if (attempt < tries) await sleep(pause);
      else {
        // The address of a webhook is its password.
        this.#lost.push(`rewind:notify[${at}] was not told of ${notice.event}: ${why}`);
        return;
      }
    }
  }
}

/** @returns why it did not arrive; undefined if it did */
async function deliver(target: NotifyTarget, notice: Notice): Promise<string | undefined> {
  if ('command' in target) {
    const [file, ...args] = target.command;
    const { exitCode, failed } = await execa(file!, args, {
      input: JSON.stringify(payloadOf(notice, 'json')),
      reject: false,
      stdout: 'ignore',
      stderr: 'ignore',
      timeout: tryMs,
    });
    return failed
      ? `its command ended with ${exitCode === undefined ? 'no exit code' : `exit code ${exitCode}`}`
      : undefined;
  }
  const { ok, status } = await fetch(target.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(payloadOf(notice, target.format)),
    redirect: 'manual',
    signal: AbortSignal.timeout(tryMs),
  });
  return ok ? undefined : `the answer was ${status}`;
}

/** fetch says in the cause what went wrong; an address may stand in the rest. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  if (name === 'TimeoutError') return `no answer within ${tryMs / 1000} s`;
  return cause?.code ?? name;
}
