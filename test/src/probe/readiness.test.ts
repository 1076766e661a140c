import { PassThrough } from 'node:stream';

import type Docker from 'dockerode';
import { describe, expect, test } from 'vitest';

import { patienceMs, type ReadinessOptions, waitUntilReady } from '../../../src/probe/readiness';
import { engineError } from '../../support/fake-engine';
import { problemsOf } from '../../support/problems';

const millisecond = 1_000_000;

/** What the engine says of a container at one moment. */
interface Moment {
  readonly status?: string;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  readonly error?: string;
  readonly createdAt?: Date;
  readonly startedAt?: Date;
  readonly restarts?: number;
  readonly restartPolicy?: string;
  readonly ports?: Readonly<Record<string, unknown>>;
  readonly health?: string;
  /** Runs its check every second, 5 times, unless said otherwise. @default no check */
  readonly check?: { readonly test?: string[]; readonly interval?: number; readonly retries?: number } | undefined;
}

const past = new Date(Date.now() - 3_600_000);
const check = { test: ['CMD', 'check'] };

/** Moments in turn, the last of which lasts; or the moment at a time, in milliseconds from the first look. */
type Moments = readonly Moment[] | ((elapsedMs: number) => Moment);

/** A container that goes through moments, and whose checks give results in turn. */
class FakeContainer {
  readonly #moments: Moments;
  #since: number | undefined;
  readonly #results: readonly (number | Error)[];
  readonly #logs: string;
  readonly #refusal: Error | undefined;
  looks = 0;
  checks = 0;
  starts = 0;

  /** @param refusal - what the engine says when it is to start it. @default it does */
  constructor(moments: Moments, results: readonly (number | Error)[] = [], logs = '', refusal?: Error) {
    this.#moments = moments;
    this.#results = results;
    this.#logs = logs;
    this.#refusal = refusal;
  }

  #moment(): Moment {
    const elapsed = Date.now() - (this.#since ??= Date.now());
    const look = this.looks++;
    if (typeof this.#moments === 'function') return this.#moments(elapsed);
    return this.#moments[Math.min(look, this.#moments.length - 1)]!;
  }

  #inspect(moment: Moment): unknown {
    const { status = 'running', createdAt = past, startedAt = past, check: healthcheck } = moment;
    return {
      Created: createdAt.toISOString(),
      State: {
        Status: status,
        ExitCode: moment.exitCode ?? 0,
        OOMKilled: moment.oomKilled ?? false,
        Error: moment.error ?? '',
        StartedAt: startedAt.toISOString(),
        ...(moment.health && { Health: { Status: moment.health } }),
      },
      RestartCount: moment.restarts ?? 0,
      HostConfig: {
        RestartPolicy: { Name: moment.restartPolicy ?? 'unless-stopped' },
        PortBindings: moment.ports ?? {},
      },
      Config: {
        ...(healthcheck && {
          Healthcheck: {
            Test: healthcheck.test,
            Interval: (healthcheck.interval ?? 1000) * millisecond,
            Retries: healthcheck.retries ?? 5,
            Timeout: 1000 * millisecond,
          },
        }),
      },
    };
  }

