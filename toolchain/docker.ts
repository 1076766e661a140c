import path from 'node:path';
import { type EngineAddress, engineAddress } from '../src/docker/engine';
import { type RewindError } from '../src/errors';
import { installDocker } from './docker-install';
import { type Ping, ping, pingSocket, socketOf } from './docker-ping';
import { engineSilent, noDocker, noDockerCommand } from './docker-problems';
import { findDaemon, startEngine } from './docker-start';
import { findExecutable } from './executables';
import { type Host, isDebianLike, thisHost } from './host';

/** What was found of Docker on this machine. */
export interface DockerFindings {
  readonly host: Host;
  readonly address: EngineAddress;
  /** Path of the docker command, if there is one. */
  readonly docker: string | undefined;
  /** Path of the engine's program, if it is installed here. */
  readonly dockerd: string | undefined;
  readonly answer: Ping;
}

/** What is to be done about Docker. */
export type DockerPlan = 'use' | 'install' | 'start';

/**
 * Decides what to do about Docker. Only this machine's own engine is ever installed or started, and only as root; it is
 * installed on Debian and Ubuntu only.
 *
 * @throws RewindError setup/docker if the user has to do something
 */
export function planDocker({ host, address, docker, dockerd, answer }: DockerFindings): DockerPlan {
  if ('version' in answer) {
    if (docker !== undefined) return 'use';
    throw noDockerCommand(host, answer.version);
  }
  const isOurs = address.from === 'default' && host.isRoot && host.platform === 'linux';
  const isDown = answer.silence === 'no-socket' || answer.silence === 'dead-socket';
  if (isOurs && isDown && dockerd !== undefined && docker !== undefined) return 'start';
  if (isOurs && isDown && isDebianLike(host)) return 'install';
  if (docker === undefined) throw noDocker(host);
  throw engineSilent(host, address, answer.silence, answer.detail);
}

/** A Docker engine that answers, and the command that talks to it. */
export interface DockerSetup {
  /** Path of the docker command. */
  readonly docker: string;
  /** The engine's version, such as `20.10.24`. */
  readonly version: string;
  /** For people: what was done to get it. */
  readonly how: string;
}

/**
 * Makes sure of Docker: finds it, or starts it, or installs it where that is possible.
 *
 * @param logs - folder for the output of what it runs
 * @throws RewindError setup/docker
 */
export async function ensureDocker(
  logs: string,
  report: (detail: string) => void,
  signal: AbortSignal,
): Promise<DockerSetup> {
  const done: string[] = [];
  // Nothing is tried twice: what is still missing after it was installed or started is an error.
  for (const tried = new Set<DockerPlan>(); ;) {
    const findings = await lookForDocker();
    const plan = planDocker(findings);
    if (plan === 'use') {
      const version = (findings.answer as { readonly version: string }).version;
      return { docker: findings.docker!, version, how: done.join(', ') };
    }
    if (tried.has(plan)) throw stillMissing(plan, findings);
    tried.add(plan);
    if (plan === 'install') {
      await installDocker(path.join(logs, 'install-docker.log'), report, signal);
      done.push('installed from the distribution');
    } else {
      done.push(`started by ${(await startEngine(findings.host, report, signal)).how}`);
    }
  }
}

/** Whether Docker is there and answers, so that nothing has to be done. */
export async function isDockerReady(): Promise<boolean> {
  const { docker, answer } = await lookForDocker();
  return docker !== undefined && 'version' in answer;
}

async function lookForDocker(): Promise<DockerFindings> {
  const address = engineAddress();
  const docker = findExecutable('docker', process.env['PATH']);
  const socket = socketOf(address);
  let answer: Ping;
  if (socket !== undefined) answer = await pingSocket(socket);
  else if (docker !== undefined) answer = await ping(address, docker);
  else answer = { silence: 'no-answer', detail: 'it takes the docker command to ask' };
  return { host: thisHost(), address, docker, dockerd: findDaemon(), answer };
}

function stillMissing(plan: 'install' | 'start', { host, address, docker, answer }: DockerFindings): RewindError {
  if (plan === 'install' && docker === undefined) return noDocker(host);
  if ('version' in answer) return noDockerCommand(host, answer.version);
  return engineSilent(host, address, answer.silence, answer.detail);
}
