import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type MadeContainer, remakeContainer, type RemakeOptions } from '../support/by-hand';
import { briefly, docker, driftOf, foundAndPutRight, type MadeDrift } from '../support/drift';
import { eventually, execIn, inspectContainer } from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';
import { SeenByRefresh } from '../support/seen-by-refresh';
import { TestStack } from '../support/stack';

// One stack: each drift is made by hand, found, put right, and then nothing is found.

const project = 'rewind-drift';
const web = `${project}-web-1`;
const image = boxImages.plain;

const compose = {
  services: {
    web: {
      image,
      environment: { LOG_LEVEL: 'info', API_TOKEN: 'word-nobody-may-see' },
      labels: { 'org.example.team': 'shop' },
      ports: ['127.0.0.1:21410:80'],
      networks: { front: { aliases: ['shop'] }, back: null },
      volumes: ['data:/data'],
      restart: 'unless-stopped',
      cpus: 0.5,
      mem_limit: '64m',
      pids_limit: 50,
      cap_drop: ['NET_RAW'],
    },
    checked: {
      image,
      healthcheck: { test: ['CMD', 'test', '!', '-e', '/ill'], interval: '1s', retries: 1 },
      networks: ['back'],
    },
    once: { image, command: ['true'], networks: ['back'] },
    needs: { image, depends_on: { once: { condition: 'service_completed_successfully' } }, networks: ['back'] },
  },
  networks: { front: null, back: null },
  volumes: { data: null },
};

let stack: TestStack;

const remake = (change: (config: MadeContainer) => void, options?: RemakeOptions): Promise<void> =>
  remakeContainer(web, change, options);

const identity = { 'container/web-1/identity': /^changed: \w{12} → \w{12}, it carries the label of this stack$/ };

