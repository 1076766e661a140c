import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { messageOf, RewindError } from '../src/errors';
import { run } from '../src/process';
import { findExecutable } from './executables';
import type { Host } from './host';
import { tailOf } from './logged-process';
import { defaultSocket, pingSocket } from './docker-ping';

const serviceTimeoutMs = 60_000;
const serviceGraceMs = 10_000;
const engineTimeoutMs = 60_000;
const pollMs = 100;
const engineLog = '/var/log/dockerd.log';

/** How an engine was started, and which it is. */
export interface Started {
  readonly version: string;
  readonly how: string;
}

/**
 * Starts this machine's engine, as root: by systemd where it runs, else by the init script, else by itself. Debian's
 * init script gives up where limits may not be changed (`ulimit`), as in many containers, though the engine would run.
 *
 * @throws RewindError setup/docker with the end of the engine's log
 */
export async function startEngine(host: Host, report: (detail: string) => void, signal: AbortSignal): Promise<Started> {
  for (const argv of serviceCommands(host)) {
    const how = argv.join(' ');
    report(`starting the engine: ${how}`);
    const { exitCode, stderr, stdout } = await run(argv, {
      timeoutMs: serviceTimeoutMs,
      signal,
      env: { PATH: adminPath() },
    });
    if (exitCode === 0) {
      const version = await untilAnswer(serviceGraceMs, signal);
      if (version !== undefined) return { version, how };
    }
    const said = (stderr || stdout).trim().split('\n').at(-1) ?? '';
    report(`${how} did not do it${said ? ` (${said})` : ''}`);
  }
  if (host.hasSystemd) throw notStartedBySystemd;
  return startDaemon(report, signal);
}

const notStartedBySystemd = new RewindError({
  code: 'setup/docker',
  message: 'systemd could not start the Docker engine.',
  fix: 'See why: `systemctl status docker` and `journalctl -u docker`.',
});

/** The commands of the service manager to try, in order. */
export function serviceCommands(host: Host): [string, ...string[]][] {
  if (host.hasSystemd) return [['systemctl', 'start', 'docker']];
  return host.hasInitScript ? [['service', 'docker', 'start']] : [];
}

async function startDaemon(report: (detail: string) => void, signal: AbortSignal): Promise<Started> {
  const dockerd = findDaemon();
  if (dockerd === undefined) {
    throw new RewindError({
      code: 'setup/docker',
      message: 'No Docker engine answers, and there is no dockerd on PATH to start.',
      fix: 'Install an engine: https://docs.docker.com/engine/install/ (Debian, Ubuntu: apt-get install docker.io).',
    });
  }
  report(`starting the engine by itself: ${dockerd} (log: ${engineLog})`);
  const log = fs.openSync(engineLog, 'a');
  // In a session of its own: it goes on when this process, or the terminal, is gone.
  const daemon = spawn(dockerd, [], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: adminPath() },
  });
  fs.closeSync(log);
  let ended: string | undefined;
  daemon.once('exit', (code, by) => (ended = `it ended with ${by ?? `exit code ${code ?? '?'}`}`));
  daemon.once('error', (error) => (ended = messageOf(error)));
  daemon.unref();
  const version = await untilAnswer(engineTimeoutMs, signal, () => ended !== undefined);
  if (version !== undefined) return { version, how: dockerd };
  throw new RewindError({
    code: 'setup/docker',
    message: `The Docker engine could not be started: ${ended ?? `no answer in ${engineTimeoutMs / 1000} s`}.\n${tailOf(engineLog)}`,
    fix: `See its log, ${engineLog}. In a container the engine needs --privileged, or mount the socket of an engine outside.`,
  });
}

/** The engine's program, also where PATH leaves out the folders for it. */
export function findDaemon(): string | undefined {
  return findExecutable('dockerd', adminPath());
}

/** PATH with the folders of programs for root, which some shells leave out: the engine itself needs iptables. */
function adminPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
}

/** Polls the default socket until the engine answers; undefined if it does not in time, or if there is no hope. */
async function untilAnswer(
  timeoutMs: number,
  signal: AbortSignal,
  isHopeless: () => boolean = () => false,
): Promise<string | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await pingSocket(defaultSocket);
    if ('version' in answer) return answer.version;
    signal.throwIfAborted();
    if (isHopeless() || Date.now() > deadline) return undefined;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
