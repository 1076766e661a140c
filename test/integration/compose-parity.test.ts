import { readdirSync } from 'node:fs';

import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { unexplained } from '../support/allowed-differences';
import {
  engine,
  execIn,
  type Inspection,
  inspectContainers,
  inspectNetworks,
  inspectVolumes,
  removeProject,
  restartContainers,
} from '../support/docker';
import { briefly, driftOf } from '../support/drift';
import { makeBoxImages } from '../support/images';
import { differences } from '../support/inspection';
import { TestStack } from '../support/stack';

/** A compose project that docker compose and Rewind bring up in turn. */
interface Fixture {
  /** Folder below test/fixtures/compose. */
  readonly name: string;
  /** `rewind:` settings, and what they are on docker compose's command line. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A service, and what it says or how it looks from inside, which is to be the same. */
  readonly asked: readonly (readonly [container: string, ...command: string[]])[];
  /** Whether this engine may refuse to start its containers. What it made of them is compared all the same. */
  readonly mayNotStart?: boolean;
}

const script = (...lines: string[]): string[] => ['sh', '-c', lines.join('; ')];
const filesIn =
  'for f in $(find / -xdev -name "*.conf" -o -xdev -path "/run/secrets/*" | sort); do stat -c "%n %a %u:%g" $f; cat $f; done';

const fixtures: readonly Fixture[] = [
  {
    name: 'process',
    env: { FROM_SHELL: 'shell' },
    asked: [
      ['web-1', 'env'],
      ['worker-2', 'env'],
      ['worker-1', 'id'],
      ['worker-1', 'pwd'],
      ['queue-1', 'env'],
      ['queue-1', 'hostname', '-f'],
      ['queue-1', 'ps'],
      ['shelled-1', 'ps'],
      ['database-1', 'id'],
    ],
  },
  {
    name: 'network',
    asked: [
      ['edge-1', 'cat', '/etc/resolv.conf'],
      ['api-1', 'cat', '/etc/resolv.conf'],
      ['edge-1', ...script('nslookup -type=a backend 127.0.0.11 | grep -c 10.98.1.10')],
      ['edge-1', ...script('nslookup -type=a api-front 127.0.0.11 | grep -c ^Name')],
      // But for its own address, which depends on the order in which containers were started.
      ['mapped-1', ...script('grep -v : /etc/hosts | grep -v mapped | grep -v "$(hostname)"')],
      ['sidecar-1', ...script('ip -4 address | grep -c 10.98.1.10/24')],
      ['nonet-1', ...script('ls /sys/class/net')],
    ],
  },
  {
    name: 'storage',
    settings: { envFile: 'fixture.env' },
    flags: ['--env-file', 'fixture.env'],
    asked: [
      ['granted-1', ...script(filesIn, 'cat /from-environment /run/secrets/*')],
      ['readonly-1', ...script('cat /from-file /run/secrets/api-key', 'touch /x')],
      [
        'archive-1',
        ...script('ls -ln /content /content-ro /made /long /etc/settings.conf | grep -v total | cut -c1-10,20-30'),
      ],
      ['archive-1', ...script('touch /ro/x /content-ro/x', 'touch /data/x && ls /again')],
      ['mirror-1', ...script('mount | grep -E " /(tmp|var/cache) " | sort', 'ls /again /content', 'touch /etc/x')],
      ['equipped-1', ...script('mount | grep -E " /scratch" | sort', 'stat -c %a /scratch')],
    ],
  },
  {
    name: 'confined',
    asked: [
      ['hardened-1', 'grep', '-E', '^(Cap|NoNewPrivs|Seccomp|Groups|Uid|Gid)', '/proc/1/status'],
      ['loose-1', 'grep', '-E', '^(Cap|NoNewPrivs|Seccomp)', '/proc/1/status'],
      ['paths-1', ...script('mount | grep -c /proc/')],
      ['devices-1', ...script('ls -l /dev/nothing /dev/nil /dev/filled | cut -c1-10')],
    ],
  },
  {
    name: 'limits',
    env: { BLOCK_DEVICE: blockDevice() },
    asked: [
      ['quota-1', 'cat', '/proc/1/limits'],
      ['quota-1', 'cat', '/proc/sys/net/core/somaxconn', '/proc/sys/net/ipv4/tcp_syncookies'],
      ['odd-1', ...script('df -k /dev/shm | tail -1')],
    ],
  },
  {
    name: 'layered',
    settings: {
      compose: ['compose.yaml', 'compose.override.yaml'],
      envFile: ['one.env', 'two.env'],
      profiles: ['debug'],
    },
    flags: [
      ...['--file', 'compose.yaml', '--file', 'compose.override.yaml'],
      ...['--env-file', 'one.env', '--env-file', 'two.env', '--profile', 'debug'],
    ],
    asked: [
      ['web-1', 'env'],
      ['worker-1', 'env'],
      ['web-1', 'cat', '/etc/settings.conf'],
      ['mail-1', 'cat', '/etc/mail.conf'],
    ],
  },
  // What does not start is waited for until then: the program of an update that goes on after an error goes on, too.
  { name: 'hardware', settings: { readyTimeoutSeconds: 5 }, asked: [], mayNotStart: true },
];