  #exec(): Promise<unknown> {
    const result = this.#results[Math.min(this.checks++, this.#results.length - 1)] ?? 0;
    if (result instanceof Error) return Promise.reject(result);
    return Promise.resolve({
      start: () => Promise.resolve(new PassThrough().end(`check ${this.checks}\n`)),
      inspect: () => Promise.resolve({ ExitCode: result }),
    });
  }

  get docker(): Docker {
    return {
      getContainer: () => ({
        inspect: () => {
          const moment = this.#moment();
          if (moment.status !== 'gone') return Promise.resolve(this.#inspect(moment));
          return Promise.reject(engineError(moment.exitCode ?? 404, 'no such container'));
        },
        start: () => {
          this.starts++;
          return this.#refusal ? Promise.reject(this.#refusal) : Promise.resolve();
        },
        exec: () => this.#exec(),
        logs: () => Promise.resolve(Buffer.from(this.#logs)),
      }),
    } as unknown as Docker;
  }

  /** Waits for it, looking every millisecond. */
  wait(options: Partial<ReadinessOptions> = {}): Promise<void> {
    return waitUntilReady(this.docker, '0123456789abcdef', { service: 'api', pauseMs: 1, limitMs: 10_000, ...options });
  }

  /** The message with which waiting fails. */
  async failure(options: Partial<ReadinessOptions> = {}): Promise<string> {
    const problems = await problemsOf(() => this.wait(options));
    expect(problems.map(({ code }) => code)).toEqual(['service/not-ready']);
    return problems[0]!.message;
  }
}

/** How long something takes, in milliseconds. */
async function timed(action: Promise<void>): Promise<number> {
  const started = performance.now();
  await action;
  return performance.now() - started;
}

describe('a container without a health check', () => {
  test('is ready if it has been running for a while', async () => {
    const container = new FakeContainer([{}]);
    await container.wait();
    expect(container.looks).toBe(1);
  });

  test('is ready once it has run for 200 ms', async () => {
    const took = await timed(new FakeContainer([{ status: 'created' }, { startedAt: new Date() }]).wait());
    expect(took).toBeGreaterThan(150);
    expect(took).toBeLessThan(5000);
  });

  test('is ready as soon on an engine whose clock is ahead', async () => {
    const took = await timed(new FakeContainer([{ startedAt: new Date(Date.now() + 3_600_000) }]).wait());
    expect(took).toBeGreaterThan(150);
    expect(took).toBeLessThan(5000);
  });

  test('is ready if it has ended well and is not to be restarted', async () => {
    await new FakeContainer([{}, { status: 'exited', restartPolicy: 'no' }].slice(1)).wait();
  });

  test.each([
    [{ status: 'exited', exitCode: 3, restartPolicy: 'no' }, 'Service api ended with exit code 3.'],
    [{ status: 'exited', exitCode: 0, restartPolicy: 'always' }, 'Service api ended with exit code 0.'],
    [{ status: 'exited', restartPolicy: 'no', ports: { '80/tcp': [] } }, 'Service api ended with exit code 0.'],
    [{ status: 'exited', restartPolicy: 'no', check }, 'Service api ended with exit code 0.'],
    [
      { status: 'exited', exitCode: 127, error: 'exec: "srve": not found' },
      'Service api ended with exit code 127: exec: "srve": not found.',
    ],
    [{ status: 'dead', exitCode: 1 }, 'Service api ended with exit code 1.'],
    [{ status: 'exited', exitCode: 137, oomKilled: true }, 'Service api was killed: out of memory.'],
  ])('that has ended is a failure: %j', async (moment, message) => {
    expect((await new FakeContainer([moment]).failure()).split('\n')[0]).toBe(message);
  });

  test('that never starts is a failure after the limit', async () => {
    expect(await new FakeContainer([{ status: 'created' }]).failure({ limitMs: 20 })).toContain(
      'did not become ready within',
    );
  });

  test('that is restarted again and again is a failure', async () => {
    const restarting = [0, 1, 2, 3].map((restarts) => ({ status: 'restarting', restarts, exitCode: 2 }));
    expect(await new FakeContainer(restarting).failure()).toContain('was restarted 3 times, last exit code 2');
  });

  test('that runs for a moment again and again is a failure, too', async () => {
    const container = new FakeContainer((elapsed) => {
      return { restarts: Math.floor(elapsed / 100), startedAt: new Date(Date.now() - (elapsed % 100)) };
    });
    expect(await container.failure()).toContain('was restarted 3 times');
  });

  test('that was restarted often before, and runs, is ready', async () => {
    await new FakeContainer([{ restarts: 7 }]).wait();
  });
});

describe('a container with a health check', () => {
  test('is ready in the moment its check passes, whatever the engine still says', async () => {
    const container = new FakeContainer([{ check, health: 'starting' }], [1, 1, 0]);
    await container.wait();
    expect(container.checks).toBe(3);
  });

  test('is ready without a further check if the engine says so', async () => {
    const container = new FakeContainer([{ check, health: 'healthy' }], [1]);
    await container.wait();
    expect(container.checks).toBe(0);
  });

  test('is not checked before it runs', async () => {
    const container = new FakeContainer([{ check, status: 'created' }, { check, status: 'created' }, { check }], [0]);
    await container.wait();
    expect([container.looks, container.checks]).toEqual([3, 1]);
  });

  test('that is turned off is ready like one without', async () => {
    await new FakeContainer([{ check: { test: ['NONE'] } }], [1]).wait();
  });

  test('may end under the check and be started again', async () => {
    const container = new FakeContainer([{ check }], [new Error('container is not running'), 0]);
    await container.wait();
    expect(container.checks).toBe(2);
  });

  test('is a failure when Docker would give up, with what the check said last', async () => {
    const message = await new FakeContainer([{ check: { ...check, interval: 10 } }], [22]).failure();
    expect(message).toMatch(
      /^Service api did not become ready within 0 s\.\nIts health check said \(exit code 22\): check/,
    );
  });

  test('is a failure as soon as the engine calls it unhealthy and the check fails once more', async () => {
    const container = new FakeContainer([{ check: { ...check, interval: 60_000 }, health: 'unhealthy' }], [1]);
    expect(await container.failure()).toContain('Service api is unhealthy.');
    expect(container.checks).toBe(1);
  });

  test('is ready though the engine calls it unhealthy if the check passes now', async () => {
    await new FakeContainer([{ check, health: 'unhealthy' }], [0]).wait();
  });
});

describe('a container that declares a port', () => {
  /** Listens from the given look on. */
  const from = (first: number): (() => Promise<boolean>) => {
    let looks = 0;
    return () => Promise.resolve(looks++ >= first);
  };

  test('is not checked before it listens, and then at once', async () => {
    const container = new FakeContainer([{ check }], [0]);
    const took = await timed(container.wait({ listens: from(3), pauseMs: 400 }));
    expect([container.looks, container.checks]).toEqual([2, 1]);
    expect(took).toBeLessThan(400);
  });

  test('is checked now and then although it never listens: the check may be about something else', async () => {
    const container = new FakeContainer([{ check }], [1, 0]);
    const took = await timed(container.wait({ listens: () => Promise.resolve(false), pauseMs: 10 }));
    expect(container.checks).toBe(2);
    expect(took).toBeGreaterThan(900);
  });

  test('is checked before it is given up, however short its patience is', async () => {
    const container = new FakeContainer([{ check: { ...check, interval: 60 } }], [22]);
    const message = await container.failure({ listens: () => Promise.resolve(false) });
    expect(message).toContain('Its health check said (exit code 22): check');
  });

  test('and listens, but is not ready, is checked as any other', async () => {
    const container = new FakeContainer([{ check }], [1, 1, 0]);
    await container.wait({ listens: from(0) });
    expect(container.checks).toBe(3);
  });

  test('and ends before it listens is a failure as soon as that is so', async () => {
    const end = Date.now() + 100;
    const hasEnded = (): boolean => Date.now() >= end;
    const container = new FakeContainer(() => (hasEnded() ? { status: 'exited', exitCode: 3 } : { check }));
    const listens = (): Promise<boolean | undefined> => Promise.resolve(hasEnded() ? undefined : false);
    const started = Date.now();
    expect(await container.failure({ listens, pauseMs: 5000 })).toContain('Service api ended with exit code 3.');
    expect(Date.now() - started).toBeLessThan(4000);
    expect(container.checks).toBe(0);
  });

  test('and is started again and again is not looked at more often for it', async () => {
    const container = new FakeContainer((elapsed) =>
      elapsed < 1 ? { check } : { status: 'restarting', check, restarts: elapsed < 1000 ? 1 : 3 },
    );
    const listens = (): Promise<boolean | undefined> => Promise.resolve(container.looks > 1 ? undefined : false);
    expect(await container.failure({ listens, pauseMs: 200 })).toContain('was restarted 3 times');
    expect(container.looks).toBeLessThan(10);
  });

  test('is not waited for any longer when nobody wants it', async () => {
    const container = new FakeContainer([{ check }], [1]);
    const waiting = container.wait({ listens: from(1e9), pauseMs: 5000, signal: AbortSignal.timeout(30) });
    await expect(waiting).rejects.toThrow(/abort/i);
  });
});

describe('a one-shot job', () => {
  const job = { oneShot: true };

  test('is ready when it has ended with exit code 0, and not before', async () => {
    const container = new FakeContainer([{}, {}, { status: 'exited' }]);
    await container.wait(job);
    expect(container.looks).toBe(3);
  });

  test('is not checked: its end is what counts', async () => {
    const container = new FakeContainer([{ check, health: 'healthy' }, { status: 'exited' }], [0]);
    await container.wait(job);
    expect(container.checks).toBe(0);
  });

  test('is a failure if it ends with another code', async () => {
    expect(await new FakeContainer([{ status: 'exited', exitCode: 4 }]).failure(job)).toContain(
      'Service api ended with exit code 4.',
    );
  });

  test('may be started anew by its own policy as often as that allows', async () => {
    const restarting = [0, 1, 2, 3, 4].map((restarts) => ({ status: 'restarting', restarts }));
    await new FakeContainer([...restarting, { status: 'exited', restarts: 4 }]).wait(job);
  });

  test('is a failure if it does not end within the limit', async () => {
    expect(await new FakeContainer([{}]).failure({ ...job, limitMs: 20 })).toContain('did not become ready within');
  });
});

describe('a service that is not ready', () => {
  test('is told with the last lines that it logged, and how to go back', async () => {
    const ended = { status: 'exited', exitCode: 1, startedAt: new Date() };
    const container = new FakeContainer([ended], [], 'line 1\nline 2\n');
    expect(await problemsOf(() => container.wait())).toMatchObject([
      {
        message: 'Service api ended with exit code 1.\nIts last log lines:\n    line 1\n    line 2',
        fix: expect.stringContaining('pulumi up') as string,
      },
    ]);
  });

  test('that has logged nothing is told so', async () => {
    expect(await new FakeContainer([{ status: 'exited', exitCode: 1 }]).failure()).toContain('It has logged nothing.');
  });

  test('whose container is gone is told so', async () => {
    expect(await new FakeContainer([{}, { status: 'gone' }]).failure({ oneShot: true })).toBe(
      'Service api: its container 0123456789ab is gone.',
    );
  });
});

describe('a service that was down before', () => {
  const never = new Date('0001-01-01T00:00:00Z');
  const wanted = { startsDown: true };

  test.each<[string, Moment]>([
    ['stopped', { status: 'exited', exitCode: 137 }],
    ['ended', { status: 'exited', exitCode: 0, restartPolicy: 'always' }],
    ['never started', { status: 'created', startedAt: never }],
  ])('is started where that is wanted: %s', async (_, before) => {
    const container = new FakeContainer([before, { startedAt: new Date() }, { startedAt: past }]);
    await container.wait(wanted);
    expect(container.starts).toBe(1);
  });

  test('is a failure where it is not', async () => {
    const container = new FakeContainer([{ status: 'exited', exitCode: 137 }]);
    expect(await container.failure()).toContain('Service api ended with exit code 137.');
    expect(container.starts).toBe(0);
  });

  test('and ends again is a failure then', async () => {
    const ended = { status: 'exited', exitCode: 2 };
    const container = new FakeContainer([ended, { ...ended, startedAt: new Date() }]);
    expect(await container.failure(wanted)).toContain('Service api ended with exit code 2.');
    expect(container.starts).toBe(1);
  });

  test('as a job that has done its work stays as it is', async () => {
    const container = new FakeContainer([{ status: 'exited' }]);
    await container.wait({ ...wanted, oneShot: true });
    expect(container.starts).toBe(0);
  });

  test('and that the engine does not start is told with its reason', async () => {
    const container = new FakeContainer([{ status: 'exited', exitCode: 1 }], [], '', engineError(500, 'port is taken'));
    expect(await problemsOf(() => container.wait(wanted))).toMatchObject([
      { code: 'docker/failed', message: 'The engine does not start api: port is taken.' },
    ]);
  });

  test('and that somebody else has started is waited for', async () => {
    const moments = [{ status: 'exited', exitCode: 1 }, { startedAt: past }];
    await new FakeContainer(moments, [], '', engineError(304, '')).wait(wanted);
  });
});

test('an engine that fails is no verdict on the service', async () => {
  await expect(new FakeContainer([{ status: 'gone', exitCode: 500 }]).wait()).rejects.toThrow('HTTP code 500');
});

test('waiting ends when it is not wanted any more', async () => {
  const signal = AbortSignal.timeout(30);
  await expect(new FakeContainer([{ status: 'created' }]).wait({ signal })).rejects.toThrow(/abort/i);
});

test.each([
  [{}, 90_000],
  [{ Interval: 1000 * millisecond }, 3000],
  [{ Interval: 1000 * millisecond, Retries: 10 }, 10_000],
  [{ Interval: 1000 * millisecond, StartPeriod: 60_000 * millisecond, Retries: 2 }, 62_000],
  [{ Interval: 0, Retries: 0, StartPeriod: 0 }, 90_000],
])('with the check %j, Docker gives up after %d ms', (health, expected) => {
  expect(patienceMs(health)).toBe(expected);
});