const drifts: readonly MadeDrift[] = [
  {
    name: 'a container that was removed',
    make: () => docker('rm', '-f', web),
    found: { 'container/web-1/exists': 'broken: running → missing' },
  },
  {
    name: 'one that was stopped',
    make: () => docker('stop', web),
    found: { 'container/web-1/state': 'broken: running → exited with 0' },
  },
  {
    name: 'one that was killed',
    make: () => docker('kill', web),
    found: { 'container/web-1/state': 'broken: running → exited with 137' },
  },
  {
    name: 'one that was paused',
    make: () => docker('pause', web),
    found: { 'container/web-1/state': 'broken: running → paused' },
  },
  {
    name: 'one that is not well',
    make: async () => {
      await execIn(`${project}-checked-1`, 'touch', '/ill');
      await eventually(
        async () => (await inspectContainer(`${project}-checked-1`)).State.Health?.Status === 'unhealthy',
        'the illness',
      );
    },
    found: {
      'container/checked-1/health': /^broken: healthy → unhealthy, \d+ checks? in a row$/,
      'container/checked-1/files': 'information: as in the image → /ill added',
    },
    fix: ['container/checked-1/files', 'container/checked-1/health'],
  },
  {
    name: 'another limit of processors',
    make: () => docker('update', '--cpus', '0.7', web),
    found: { 'container/web-1/limit.cpus': 'changed: 0.5 → 0.7' },
  },
  {
    name: 'another limit of memory',
    make: () => docker('update', '--memory', '96m', '--memory-swap', '192m', web),
    found: { 'container/web-1/limit.memory': 'changed: 64 MiB → 96 MiB' },
  },
  {
    name: 'another limit of processes',
    make: () => docker('update', '--pids-limit', '70', web),
    found: { 'container/web-1/limit.processes': 'changed: 50 → 70' },
  },
  {
    name: 'another restart policy',
    make: () => docker('update', '--restart', 'no', web),
    found: { 'container/web-1/restart-policy': 'changed: unless-stopped → none' },
  },
  {
    name: 'another value of a harmless variable',
    make: () => remake((it) => (it.Env = it.Env.map((e) => e.replace('=info', '=debug')))),
    found: { ...identity, 'container/web-1/env.LOG_LEVEL': 'changed: info → debug' },
  },
  {
    name: 'another value of a secret one, which is not shown',
    make: () => remake((it) => (it.Env = it.Env.map((e) => e.replace(/^API_TOKEN=.*/, 'API_TOKEN=other-secret')))),
    found: { ...identity, 'container/web-1/env.API_TOKEN': 'changed: [secret] → [secret]' },
  },
  {
    name: 'a variable more',
    make: () => remake((it) => it.Env.push('DEBUG=1')),
    found: { ...identity, 'container/web-1/env.DEBUG': 'changed: none → 1' },
  },
  {
    name: 'another command',
    make: () => remake((it) => (it.Cmd = ['sleep', '1000'])),
    found: { ...identity, 'container/web-1/command': 'changed: serve → sleep 1000' },
  },
  {
    name: 'another label',
    make: () => remake((it) => (it.Labels['org.example.team'] = 'other')),
    found: { ...identity, 'container/web-1/label.org.example.team': 'changed: shop → other' },
  },
  {
    name: 'another user',
    make: () => remake((it) => (it.User = '1000')),
    found: { ...identity, 'container/web-1/user': 'changed: none → 1000' },
  },
  {
    name: 'another image',
    make: () => remake((it) => (it.Image = boxImages.newer)),
    found: {
      ...identity,
      'container/web-1/image': /^changed: rewind-fixture\/box:1 \(\w+\) → rewind-fixture\/box:2 \(\w+\)$/,
      'container/web-1/label.version': 'changed: none → 2',
    },
  },
  {
    name: 'another mount',
    make: () => remake((it) => (it.HostConfig['Binds'] = ['/srv:/srv:ro'])),
    found: { ...identity, 'container/web-1/mount./srv': 'changed: none → bind /srv ro' },
  },
  {
    name: 'another port',
    make: () => remake((it) => (it.HostConfig.PortBindings['80/tcp'] = [{ HostIp: '127.0.0.1', HostPort: '21411' }])),
    found: { ...identity, 'container/web-1/port.80/tcp': 'broken: 127.0.0.1:21410 → 127.0.0.1:21411' },
  },
  {
    name: 'a capability more',
    make: () => remake((it) => (it.HostConfig['CapAdd'] = ['SYS_PTRACE'])),
    found: { ...identity, 'container/web-1/capabilities-added': 'changed: none → SYS_PTRACE' },
  },
  {
    name: 'an init of its own',
    make: () => remake((it) => (it.HostConfig['Init'] = true)),
    found: { ...identity, 'container/web-1/init': 'changed: none → yes' },
  },
  {
    name: 'one that was made and never started, as when the engine does not let it',
    make: () => remake((it) => (it.HostConfig['Runtime'] = 'runc'), { starts: false }),
    found: { ...identity, 'container/web-1/state': 'broken: running → created' },
  },
  {
    name: 'a root that is read-only',
    make: () => remake((it) => (it.HostConfig['ReadonlyRootfs'] = true)),
    found: { ...identity, 'container/web-1/read-only-root': 'changed: none → yes' },
  },
  {
    name: 'the same once more, by hand',
    make: () => remake(() => undefined),
    found: identity,
  },
  {
    name: 'a stranger of the same name, which is set aside',
    make: () => remake(() => undefined, { keepsLabels: false }),
    found: {
      'container/web-1/identity': /^changed: \w{12} → \w{12}, made by hand$/,
      'container/web-1/label.org.example.team': 'changed: shop → none',
    },
  },
  {
    name: 'a container off its network',
    make: () => docker('network', 'disconnect', `${project}_back`, web),
    found: { [`container/web-1/network.${project}_back`]: `broken: as ${web}, web → none` },
  },
  {
    name: 'one that has lost its name in a network',
    make: async () => {
      await docker('network', 'disconnect', `${project}_front`, web);
      await docker('network', 'connect', '--alias', 'web', '--alias', web, `${project}_front`, web);
    },
    found: { [`container/web-1/network.${project}_front`]: `broken: as ${web}, shop, web → as ${web}, web` },
  },
  {
    name: 'one in a network too many',
    make: () => docker('network', 'connect', '--alias', 'extra', `${project}_front`, `${project}-needs-1`),
    found: { [`container/needs-1/network.${project}_front`]: 'broken: none → as extra' },
  },
  {
    name: 'files that were changed inside',
    make: () => execIn(web, 'sh', '-c', 'echo hi > /etc/motd; echo tmp > /tmp/x; rm /etc/group'),
    found: { 'container/web-1/files': 'information: as in the image → /etc/group removed, /etc/motd added' },
    fix: ['container/web-1/files'],
  },
  {
    name: 'a job whose container is gone',
    make: () => docker('rm', `${project}-once-1`),
    found: { 'container/once-1/exists': 'changed: there → missing' },
  },
];

beforeAll(async () => {
  await makeBoxImages();
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
});

afterAll(async () => {
  const left = await docker('ps', '-aq', '--filter', `name=^${web}-aside`);
  for (const id of left.split('\n').filter(Boolean)) await docker('rm', '-f', id);
  await stack.remove();
});

test('a stack that was just deployed is as it should be', async () => {
  expect(briefly(await driftOf(stack))).toEqual({});
});

describe('is found, named, and put right:', () => {
  const refresh = new SeenByRefresh('containers');

  afterAll(() => refresh.write());

  test.each(drifts)('$name', async (drift) => {
    await foundAndPutRight(drift, { stack, refresh, secrets: /word-nobody-may-see|other-secret/ });
  });
});
