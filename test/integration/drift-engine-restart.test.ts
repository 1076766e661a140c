import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { briefly, driftOf } from '../support/drift';
import { eventually, inspectContainers } from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';
import { OwnEngine } from '../support/own-engine';
import { OwnNetwork } from '../support/own-network';
import { TestStack } from '../support/stack';
import { databaseService } from '../support/test-database';

// The Docker engine itself is restarted, and killed: one of its own, in a network of its own, since others work on the
// first one meanwhile.

const project = 'rewind-drift-engine';
const image = boxImages.plain;
const restart = 'unless-stopped';

const compose = {
  services: {
    db: { ...databaseService('shop', { password: 'word-that-nobody-sees' }), restart },
    web: {
      image,
      restart,
      ports: ['127.0.0.1:21440:80'],
      networks: { front: { aliases: ['shop'] }, default: null },
      volumes: ['files:/data', '/cache'],
      tmpfs: ['/tmp:size=1m'],
      cpus: 0.5,
      mem_limit: '64m',
      depends_on: { db: { condition: 'service_healthy' } },
    },
    checked: { image: boxImages.equipped, restart: 'always' },
    beside: { image, restart, network_mode: 'service:web' },
    once: { image, command: ['true'] },
  },
  networks: { front: { driver_opts: { 'com.docker.network.bridge.name': 'rewind-drift' } } },
  volumes: { data: null, files: { labels: { 'org.example.team': 'shop' } } },
};

const from = process.env['DOCKER_HOST'];
const network = await OwnNetwork.make();
const inOwnNetwork = describe.skipIf(network === undefined);
let own: OwnEngine;
let stack: TestStack;

beforeAll(async () => {
  if (network === undefined) return;
  const started = await OwnEngine.start('a second Docker engine', network.enter);
  if (typeof started === 'string') throw new Error(started);
  own = started;
  process.env['DOCKER_HOST'] = own.host;
  await own.take(['apex-db:15'], from);
  await makeBoxImages();
  stack = await TestStack.create(project, { enter: network.enter });
  await stack.write('compose.yaml', compose);
  await stack.configure({ database: { service: 'db' } });
  await stack.rewind('deploy');
});

afterAll(async () => {
  if (network === undefined) return;
  try {
    await stack.remove();
    await own.remove();
  } finally {
    network.remove();
  }
});

/** Short names of the containers that should run and do not, or whose health check has not passed yet. */
async function notUp(): Promise<string[]> {
  return Object.entries(await inspectContainers(project))
    .filter(([, { State }]) => !State.Running || (State.Health?.Status ?? 'healthy') !== 'healthy')
    .map(([name]) => name.slice(`${project}-`.length))
    .filter((name) => name !== 'once-1');
}

async function allUp(): Promise<void> {
  await eventually(async () => (await notUp()).length === 0, 'every container', 60_000);
}

/**
 * Waits until the engine has started again what it does. It starts all at once: one that is to be in the network of another
 * stays down if it comes first.
 */
async function startedByEngine(): Promise<void> {
  await eventually(async () => (await notUp()).every((name) => name === 'beside-1'), 'the containers', 60_000);
  await eventually(async () => (await notUp()).length === 0, 'the last one', 3000).catch(() => undefined);
}

inOwnNetwork('nothing is found', () => {
  test('after a deploy', async () => {
    expect(briefly(await driftOf(stack))).toEqual({});
  });

  test('after the engine was restarted, but what it has left stopped', async () => {
    await own.restart('SIGTERM', 1);
    await startedByEngine();
    const left = await notUp();
    const drift = await driftOf(stack);
    expect(Object.keys(briefly(drift))).toEqual(left.map((name) => `container/${name}/state`));
    expect(drift.notes).toEqual([]);
  });

  test('after a deploy of the same then, which starts that', async () => {
    await stack.rewind('deploy');
    await allUp();
    expect(briefly(await driftOf(stack))).toEqual({});
  });
});

inOwnNetwork('after the engine was killed', () => {
  test('containers that it has left stopped are found, and started again', async () => {
    await own.restart('SIGKILL', 1);
    // It ends those that still run, and does not always start them again.
    const found = async (): Promise<boolean> => (await driftOf(stack, '--only', 'containers')).findings.length > 0;
    await Promise.race([allUp(), eventually(found, 'its findings', 60_000)]);
    await stack.rewind('drift', '--fix', '--yes');
    await allUp();
    expect(briefly(await driftOf(stack))).toEqual({});
  });
});
