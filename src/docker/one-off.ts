import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import type { ContainerSpec } from '../container/spec';
import { RewindError } from '../errors';
import { isGone, processMark } from '../lock.mjs';
import { revealed } from '../sensitive';
import { Demultiplexer, type ContainerResult } from './exec';
import { refusal } from './refusal';

/** A program to run once, in surroundings like those of a service. */
export interface OneOff {
  /** The service's container as planned: its environment, networks, mounts, user. */
  readonly like: ContainerSpec;
  /** ID of the image. @default the service's own */
  readonly image?: string;
  readonly argv: readonly string[];
  /** Standard input. @default none */
  readonly input?: string;
  /**
   * What it asks for by printing this text, to be answered on its standard input by whoever is told what it has printed so
   * far. @default nothing
   */
  readonly prompt?: { readonly text: string; readonly answer: (said: string) => Promise<string> };
  /** Hears, once it runs, of the addresses that it has in its networks. @default nobody */
  readonly onAddresses?: (addresses: readonly string[]) => void;
  /** Whether it joins the service's networks. @default true */
  readonly network?: boolean;
  /** What it is for, as label `dev.rewind.one-off`. */
  readonly purpose: string;
}

/** Marks containers that Rewind runs for a moment. */
const oneOffLabel = 'dev.rewind.one-off';

/** The container whose surroundings such a one has. */
const likeLabel = 'dev.rewind.one-off-like';

/** The stack that it is run for. With {@link stackLabel} it would count as a service of the stack wherever these are listed. */
export const oneOffStackLabel = 'dev.rewind.one-off-stack';

/** The process that runs it, by {@link processMark}. */
const ownerLabel = 'dev.rewind.one-off-owner';

/** Processes of another machine cannot be asked: a container is started within seconds, or never. */
const startMs = 600_000;

/**
 * Removes the containers of programs whose processes were killed, also those that were made and never started. A program
 * that is at work is waited for, and ended if that takes too long; a container of a process that lives is left alone.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function removeAbandonedOneOffs(docker: Docker, stack: string, patienceMs = 60_000): Promise<void> {
  const left = await docker.listContainers({ all: true, filters: { label: [`${oneOffStackLabel}=${stack}`] } });
  await Promise.all(
    left.filter(isAbandoned).map(async ({ Id: id, State: state }) => {
      if (state === 'running') await endInTime(docker, id, patienceMs);
      await docker
        .getContainer(id)
        .remove({ force: true, v: true })
        .catch(() => undefined); // the engine has removed it when it ended
    }),
  );
}

function isAbandoned({ Labels: labels, State: state, Created: created }: Docker.ContainerInfo): boolean {
  if (isGone(labels[ownerLabel] ?? '')) return true;
  return state === 'created' && Date.now() - created * 1000 > startMs;
}

/**
 * Waits for programs that processes have started which were killed. One that does not end in time is ended.
 *
 * @param purpose - of theirs
 * @param like - name of the container whose surroundings they have
 */
export async function endAbandoned(docker: Docker, purpose: string, like: string, patienceMs = 60_000): Promise<void> {
  const label = [`${oneOffLabel}=${purpose}`, `${likeLabel}=${like}`];
  const left = await docker.listContainers({ filters: { label } });
  await Promise.all(left.map(({ Id: id }) => endInTime(docker, id, patienceMs)));
}

/** Waits for the end of a container, and makes it end if that takes too long. */
async function endInTime(docker: Docker, id: string, patienceMs: number): Promise<void> {
  const container = docker.getContainer(id);
  const ended = container.wait().catch(() => undefined);
  const timer = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: timer.signal }).then(
    () => container.remove({ force: true }),
    () => undefined,
  );
  await Promise.race([ended, late.catch(() => undefined)]);
  timer.abort();
}

/**
 * Runs a program in a container of its own, which is removed again when it ends.
 *
 * @throws RewindError docker/failed
 */