const external = 'rewind-fixture-outside';

beforeAll(async () => {
  await makeBoxImages();
  const docker = await engine();
  await removeExternals();
  await docker.createNetwork({ Name: external });
  await docker.createVolume({ Name: external });
});

afterAll(async () => {
  await removeExternals();
});

async function removeExternals(): Promise<void> {
  const docker = await engine();
  await docker.getNetwork(external).remove().catch(ignore);
  await docker.getVolume(external).remove().catch(ignore);
}

const ignore = (): undefined => undefined;

describe.each(fixtures)('$name', ({ name, settings = {}, flags = [], env = {}, asked, mayNotStart = false }) => {
  let stack: TestStack;
  let compose: Snapshot;
  let rewind: Snapshot;

  beforeAll(async () => {
    stack = await TestStack.create(`rewind-fixture-${name}`, { fixture: name, env });
    await stack.configure(settings);
    const up = stack.composeWithFiles(...flags, 'up', '--detach');
    await (mayNotStart ? up.catch(ignore) : up);
    compose = await takeSnapshot(stack.project, asked);
    await stack.composeWithFiles(...flags, 'down', '--volumes');
    await removeProject(stack.project);
    // The rest is made although one does not start, as docker compose does it.
    const { ok, output } = await (mayNotStart ? stack.tryUp('--continue-on-error') : stack.tryUp());
    rewind = await takeSnapshot(stack.project, asked);
    expect(ok || (mayNotStart && Object.keys(rewind.containers).length > 0), output).toBe(true);
  });

  afterAll(() => stack.remove());

  test('has the containers that docker compose makes, field by field', () => {
    expect(unexplained(differences(compose.containers, rewind.containers))).toEqual([]);
  });

  test('has the networks and volumes that docker compose makes', () => {
    expect(rewind.networks).toEqual(compose.networks);
    expect(rewind.volumes).toMatchObject(compose.volumes);
  });

  test.runIf(asked.length > 0)('looks the same from inside its containers', () => {
    expect(rewind.answers).toEqual(compose.answers);
  });

  test.skipIf(mayNotStart)(
    'shows no change in a refresh, nor in a preview after every container was restarted',
    async () => {
      await stack.refresh('--expect-no-changes');
      await restartContainers(stack.project);
      await stack.preview('--refresh', '--expect-no-changes');
    },
  );

  test.skipIf(mayNotStart)('is no drift, nor after its containers were restarted in any way', async () => {
    // What is asked above leaves files behind, which is information.
    const differing = async (): Promise<string[]> =>
      Object.keys(briefly(await driftOf(stack))).filter((id) => !/^container\/[^/]+\/files$/.test(id));
    expect(await differing()).toEqual([]);
    await restartContainers(stack.project);
    expect(await differing()).toEqual([]);
    await stack.compose('restart', '--timeout', '1');
    // One in the network of another does not start again where that one is not there yet.
    await stack.compose('start');
    expect(await differing()).toEqual([]);
  });

  test.skipIf(mayNotStart)(
    'is a project that docker compose lists, shows the logs of and runs commands in',
    async () => {
      const ps = await stack.compose('ps', '--all', '--format', '{{.Name}}');
      expect(ps.stdout.split('\n').sort()).toEqual(Object.keys(rewind.containers).sort());
      const service = Object.values(rewind.containers).find(({ State }) => State.Running)!.Config.Labels[serviceLabel]!;
      expect((await stack.compose('exec', '-T', service, 'echo', 'it works')).stdout).toBe('it works');
      expect((await stack.compose('logs', service)).exitCode).toBe(0);
    },
  );
});

