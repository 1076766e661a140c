import { createServer, type AddressInfo, type Server } from 'node:net';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { ComposePort, ComposeService } from '../../../src/compose/model';
import { preflight } from '../../../src/docker/preflight';
import type { Problem } from '../../../src/errors';
import { planOf, projectOf } from '../../support/compose-project';
import { FakeCompose } from '../../support/fake-compose';
import { inventoryOf, type InventoryParts } from '../../support/fake-engine';
import { tempFolder } from '../../support/temp-folder';

const ours = { 'dev.rewind.stack': 'shop/dev' };

let servers: Server[] = [];
beforeEach(() => {
  new FakeCompose().use();
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers) server.close();
  servers = [];
});

/** What stands in the way of these services on an engine that has this. */
async function check(
  services: Readonly<Record<string, ComposeService>>,
  inventory: InventoryParts = {},
  rest: Parameters<typeof projectOf>[1] = {},
  local = false,
): Promise<Problem[]> {
  const directory = tempFolder({ 'compose.yaml': '' });
  const project = projectOf(services, rest, { directory, files: [`${directory}/compose.yaml`] });
  const plan = planOf(project);
  expect(plan.problems).toEqual([]);
  return preflight(project, plan.services, inventoryOf(inventory), 'shop/dev', local);
}

const publishing = (port: number, more: Partial<ComposePort> = {}): ComposeService => ({
  ports: [{ target: 80, published: String(port), ...more }],
});

/** Takes a free port, and keeps it if that is asked for. */
async function freePort(keep: boolean): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as AddressInfo;
  if (keep) servers.push(server);
  else await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a container under the name of one that is planned', () => {
  test("is no obstacle if it is this stack's own, or under another name", async () => {
    expect(
      await check({ api: {} }, { containers: [{ name: 'shop-api-1', labels: ours }, { name: 'shop-api-10' }] }),
    ).toEqual([]);
  });

  test.each([
    ['by hand', {}, 'by hand', /^Rename it \(docker rename shop-api-1 shop-api-1-old\) and stop it/],
    [
      'by docker compose',
      { 'com.docker.compose.project': 'shop' },
      'by docker compose (project shop)',
      /^Hand the project over: docker compose -p shop down \(volumes are kept, never add -v\)/,
    ],
    [
      'by another stack',
      { 'com.docker.compose.project': 'shop', 'dev.rewind.stack': 'shop/test' },
      'by the stack shop/test',
      /^Rename it/,
    ],
  ])('that was made %s is named, with how to mend it', async (_by, labels, text, fix) => {
    const problems = await check({ api: {} }, { containers: [{ name: 'shop-api-1', labels, state: 'exited' }] });
    expect(problems).toMatchObject([
      {
        code: 'docker/foreign-container',
        message: `A container named shop-api-1 is there already; it was made ${text}, not by this stack.`,
        fix: expect.stringMatching(fix) as string,
      },
    ]);
  });
});

test('external networks and volumes that are not there are named, each with how to make it', async () => {
  const rest = {
    networks: { back: { name: 'backbone', external: true }, front: { name: 'front', external: true } },
    volumes: { data: { name: 'old-data', external: true }, own: { name: 'shop_own' } },
  };
  const problems = await check({ api: {} }, { networks: [{ Name: 'front' }] }, rest);
  expect(problems.map(({ code, fix }) => `${code} ${fix}`)).toEqual([
    'docker/missing-external Create it: docker network create backbone.',
    'docker/missing-external Create it: docker volume create old-data.',
  ]);
});

describe('a file that is to be mounted and not to be made by the engine', () => {
  const mounting = (source: string, create: boolean): ComposeService => ({
    volumes: [{ type: 'bind', source, target: '/x', bind: { create_host_path: create } }],
  });

  test('is an obstacle if it is not there and the engine is on this machine', async () => {
    const services = { api: mounting('/nowhere/app.conf', false), web: mounting('/nowhere/data', true) };
    expect(await check(services, {}, {}, true)).toMatchObject([
      {
        code: 'compose/missing-file',
        message: expect.stringContaining('service api mounts /nowhere/app.conf on /x') as string,
      },
    ]);
    expect(await check(services, {}, {}, false)).toEqual([]);
  });

  test('is none if it is there', async () => {
    expect(await check({ api: mounting(tempFolder(), false) }, {}, {}, true)).toEqual([]);
  });
});

