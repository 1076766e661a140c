import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { run } from '../src/process';
import { engine } from '../test/support/docker';
import type { Moment } from '../test/support/running-rewind';
import type { Family, Fault } from './fault';
import { EngineProxy } from './engine-proxy';
import type { Rig } from './rig';

// What the engine has is taken away: containers, images, a port, the network, the engine's own socket.

async function docker(...args: [string, ...string[]]): Promise<void> {
  const { exitCode, stderr } = await run(['docker', ...args]);
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')} failed: ${stderr}`);
}

const containerKilled =
  (service: string) =>
  (rig: Rig): Moment =>
  async () => {
    await (await engine()).getContainer(rig.container(service)).kill();
  };

/** Cuts a container off the network of the stack, and connects it again after a while. */
const cutOff =
  (service: string, seconds: number) =>
  (rig: Rig): Moment =>
  async () => {
    const network = `${rig.project}_default`;
    await docker('network', 'disconnect', '--force', network, rig.container(service));
    await sleep(seconds * 1000);
    // Meanwhile it may have been replaced.
    await run(['docker', 'network', 'connect', '--alias', service, network, rig.container(service)]);
  };

/** Somebody else listens on the port that r1 publishes. */
let listener: Server | undefined;
const portTaken = (rig: Rig): Promise<void> =>
  new Promise((resolve, reject) => {
    listener = createServer().once('error', reject);
    listener.listen(rig.port, '127.0.0.1', resolve);
  });
const portFree = (): Promise<void> =>
  new Promise((resolve) => (listener ? listener.close(() => resolve()) : resolve()));

const archive = (rig: Rig): string => join(rig.stack.directory, 'v1.tar');
/** The engine loses the image of r1, under all of its names. */
async function imageLost(rig: Rig): Promise<void> {
  await docker('image', 'save', '--output', archive(rig), rig.image('v1'));
  await docker('image', 'rm', '--force', (await (await engine()).getImage(rig.image('v1')).inspect()).Id);
}
async function imageBack(rig: Rig): Promise<void> {
  await docker('image', 'load', '--input', archive(rig));
  await rm(archive(rig));
}

let proxy: EngineProxy;
const byProxy: Partial<Fault> = {
  before: async () => {
    proxy = await EngineProxy.start();
  },
  env: () => ({ DOCKER_HOST: proxy.host }),
  heal: () => proxy.end(),
};

export const dockerFaults: Family = {
  name: 'docker',
  title: 'Containers, images, network, ports',
  faults: [
    {
      what: 'docker kill of the application',
      phase: 'plan',
      way: 'images',
      at: (rig) => rig.locked,
      fault: containerKilled('app'),
      ends: ['done'],
    },
    {
      what: 'docker kill of the application',
      phase: 'switch, new container waited for',
      way: 'downgrade',
      at: (rig) => rig.event('app', 'exec_start'),
      fault: containerKilled('app'),
      ends: ['put back'],
    },
    {
      what: 'docker kill of the database',
      phase: 'protect, while the snapshot is written',
      way: 'downgrade',
      at: (rig) => rig.inPhase('protect'),
      fault: containerKilled('db'),
      ends: ['refused', 'put back'],
    },
    {
      what: 'docker kill of the database',
      phase: 'prepare, while the data is restored',
      way: 'restore',
      at: (rig) => rig.shadowFilled,
      fault: containerKilled('db'),
      ends: ['refused', 'put back'],
    },
    {
      what: 'docker kill of the database',
      phase: 'switch, schema moving',
      way: 'downgrade',
      at: (rig) => rig.schemaMoving,
      fault: containerKilled('db'),
      ends: ['refused', 'put back'],
    },
    {
      what: 'docker kill of the database',
      phase: 'verify',
      way: 'images',
      at: (rig) => rig.inPhase('verify'),
      fault: containerKilled('db'),
      ends: ['put back'],
    },
    {
      what: 'docker rm -f of the application',
      phase: 'plan',
      way: 'images',
      at: (rig) => rig.locked,
      fault: (rig) => async () => {
        await (await engine()).getContainer(rig.container('app')).remove({ force: true });
      },
      ends: ['done', 'put back'],
    },
    {
      what: 'network cut: the database leaves it for 2 s',
      phase: 'switch, schema moving',
      way: 'downgrade',
      at: (rig) => rig.schemaMoving,
      fault: cutOff('db', 2),
      ends: ['done', 'refused', 'put back'],
    },
    {
      what: 'network cut: the application leaves it for 8 s',
      phase: 'verify',
      way: 'downgrade',
      at: (rig) => rig.inPhase('verify'),
      fault: cutOff('app', 8),
      ends: ['put back'],
    },
    {
      what: 'network cut: the engine is not reached any more for 3 s',
      phase: 'switch, old container stopping',
      way: 'images',
      at: (rig) => rig.event('app', 'kill'),
      fault: () => () => proxy.cut(3),
      ends: ['put back', 'broken'],
      ...byProxy,
    },
    {
      what: 'network cut: the engine is not reached any more for 3 s',
      phase: 'prepare, while the data is restored',
      way: 'restore',
      at: (rig) => rig.shadowFilled,
      fault: () => () => proxy.cut(3),
      ends: ['refused', 'put back'],
      ...byProxy,
    },
    {
      what: 'network cut: nothing comes through to the engine for 5 s',
      phase: 'switch, schema moving',
      way: 'downgrade',
      at: (rig) => rig.schemaMoving,
      fault: () => () => proxy.stall(5),
      ends: ['done'],
      ...byProxy,
    },
    {
      what: 'image of r1 missing',
      phase: 'before it',
      way: 'downgrade',
      before: imageLost,
      ends: ['refused'],
      heal: imageBack,
    },
    {
      what: 'image of r1 removed',
      phase: 'protect',
      way: 'downgrade',
      at: (rig) => rig.inPhase('protect'),
      fault: (rig) => () => imageLost(rig),
      ends: ['refused', 'put back'],
      heal: imageBack,
    },
    {
      what: 'port of r1 taken by somebody else',
      phase: 'before it',
      way: 'downgrade',
      before: portTaken,
      ends: ['refused'],
      says: /port/,
      heal: portFree,
    },
    {
      what: 'port of r1 taken by somebody else',
      phase: 'switch, schema moving',
      way: 'downgrade',
      at: (rig) => rig.schemaMoving,
      fault: (rig) => () => portTaken(rig),
      ends: ['put back'],
      heal: portFree,
    },
  ],
};
