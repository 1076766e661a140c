import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { RewindError } from '../errors';
import { checkCommand, type CheckResult, runInContainer, withoutFrames } from './check';

/** How readiness is waited for. */
export interface ReadinessOptions {
  readonly service: string;
  /** The container is to end with exit code 0 instead of running on. @default false */
  readonly oneShot?: boolean;
  /** Pause between two checks, in milliseconds. @default 100 */
  readonly pauseMs?: number;
  /** Upper bound for a container whose check sets none, in milliseconds. @default 300000 */
  readonly limitMs?: number;
  /** Stops waiting. @default none */
  readonly signal?: AbortSignal;
}

/** Docker's own defaults for a health check: https://docs.docker.com/reference/dockerfile/#healthcheck */
const defaults = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3 };
const logLines = 20;
/** A container without a health check is ready when it has run for so long. */
const settledMs = 200;
const restartsAllowed = 3;

interface HealthConfig {
  Test?: string[];
  /** Nanoseconds, like the others. */
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  Retries?: number;
}

/**
 * Waits until a container is ready: its health check passes (run here every 100 ms, so that readiness is seen in the
 * moment it is there and not at Docker's next interval), or, without a check, it runs; a one-shot job is ready when it
 * has ended with exit code 0.
 *
 * The check fails for good when Docker would call the container unhealthy: `retries` failures in a row, one per
 * interval, after the start period.
 *
 * @throws RewindError service/not-ready with the failing check's output and the container's last log lines
 */
export async function waitUntilReady(docker: Docker, id: string, options: ReadinessOptions): Promise<void> {
  const { service, pauseMs = 100, limitMs = 300_000, oneShot = false, signal } = options;
  const container = docker.getContainer(id);
  const started = Date.now();
  let last: CheckResult | undefined;

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
    const { State: state } = info;
    const fail = async (why: string): Promise<never> => notReady(container, service, why, last);

    if (oneShot) {
      if (state.Status === 'exited' && state.ExitCode === 0) return;
      if (state.Status === 'exited' || state.Status === 'dead') return fail(`ended with exit code ${state.ExitCode}`);
    } else if (state.Status === 'exited' || state.Status === 'dead') {
      // A container that has done its work and is not to be restarted is a finished job.
      if (state.ExitCode === 0 && (info.HostConfig.RestartPolicy?.Name ?? 'no') === 'no') return;
      return fail(
        state.OOMKilled
          ? 'was killed: out of memory'
          : `ended with exit code ${state.ExitCode}${state.Error ? `: ${state.Error}` : ''}`,
      );
    } else if (info.RestartCount >= restartsAllowed) {
      return fail(`was restarted ${info.RestartCount} times, last exit code ${state.ExitCode}`);
    }

    const running = state.Status === 'running';
    const health = (info.Config as { Healthcheck?: HealthConfig }).Healthcheck;
    const command = oneShot ? undefined : checkCommand(health?.Test);
    if (running && !oneShot) {
      if (state.Health?.Status === 'healthy') return;
      if (!command) {
        if (Date.now() - Date.parse(state.StartedAt) >= settledMs) return;
      } else {
        last = await runInContainer(container, command, milliseconds(health?.Timeout) || defaults.timeoutMs).catch(
          // A container that ends under the check is looked at again in the next round.
          (error: unknown): CheckResult => ({ ok: false, exitCode: undefined, output: String(error) }),
        );
        if (last.ok) return;
        if (state.Health?.Status === 'unhealthy') return fail('is unhealthy');
      }
    }
    const patience = command ? patienceMs(health ?? {}) : limitMs;
    if (Date.now() - started > patience) return fail(`did not become ready within ${Math.round(patience / 1000)} s`);
    await sleep(pauseMs, undefined, signal ? { signal } : {});
  }
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
    ...(last && !last.ok
      ? [`Its health check said (exit code ${last.exitCode ?? 'none'}): ${last.output || '(nothing)'}`]
      : []),
    logs ? `Its last log lines:\n${logs.replaceAll(/^/gm, '    ')}` : 'It has logged nothing.',
  ];
  throw new RewindError({
    code: 'service/not-ready',
    message: parts.join('\n'),
    fix: 'Go back to what ran before: pulumi config set --path rewind:tags.<service> <earlier tag>, then pulumi up.',
  });
}