test('docker compose shows what a container has logged', async () => {
  const stack = await TestStack.create('rewind-fixture-logs');
  try {
    const talker = { image: 'rewind-fixture/box:1', command: ['sh', '-c', 'echo it speaks; exec serve'] };
    await stack.write('compose.yaml', { services: { talker } });
    await stack.up();
    expect((await stack.compose('logs', '--no-log-prefix', 'talker')).stdout).toBe('it speaks');
  } finally {
    await stack.remove();
  }
});

const serviceLabel = 'com.docker.compose.service';

/** What a compose project is made of, and what its containers answer. */
interface Snapshot {
  readonly containers: Record<string, Inspection>;
  readonly networks: unknown;
  readonly volumes: object;
  readonly answers: Record<string, string>;
}

async function takeSnapshot(project: string, asked: Fixture['asked']): Promise<Snapshot> {
  const answers: Record<string, string> = {};
  for (const [container, ...command] of asked) {
    const answer = await execIn(`${project}-${container}`, ...command);
    if (answer === '') throw new Error(`${container}: ${command.join(' ')} answers nothing: it would prove nothing`);
    answers[`${container}: ${command.join(' ')}`] = withoutIds(answer).split('\n').sort().join('\n');
  }
  const networks = Object.entries(await inspectNetworks(project));
  const volumes = Object.entries(await inspectVolumes(project));
  return {
    containers: await inspectContainers(project),
    networks: Object.fromEntries(networks.map(([name, network]) => [name, networkFacts(network)])),
    // Rewind gives anonymous volumes a name and the project's label; docker compose gives them neither.
    volumes: Object.fromEntries(
      volumes.map(([name, { Driver, Options, Labels }]) => [name, { Driver, Options, Labels: own(Labels) }]),
    ),
    answers,
  };
}

function networkFacts(network: Docker.NetworkInspectInfo): object {
  const { Driver, Options, Internal, Attachable, EnableIPv6, Scope, Labels } = network;
  const pools = (network.IPAM?.Config ?? []).filter((pool) => !isChosenByDocker(pool));
  return { Driver, Options, Internal, Attachable, EnableIPv6, Scope, Labels: own(Labels), pools };
}

/** Docker takes address pools of these ranges in turn for networks that name none. */
function isChosenByDocker(pool: Record<string, unknown>): boolean {
  return /^(172\.|192\.168\.)/.test(String(pool['Subnet']));
}

/** Labels without those that say who made it, and in which version. */
function own(labels: Readonly<Record<string, string>> | undefined): object {
  const others = /^com\.docker\.compose\.(config-hash|version)$|^dev\.rewind\./;
  return Object.fromEntries(Object.entries({ ...labels }).filter(([name]) => !others.test(name)));
}

/** Text without what a container is given anew at each start. */
function withoutIds(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{12}\b/g, '(ID)').replaceAll(/^ *\d+ (?=root|app|1000)/gm, '');
}

/** Some block device of this machine: limits of its rate need a real one. */
function blockDevice(): string {
  const [name] = readdirSync('/sys/block').filter((device) => readdirSync('/dev').includes(device));
  return `/dev/${name ?? 'loop0'}`;
}
