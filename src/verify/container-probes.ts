import { connect as connectTcp } from 'node:net';

import type Docker from 'dockerode';

import { hasEndedAsJob } from '../docker/ended';
import { shortId } from '../docker/short-id';
import { checkCommand, runInContainer, withoutFrames } from '../probe/check';
import type { ReleaseRecord } from '../releases/record';
import { type PublishedPort, publishedPorts } from './endpoint';
import type { LiveService } from './live-service';
import { type Probe, ProbeFailed } from './probe';
import type { VerifySettings } from './settings';

/** Looks at the services of a stack anew. */
export type LookAtServices = () => Promise<ReadonlyMap<string, LiveService>>;

/** What the probes of containers need. */
export interface ContainerProbesOptions {
  readonly docker: Docker;
  /** What is to run. */
  readonly record: Pick<ReleaseRecord, 'services'>;
  /** The service with the database: what it calls fatal is so for one of its clients. @default none */
  readonly database?: string;
  readonly look: LookAtServices;
  /** The services as they are now: which of them have a health check, or publish a port. */
  readonly services: ReadonlyMap<string, LiveService>;
  readonly logs: VerifySettings['logs'];
}

/** That everything runs that should, from the images that the release says, healthy, and without a word of trouble. */
export function containerProbes(options: ContainerProbesOptions): Probe[] {
  const { record, services } = options;
  return [
    ...Object.keys(record.services).flatMap((name) => [runs(name, options), ranFrom(name, options)]),
    ...[...services.values()].flatMap((service) => [
      ...healthCheck(service, options),
      ...service.containers.flatMap((info) => publishedPorts(info).map((port) => takesConnections(service.name, port))),
    ]),
    ...Object.keys(record.services).map((name) => saysNothingBad(name, options)),
  ];
}

/**
 * The same for the end of an update, in which every service has just been found ready: that everything runs from the right
 * images, and that what was started has not logged that something is wrong.
 *
 * @param since - when the update began
 */
export function updateProbes(options: Omit<ContainerProbesOptions, 'services'>, since: Date): Probe[] {
  const names = Object.keys(options.record.services);
  return [
    ...names.flatMap((name) => [runs(name, options), ranFrom(name, options)]),
    ...names.map((name) => saysNothingBad(name, options, since)),
  ];
}

type Options = Omit<ContainerProbesOptions, 'services'>;

function runs(service: string, { record, look }: Options): Probe {
  const { containers: wanted } = record.services[service]!;
  return {
    name: `${service} runs`,
    level: 'immediate',
    service,
    attempts: 5,
    look: async () => {
      const live = (await look()).get(service);
      const found = live?.containers ?? [];
      if (found.length < wanted) throw new ProbeFailed(`${found.length} of ${wanted} containers are there`);
      const wrong = found.map(troubleOf(live!.isJob)).filter((it) => it !== undefined);
      if (wrong.length > 0) throw new ProbeFailed(wrong.join('; '));
      return live!.isJob ? 'has done its work' : `since ${since(found[0]!)}`;
    },
  };
}

function troubleOf(isJob: boolean): (info: Docker.ContainerInspectInfo) => string | undefined {
  return (info) => {
    const { Name: name, State: state } = info;
    const where = name.slice(1);
    if (hasEndedAsJob(info, isJob)) return undefined;
    if (state.OOMKilled) return `${where} was killed: out of memory`;
    if (state.Status === 'exited') return `${where} has ended with exit code ${state.ExitCode}`;
    if (state.Status !== 'running' || state.Paused) return `${where} is ${state.Paused ? 'paused' : state.Status}`;
    return state.Health?.Status === 'unhealthy' ? `${where} is unhealthy` : undefined;
  };
}

function since({ State: { StartedAt: at } }: Docker.ContainerInspectInfo): string {
  return at.replace(/\.\d+Z$/, 'Z');
}

function ranFrom(service: string, { record, look }: Options): Probe {
  const { imageId, image } = record.services[service]!;
  return {
    name: `${service} is the image of the release`,
    level: 'immediate',
    service,
    attempts: 1,
    look: async () => {
      const others = ((await look()).get(service)?.containers ?? []).filter((info) => info.Image !== imageId);
      if (others.length === 0) return `${image}, ${shortId(imageId)}`;
      throw new ProbeFailed(`it is ${shortId(others[0]!.Image)} instead of ${shortId(imageId)} (${image})`);
    },
  };
}

const checkMs = 10_000;

