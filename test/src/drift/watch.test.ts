import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import type { Drift } from '../../../src/actions/find-drift';
import type { StackContext } from '../../../src/actions/stack-context';
import { watchDrift, type WatchedLook } from '../../../src/actions/watch-drift';
import type { Finding } from '../../../src/drift/finding';

const finding = (id: string, more: Partial<Finding> = {}): Finding => ({
  id,
  group: 'api',
  what: id,
  live: 'exited',
  severity: 'broken',
  fix: 'restart',
  ...more,
});

const stopped = finding('container/api-1/state');
const index = finding('database/index public.by_hand', { severity: 'changed' });

const driftOf = (findings: readonly Finding[], more: Partial<Drift> = {}): Drift => ({
  stack: 'shop/dev',
  release: 3,
  at: '2026-11-27T03:00:00.000Z',
  seconds: 0.1,
  ok: findings.length === 0,
  isUnderWay: false,
  findings,
  ignored: [],
  files: [],
  notes: [],
  ...more,
});

/** A stack that is watched, with what there is to be found; looks and events are counted. */
class Watched {
  findings: readonly Finding[];
  more: Partial<Drift>;
  fails = false;
  readonly looks: { isWhole: boolean; at: number }[] = [];
  readonly told: WatchedLook[] = [];
  readonly failures: string[] = [];
  #event: () => void = () => undefined;
  readonly #ended = new AbortController();
  readonly #watching: Promise<void>;

  constructor(intervalMs: number, findings: readonly Finding[] = [], more: Partial<Drift> = {}) {
    this.findings = findings;
    this.more = more;
    this.#watching = watchDrift({
      context: { name: 'shop/dev' } as StackContext,
      intervalMs,
      look: ({ engineOnly = false }) => {
        this.looks.push({ isWhole: !engineOnly, at: Date.now() });
        if (this.fails) return Promise.reject(new Error('no engine'));
        const seen = this.findings.filter(({ id }) => !engineOnly || !id.startsWith('database/'));
        return Promise.resolve(driftOf(seen, this.more));
      },
      follow: (signal, onEvent) =>
        new Promise((resolve) => {
          this.#event = onEvent;
          signal.addEventListener('abort', () => {
            resolve();
          });
        }),
      onLook: (look) => void this.told.push(look),
      onFailure: (why) => void this.failures.push(why),
      signal: this.#ended.signal,
    });
  }

  event(): void {
    this.#event();
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#watching;
  }

  async until(condition: () => boolean): Promise<void> {
    for (const deadline = Date.now() + 5000; !condition();) {
      if (Date.now() > deadline) throw new Error(`it never held: ${String(condition)}`);
      await sleep(10);
    }
  }
}

const hour = 3_600_000;

describe('a watch', () => {
  test('looks at everything first, and at the engine within a second of what that does', async () => {
    const stack = new Watched(hour);
    await stack.until(() => stack.told.length === 1);
    stack.findings = [stopped];
    const happened = Date.now();
    stack.event();
    await stack.until(() => stack.told.length === 2);
    await stack.end();
    // The second look at the engine makes sure that it is not only being restarted.
    expect(stack.looks.map(({ isWhole }) => isWhole)).toEqual([true, false, false]);
    expect(stack.looks[1]!.at - happened).toBeLessThan(1000);
    expect(stack.told[1]).toMatchObject({ appeared: [stopped], gone: [] });
  });

  test('looks once at what happens in one go, and no later than it should at what does not end', async () => {
    const stack = new Watched(hour);
    await stack.until(() => stack.told.length === 1);
    const happened = Date.now();
    while (stack.looks.length < 2) {
      stack.event();
      await sleep(20);
    }
    await stack.end();
    expect(stack.looks[1]!.at - happened).toBeLessThan(1000);
  });

  test('keeps what a look at the engine alone does not see', async () => {
    const stack = new Watched(hour, [index, stopped]);
    await stack.until(() => stack.told.length === 1);
    stack.findings = [index];
    stack.event();
    await stack.until(() => stack.told.length === 2);
    await stack.end();
    expect(stack.told[1]).toMatchObject({ appeared: [], gone: [stopped], drift: { findings: [index] } });
  });

  test('finds no news in a container that is restarted', async () => {
    const stack = new Watched(hour);
    await stack.until(() => stack.told.length === 1);
    stack.findings = [stopped];
    stack.event();
    await stack.until(() => stack.looks.length === 2);
    stack.findings = [];
    await stack.until(() => stack.told.length === 2);
    await stack.end();
    expect(stack.told[1]).toMatchObject({ appeared: [], gone: [] });
  });

  test('finds no news in what only goes on', async () => {
    const stack = new Watched(50, [finding('container/api-1/state', { live: 'restarting with 1, 3 times' })]);
    await stack.until(() => stack.told.length >= 1);
    stack.findings = [finding('container/api-1/state', { live: 'restarting with 1, 4 times' })];
    await stack.until(() => stack.told.length >= 4);
    await stack.end();
    expect(stack.told.slice(1).flatMap(({ appeared, gone }) => [...appeared, ...gone])).toEqual([]);
  });

  test('says nothing while somebody is at work on the stack, and looks again soon', async () => {
    const stack = new Watched(hour, [stopped], { isUnderWay: true });
    await stack.until(() => stack.looks.length === 2);
    expect(stack.told).toEqual([]);
    stack.more = {};
    await stack.until(() => stack.told.length === 1);
    await stack.end();
    expect(stack.told[0]).toMatchObject({ appeared: [stopped] });
  });

  test('goes on after a look that could not be made', async () => {
    const stack = new Watched(50);
    stack.fails = true;
    await stack.until(() => stack.failures.length >= 2);
    stack.fails = false;
    await stack.until(() => stack.told.length === 1);
    await stack.end();
    expect(stack.failures[0]).toBe('no engine');
  });

  test('takes a release that has changed meanwhile for one to look at as a whole', async () => {
    const stack = new Watched(hour, [index]);
    await stack.until(() => stack.told.length === 1);
    stack.more = { release: 4 };
    stack.findings = [];
    stack.event();
    await stack.until(() => stack.told.length === 2);
    await stack.end();
    expect(stack.told[1]).toMatchObject({ gone: [index], drift: { release: 4 } });
    expect(stack.looks.at(-1)).toMatchObject({ isWhole: true });
  });
});