describe('a published port', () => {
  test.each([
    ['on the same address', '127.0.0.1', '127.0.0.1', true],
    ['on every address', '0.0.0.0', '127.0.0.1', true],
    ['on every IPv6 address', '::', '127.0.0.1', true],
    ['on one address, while every one is wanted', '10.0.0.1', '0.0.0.0', true],
    ['on another address', '10.0.0.1', '127.0.0.1', false],
  ])('that another container has %s', async (_where, theirs, wanted, taken) => {
    const problems = await check(
      { api: publishing(8000, { host_ip: wanted }) },
      { containers: [{ name: 'other', ports: [{ ip: theirs, port: 8000 }] }] },
    );
    expect(problems.map(({ message }) => /service .*/.exec(message)![0])).toEqual(
      taken ? [`service api publishes ${wanted}:8000/tcp, which the container other already uses.`] : [],
    );
  });

  test('is free if the other is of another number or protocol, does not run, or is this stack itself', async () => {
    const containers = [
      { name: 'a', ports: [{ port: 8001 }, { port: 8000, protocol: 'udp' }] },
      { name: 'b', state: 'exited', ports: [{ port: 8000 }] },
      { name: 'shop-api-1', labels: ours, ports: [{ port: 8000 }] },
    ];
    expect(await check({ api: publishing(8000) }, { containers })).toEqual([]);
  });

  test('is told with the line of the file, and the variable that moves it', async () => {
    new FakeCompose({ uninterpolated: { services: { api: { ports: ['${API_PORT:-8000}:80'] } } } }).use();
    const containers = [{ name: 'other', ports: [{ port: 8000 }] }];
    expect((await check({ api: publishing(8000) }, { containers }))[0]!.fix).toBe(
      'Stop it (docker stop other), or move it with the variable API_PORT (in .env or the environment), e.g. API_PORT=8001.',
    );
    new FakeCompose().use();
    expect((await check({ api: publishing(8000) }, { containers }))[0]!.fix).toBe(
      'Stop it (docker stop other), or publish another port (services.api.ports).',
    );
  });

  test('that another program on this machine has is taken, if the engine is on this machine', async () => {
    const [taken, free] = [await freePort(true), await freePort(false)];
    const services = { api: publishing(taken), web: publishing(free) };
    const problems = await check(services, {}, {}, true);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toContain(`:${taken}/tcp, which another program already uses.`);
    expect(await check(services, {}, {}, false)).toEqual([]);
  });

  test('that two services publish is one problem that names both', async () => {
    const port = await freePort(false);
    const problems = await check({ api: publishing(port), web: publishing(port) }, {}, {}, true);
    expect(problems.map(({ code, message }) => `${code} ${/services .*/.exec(message)?.[0] ?? message}`)).toEqual([
      `docker/port-taken services api and web both publish ${port}/tcp.`,
    ]);
  });

  test('that every container of one service publishes is a problem, too', async () => {
    const problems = await check({ api: { ...publishing(8000), scale: 2 } });
    expect(problems.map(({ message }) => /services .*/.exec(message)?.[0])).toEqual([
      'services api and api both publish 8000/tcp (one container each).',
    ]);
  });

  test('on different addresses or protocols can be the same for two services', async () => {
    expect(
      await check({
        api: publishing(8000, { host_ip: '127.0.0.1' }),
        web: publishing(8000, { host_ip: '127.0.0.2' }),
        dns: publishing(8000, { protocol: 'udp' }),
      }),
    ).toEqual([]);
  });

  test('that Docker chooses is never taken', async () => {
    const ports = [{ target: 80 }];
    expect(await check({ api: { ports }, web: { ports, scale: 3 } }, {}, {}, true)).toEqual([]);
  });
});

test('all obstacles are told at once', async () => {
  const problems = await check(
    { api: publishing(8000), web: publishing(8000) },
    { containers: [{ name: 'shop-web-1' }, { name: 'other', ports: [{ port: 8000 }] }] },
    { volumes: { data: { name: 'old', external: true } } },
  );
  expect(problems.map(({ code }) => code).sort()).toEqual([
    'docker/foreign-container',
    'docker/missing-external',
    'docker/port-taken',
    'docker/port-taken',
    'docker/port-taken',
  ]);
});