export async function runOneOff(docker: Docker, oneOff: OneOff): Promise<ContainerResult> {
  const container = await docker.createContainer(optionsOf(oneOff)).catch((error: unknown) => {
    throw refusal(`The engine does not run ${oneOff.purpose}`, 'Mend what it names, then run this again.', error);
  });
  let hasEnded = false;
  try {
    const [, ...others] = oneOff.network === false ? [] : (oneOff.like.networksAdvanced ?? []);
    for (const { name } of others) await docker.getNetwork(name).connect({ Container: container.id });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    let stderr = '';
    const chunks: Buffer[] = [];
    const said = stream.pipe(new Demultiplexer((text) => (stderr += text))).pipe(new PassThrough());
    const answering = oneOff.prompt && answered(said, oneOff.prompt);
    said.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = container.wait({ condition: 'next-exit' }) as Promise<{ StatusCode: number }>;
    await container.start();
    if (oneOff.onAddresses) oneOff.onAddresses(await addressesOf(container));
    if (answering === undefined) stream.end(oneOff.input ?? '');
    else await Promise.race([answering.then((text) => stream.end(text)), ended]);
    const { StatusCode: exitCode } = await ended;
    await finished(said, { writable: false });
    hasEnded = true;
    return { exitCode, stdout: Buffer.concat(chunks).toString('utf8'), stderr };
  } catch (error) {
    if (error instanceof RewindError) throw error;
    throw refusal(`The engine does not run ${oneOff.purpose}`, 'Mend what it names, then run this again.', error);
  } finally {
    const removed = container.remove({ force: true, v: true }).catch(() => undefined);
    // The application waits for one that was asked to go on: the engine removes it by itself.
    if (!hasEnded || !oneOff.prompt) await removed;
  }
}

async function addressesOf(container: Docker.Container): Promise<string[]> {
  const { NetworkSettings: settings } = await container.inspect();
  return Object.values(settings.Networks)
    .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
    .filter((address) => address !== '');
}

/**
 * So that a program whose connection is cut, e.g. as its server has another address now, hears of it within a quarter of a
 * minute and not after two hours. https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html
 */
const keepalive = {
  'net.ipv4.tcp_keepalive_time': '5',
  'net.ipv4.tcp_keepalive_intvl': '2',
  'net.ipv4.tcp_keepalive_probes': '4',
} as const;

/** The answer to what a program asks for on its standard output, once it does. */
function answered(said: PassThrough, { text, answer }: NonNullable<OneOff['prompt']>): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const listen = (chunk: Buffer): void => {
      seen += chunk.toString('utf8');
      if (!seen.includes(text)) return;
      said.off('data', listen);
      answer(seen).then(resolve, reject);
    };
    said.on('data', listen);
  });
}

function optionsOf({ like, image, argv, purpose, network = true }: OneOff): Docker.ContainerCreateOptions {
  const [first] = network ? (like.networksAdvanced ?? []) : [];
  const stack = like.labels.find(({ label }) => label === stackLabel);
  const mode = typeof like.networkMode === 'string' ? like.networkMode : undefined;
  return {
    Image: image ?? like.image,
    Entrypoint: [...argv.slice(0, 1)],
    Cmd: [...argv.slice(1)],
    Labels: {
      [oneOffLabel]: purpose,
      [likeLabel]: like.name,
      [ownerLabel]: processMark(),
      ...(stack && { [oneOffStackLabel]: revealed(stack.value) }),
    },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Healthcheck: { Test: ['NONE'] },
    ...(like.envs && { Env: like.envs.map(revealed) }),
    ...(like.user !== undefined && { User: like.user }),
    ...(like.workingDir !== undefined && { WorkingDir: like.workingDir }),
    HostConfig: {
      // Whatever becomes of this process, the engine removes it.
      AutoRemove: true,
      NetworkMode: network ? (first?.name ?? mode ?? 'default') : 'none',
      // Only a network of its own has settings of its own.
      ...(first && { Sysctls: keepalive }),
      ...(like.hosts && { ExtraHosts: like.hosts.map(({ host, ip }) => `${host}:${ip}`) }),
      ...(like.dns && { Dns: like.dns }),
      ...(like.groupAdds && { GroupAdd: like.groupAdds }),
      ...(like.tmpfs && { Tmpfs: like.tmpfs }),
      ...(like.readOnly !== undefined && { ReadonlyRootfs: like.readOnly }),
      ...(like.securityOpts && { SecurityOpt: like.securityOpts }),
      ...(like.capabilities && { CapAdd: like.capabilities.adds, CapDrop: like.capabilities.drops }),
      ...(like.mounts && {
        Mounts: like.mounts.map(({ type, source = '', target, readOnly = false }) => ({
          Type: type as Docker.MountType,
          Source: source,
          Target: target,
          ReadOnly: readOnly,
        })),
      }),
      ...(like.volumes && {
        Binds: like.volumes.flatMap(({ hostPath, volumeName, containerPath, readOnly }) => {
          const source = hostPath ?? volumeName;
          if (source === undefined || containerPath === undefined) return [];
          return [`${source}:${containerPath}${readOnly ? ':ro' : ''}`];
        }),
      }),
    },
  };
}
