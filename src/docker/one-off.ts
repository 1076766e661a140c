import { type Duplex, PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';

import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import type { ContainerSpec } from '../container/spec';
import { RewindError } from '../errors';
import { processMark } from '../lock.mjs';
import { revealed } from '../sensitive';
import { removeOneOff } from './abandoned-one-offs';
import { Demultiplexer, type ContainerResult } from './exec';
import { goingName, likeLabel, oneOffLabel, oneOffStackLabel, ownerLabel, standingLabel } from './one-off-marks';
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
  /**
   * Whether it has done what it is for, by all that it has printed: it is left to its own end then, which takes the engine a
   * moment. @default its end is waited for
   */
  readonly isDone?: (said: string) => boolean;
  /** Hears, once it runs, of the addresses that it has in its networks. @default nobody */
  readonly onAddresses?: (addresses: readonly string[]) => void;
  /** Whether it joins the service's networks. @default true */
  readonly network?: boolean;
  /** What it is for, as label `dev.rewind.one-off`. */
  readonly purpose: string;
  /**
   * ID of the container in which it waits to be told to begin, as {@link standBy} has given it. @default it is run in a new
   * one
   */
  readonly standing?: string;
}

/**
 * Starts a program ahead, in a container of its own: it loads what it needs, and waits for a line on its standard input
 * before it prints its prompt. It has to give up by itself if nobody comes.
 *
 * @returns the ID of its container, which is removed when it ends
 * @throws RewindError docker/failed
 */
export async function standBy(docker: Docker, oneOff: Omit<OneOff, 'input' | 'onAddresses'>): Promise<string> {
  const container = await created(docker, oneOff, true);
  try {
    await container.start();
    return container.id;
  } catch (error) {
    await removeOneOff(docker, container.id);
    throw notRun(oneOff, error);
  }
}

/**
 * Runs a program in a container of its own, which is removed again when it ends.
 *
 * @throws RewindError docker/failed
 */
export async function runOneOff(docker: Docker, oneOff: OneOff): Promise<ContainerResult> {
  const { standing, prompt, isDone } = oneOff;
  const container = standing === undefined ? await created(docker, oneOff, false) : docker.getContainer(standing);
  const watching = new AbortController();
  let endsByItself = false;
  try {
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    let stderr = '';
    const said = stream.pipe(new Demultiplexer((text) => (stderr += text))).pipe(new PassThrough());
    const answering = prompt && answered(said, prompt);
    const chunks: Buffer[] = [];
    const stdout = (): string => Buffer.concat(chunks).toString('utf8');
    const done = new Promise<{ StatusCode: number }>((resolve) => {
      said.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (isDone?.(stdout())) resolve({ StatusCode: 0 });
      });
    });
    const condition = standing === undefined ? 'next-exit' : 'not-running';
    const ended = (container.wait({ condition, abortSignal: watching.signal }) as Promise<{ StatusCode: number }>).then(
      async (result) => {
        await finished(said, { writable: false });
        return result;
      },
    );
    ended.catch(() => undefined); // waited for below, if it gets so far
    if (standing === undefined) await container.start();
    else stream.write('\n');
    if (oneOff.onAddresses) oneOff.onAddresses(await addressesOf(container));
    if (answering === undefined) stream.end(oneOff.input ?? '');
    else await Promise.race([answering.then(goOn), ended]);
    const { StatusCode: exitCode } = await Promise.race([done, ended]);
    endsByItself = true;
    (stream as typeof stream & Pick<Duplex, 'destroy'>).destroy();
    return { exitCode, stdout: stdout(), stderr };

    async function goOn(text: string): Promise<void> {
      // From now on it does what it is for, also if this process is killed.
      if (standing !== undefined) await container.rename({ name: goingName() });
      stream.end(text);
    }
  } catch (error) {
    if (error instanceof RewindError) throw error;
    throw notRun(oneOff, error);
  } finally {
    watching.abort();
    // The application waits for one that was asked to go on: the engine removes it by itself when it has ended.
    if (!endsByItself || !prompt) await removeOneOff(docker, container.id);
  }
}

async function created(docker: Docker, oneOff: OneOff, isStanding: boolean): Promise<Docker.Container> {
  const container = await docker.createContainer(optionsOf(oneOff, isStanding)).catch((error: unknown) => {
    throw notRun(oneOff, error);
  });
  try {
    const [, ...others] = oneOff.network === false ? [] : (oneOff.like.networksAdvanced ?? []);
    for (const { name } of others) await docker.getNetwork(name).connect({ Container: container.id });
    return container;
  } catch (error) {
    await removeOneOff(docker, container.id);
    throw notRun(oneOff, error);
  }
}

function notRun({ purpose }: Pick<OneOff, 'purpose'>, error: unknown): RewindError {
  return refusal(`The engine does not run ${purpose}`, 'Mend what it names, then run this again.', error);
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

function optionsOf(
  { like, image, argv, purpose, network = true }: OneOff,
  isStanding: boolean,
): Docker.ContainerCreateOptions {
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
      ...(isStanding && { [standingLabel]: 'true' }),
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