function healthCheck({ name, containers, isJob }: LiveService, { docker, look }: ContainerProbesOptions): Probe[] {
  const test = (containers[0]?.Config as { Healthcheck?: { Test?: string[] } } | undefined)?.Healthcheck?.Test;
  const command = checkCommand(test);
  if (!command || isJob) return [];
  return [
    {
      name: `${name} passes its health check`,
      level: 'immediate',
      service: name,
      look: async () => {
        for (const { Id: id } of (await look()).get(name)?.containers ?? []) {
          const { ok, exitCode, output } = await runInContainer(docker.getContainer(id), command, checkMs);
          if (ok) continue;
          throw new ProbeFailed(exitCode === undefined ? 'no exit code' : `exit code ${exitCode}`, {
            ...(output !== '' && { evidence: output }),
          });
        }
        return 'exit code 0';
      },
    },
  ];
}

const connectMs = 2000;

function takesConnections(service: string, { target, host, port }: PublishedPort): Probe {
  return {
    name: `${service} takes connections at ${host}:${port}`,
    level: 'immediate',
    service,
    look: () =>
      new Promise((resolve, reject) => {
        const socket = connectTcp({ host: host.replaceAll(/[[\]]/g, ''), port, timeout: connectMs });
        const fail = (why: string): void => {
          socket.destroy();
          reject(new ProbeFailed(why));
        };
        socket.once('connect', () => {
          socket.destroy();
          resolve(`port ${target} of the container`);
        });
        socket.once('timeout', () => {
          fail(`no connection within ${connectMs} ms`);
        });
        socket.once('error', (error) => {
          fail((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'connection refused' : error.message);
        });
      }),
  };
}

const fatal = String.raw`\bFATAL\b`;

/** What servers and applications write when something is badly wrong. */
export const criticalPatterns: readonly string[] = [
  String.raw`\b(PANIC|EMERG|CRITICAL)\b`,
  fatal,
  String.raw`^Traceback \(most recent call last\)`,
  String.raw`\bpanic: `,
  String.raw`\bfatal error\b`,
  String.raw`\bOutOfMemoryError\b|\bout of memory\b`,
  String.raw`\bsegmentation fault\b`,
];

/** What looks like it and is none: a database that is asked while it starts, or is told to stop, says FATAL to its client. */
const harmless =
  /the database system is (starting up|shutting down|not yet accepting connections)|terminating connection due to administrator command/;

/** The engine's clock may be behind this one. */
const clockToleranceMs = 2000;
const logLines = 1000;
const shownLines = 5;

function saysNothingBad(service: string, { docker, look, logs, database }: Options, started?: Date): Probe {
  const patterns = logs.critical ?? criticalPatterns.filter((it) => service !== database || it !== fatal);
  const critical = patterns.map((text) => new RegExp(text, 'm'));
  const ignored = logs.ignore.map((text) => new RegExp(text));
  return {
    name: `${service} has logged nothing critical since it started`,
    level: 'immediate',
    service,
    attempts: 1,
    look: async () => {
      let read = 0;
      for (const { Id: id, State: state, Name: name } of (await look()).get(service)?.containers ?? []) {
        if (started && Date.parse(state.StartedAt) < started.getTime() - clockToleranceMs) continue;
        const lines = await logOf(docker.getContainer(id), state.StartedAt);
        read += lines.length;
        const bad = lines.filter(
          (line) =>
            critical.some((it) => it.test(line)) && !harmless.test(line) && !ignored.some((it) => it.test(line)),
        );
        if (bad.length === 0) continue;
        const evidence = bad.slice(-shownLines).join('\n');
        throw new ProbeFailed(`${name.slice(1)}: ${bad.length} of ${lines.length} lines`, { evidence });
      }
      return `${read} lines`;
    },
  };
}

/**
 * The last lines of a container's log since a time.
 *
 * @param options - how many, and whether the engine's time stands before each
 */
export async function logOf(
  container: Docker.Container,
  sinceTime: string,
  { tail = logLines, timestamps = false }: { readonly tail?: number; readonly timestamps?: boolean } = {},
): Promise<string[]> {
  const seconds = Math.max(0, Math.floor(Date.parse(sinceTime) / 1000));
  const since = seconds > 0 && { since: seconds };
  const data = await container.logs({ stdout: true, stderr: true, tail, timestamps, ...since });
  return withoutFrames(data)
    .split('\n')
    .filter((line) => line !== '');
}
