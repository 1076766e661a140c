import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { startContainer } from '../docker/containers';
import { hasEndedAsJob } from '../docker/ended';
import { messageOf, RewindError } from '../errors';
import { checkCommand, type CheckResult, runInContainer, withoutFrames } from './check';
import { type Inspected, listensAsDeclared } from './listening';

/** How readiness is waited for. */
export interface ReadinessOptions {
  readonly service: string;
  /** The container is to end with exit code 0 instead of running on. @default false */
  readonly oneShot?: boolean;
  /** Starts one that was down before this process began. @default false: it is a failure */
  readonly startsDown?: boolean;
  /** Shortest pause between two checks, in milliseconds. @default 100 */
  readonly pauseMs?: number;
  /** Upper bound for a container whose check sets none, in milliseconds. @default 300000 */
  readonly limitMs?: number;
  /** Stops waiting. @default none */
  readonly signal?: AbortSignal;
  /** See {@link listensAsDeclared}. */
  readonly listens?: (info: Inspected) => Promise<boolean | undefined>;
}

/** Docker's own defaults for a health check: https://docs.docker.com/reference/dockerfile/#healthcheck */
const defaults = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3 };
const logLines = 20;
/** A container without a health check is ready when it has run for so long, in milliseconds. */
const settledMs = 200;
/** What takes long is looked at less often: checks take the processor from what they wait for. */
const patientPart = 20;
/** What listens on none of its ports is checked only once in so long, in milliseconds: its check may be about something else. */
const silentMs = 500;
/** Whether it listens by now is looked at so often, in milliseconds. */
const listenMs = 20;
const restartsAllowed = 3;
/** 128 + SIGKILL. */
const killedExitCode = 137;

interface HealthConfig {
  Test?: string[];
  /** Nanoseconds, like the others. */
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  Retries?: number;
}

/**
 * Waits until a container is ready: its health check passes (run here every 100 ms, after 2 s every twentieth part of
 * the time so far, so that readiness is seen when it is there and not at Docker's next interval), or, without a check,
 * it runs; a one-shot job is ready when it has ended with exit code 0. As long as it listens on none of the ports that it
 * declares, which costs nothing to see, its check is run only twice a second.
 *
 * The check fails for good when Docker would call the container unhealthy: `retries` failures in a row, one per
 * interval, after the start period.
 *
 * @throws RewindError service/not-ready with the failing check's output and the container's last log lines; docker/failed
 *   if the engine does not start one that was down
 */
export async function waitUntilReady(docker: Docker, id: string, options: ReadinessOptions): Promise<void> {
  const { service, pauseMs = 100, limitMs = 300_000, oneShot = false, startsDown = false, signal } = options;
  const container = docker.getContainer(id);
  const watch = new Watch(container, oneShot, options.listens ?? listensAsDeclared);
  const started = Date.now();

  for (;;) {
    signal?.throwIfAborted();
    const info = await container.inspect().catch((error: unknown) => {
      if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      throw new RewindError({
        code: 'service/not-ready',
        message: `Service ${service}: its container ${id.slice(0, 12)} is gone.`,
        fix: 'Somebody removed it. Run pulumi up --refresh, which makes it again.',
        cause: error,
      });
    });
    const verdict = await watch.judge(info);
    if (verdict === 'ready') return;
    if (startsDown && wasDownBefore(info)) {
      await startContainer(docker, id, service);
      continue;
    }
    if (typeof verdict === 'object') return notReady(container, service, verdict.failed, watch.lastCheck);
    const health = oneShot ? undefined : healthOf(info);
    const patience = checkCommand(health?.Test) ? patienceMs(health!) : limitMs;
    if (Date.now() - started > patience) {
      const why = `did not become ready within ${Math.round(patience / 1000)} s`;
      return notReady(container, service, why, watch.lastCheck);
    }
    const pause = Math.max(pauseMs, (Date.now() - started) / patientPart);
    if (verdict === 'silent') await watch.untilItListens(info, pause, signal);
    else await sleep(pause, undefined, signal ? { signal } : {});
  }
}

/** Silent: it listens nowhere yet, so that its check was not run. */
type Verdict = 'ready' | 'wait' | 'silent' | { readonly failed: string };

/** Judges a container by what the engine says of it, time and again. */
class Watch {
  /** The latest run of the health check. */
  lastCheck: CheckResult | undefined;
  readonly #container: Docker.Container;
  readonly #oneShot: boolean;
  readonly #listens: (info: Inspected) => Promise<boolean | undefined>;
  #restartsBefore: number | undefined;
  #killSeen: number | undefined;
  #run: { readonly startedAt: string; readonly seen: number } | undefined;
  /** When its check was last run, or not run because it listens nowhere, since it has begun to listen nowhere. */
  #silentSince: number | undefined;

  constructor(
    container: Docker.Container,
    oneShot: boolean,
    listens: (info: Inspected) => Promise<boolean | undefined>,
  ) {
    this.#container = container;
    this.#oneShot = oneShot;
    this.#listens = listens;
  }

  /** Lets some time go by; less if the container begins to listen, or ends. */
  async untilItListens(info: Inspected, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const end = performance.now() + ms;
    do await sleep(Math.min(listenMs, ms), undefined, signal ? { signal } : {});
    while (performance.now() < end && (await this.#listens(info)) === false);
  }

  async judge(info: Docker.ContainerInspectInfo): Promise<Verdict> {
    const { State: state, RestartCount: count } = info;
    if (state.Status === 'exited' || state.Status === 'dead') return this.#ended(info);
    // Restarts of long ago are no concern of this update.
    const restarts = count - (this.#restartsBefore ??= count);
    if (this.#oneShot) return 'wait';
    if (restarts >= restartsAllowed) {
      return { failed: `was restarted ${restarts} times, last exit code ${state.ExitCode}` };
    }
    if (state.Status !== 'running') return 'wait';
    if (state.Health?.Status === 'healthy') return 'ready';
    const health = healthOf(info);
    const command = checkCommand(health?.Test);
    if (!command) return this.#hasSettled(state.StartedAt) ? 'ready' : 'wait';
    if (await this.#isSilent(info, Math.min(silentMs, patienceMs(health!) / 4))) return 'silent';

    const timeoutMs = milliseconds(health?.Timeout) || defaults.timeoutMs;
    this.lastCheck = await runInContainer(this.#container, command, timeoutMs).catch(
      // A container that ends under the check is looked at again in the next round.
      (error: unknown): CheckResult => ({ ok: false, exitCode: undefined, output: messageOf(error) }),
    );
    if (this.lastCheck.ok) return 'ready';
    return state.Health?.Status === 'unhealthy' ? { failed: 'is unhealthy' } : 'wait';
  }

  /** Whether it listens nowhere, so that its check need not be run now: only once in so long. */
  async #isSilent(info: Inspected, onceInMs: number): Promise<boolean> {
    if ((await this.#listens(info)) !== false) {
      this.#silentSince = undefined;
      return false;
    }
    const now = performance.now();
    if (now - (this.#silentSince ??= now) < onceInMs) return true;
    this.#silentSince = now;
    return false;
  }

  #ended(info: Docker.ContainerInspectInfo): Verdict {
    const { State: state } = info;
    if (hasEndedAsJob(info, this.#oneShot)) return 'ready';
    if (state.OOMKilled) return { failed: 'was killed: out of memory' };
    // The engine can hear of the end a moment before it hears that memory was the reason.
    if (state.ExitCode === killedExitCode && Date.now() - (this.#killSeen ??= Date.now()) < settledMs) return 'wait';
    return { failed: `ended with exit code ${state.ExitCode}${state.Error ? `: ${state.Error}` : ''}` };
  }

  #hasSettled(startedAt: string): boolean {
    if (this.#run?.startedAt !== startedAt) this.#run = { startedAt, seen: Date.now() };
    // The engine's clock may be ahead of this one, so what was seen here counts too.
    return Date.now() - Math.min(Date.parse(startedAt), this.#run.seen) >= settledMs;
  }
}

function healthOf(info: Docker.ContainerInspectInfo): HealthConfig | undefined {
  return (info.Config as { Healthcheck?: HealthConfig }).Healthcheck;
}

/** The time after which Docker, checking once per interval, would call a container unhealthy. */
export function patienceMs(health: HealthConfig): number {
  const interval = milliseconds(health.Interval) || defaults.intervalMs;
  const retries = health.Retries || defaults.retries;
  return milliseconds(health.StartPeriod) + retries * interval;
}

function milliseconds(nanoseconds: number | undefined): number {
  return (nanoseconds ?? 0) / 1e6;
}

async function notReady(
  container: Docker.Container,
  service: string,
  why: string,
  last: CheckResult | undefined,
): Promise<never> {
  const logs = await container
    .logs({ stdout: true, stderr: true, tail: logLines })
    .then((data) => withoutFrames(data).trimEnd())
    .catch(() => '');
  const parts = [
    `Service ${service} ${why}.`,
    ...(last && !last.ok ? [checkReport(last)] : []),
    logs ? `Its last log lines:\n${indented(logs)}` : 'It has logged nothing.',
  ];
  throw new RewindError({
    code: 'service/not-ready',
    message: parts.join('\n'),
    fix: `Mend it, or go back to what ran before: pulumi config set --path rewind:tags.${service} <earlier tag>; then pulumi up.`,
  });
}

/** Whether a container does not run, and nobody has tried to start it since this process began. */
function wasDownBefore({ State: state, Created: created }: Docker.ContainerInspectInfo): boolean {
  const isDown = state.Status === 'exited' || state.Status === 'created';
  return isDown && Math.max(Date.parse(state.StartedAt), Date.parse(created)) < performance.timeOrigin;
}

function checkReport({ exitCode, output }: CheckResult): string {
  const said = exitCode === undefined ? 'gave no exit code' : `said (exit code ${exitCode})`;
  return `Its health check ${said}:${output.includes('\n') ? `\n${indented(output)}` : ` ${output || '(nothing)'}`}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
