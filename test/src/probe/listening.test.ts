import { createServer } from 'node:net';

import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { listens } from '../../../src/probe/listening';

// What is looked at is a process of this machine: here the test's own, which is in no container.

const server = createServer();
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => void server.close());

const container = (id: string, ports: readonly string[], pid = process.pid): Docker.ContainerInspectInfo =>
  ({
    Id: id,
    State: { Pid: pid },
    Config: { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) },
  }) as unknown as Docker.ContainerInspectInfo;

/** Part of the name of any control group. */
const own = '/';

describe('whether a container takes connections', () => {
  test('is told by its processes', async () => {
    expect(await listens(container(own, ['8080/tcp']))).toBe(true);
  });

  test.each([
    ['is not known of one that exposes nothing', container(own, [])],
    ['nor of one that exposes other ports', container(own, ['53/udp'])],
    ['nor of one that runs on another machine', container('c12097bf66d4', ['8080/tcp'])],
    ['nor of one that has ended', container(own, ['8080/tcp'], 0)],
    ['nor of one whose process is gone', container(own, ['8080/tcp'], 2 ** 30)],
  ])('%s', async (_what, info) => {
    expect(await listens(info)).toBeUndefined();
  });
});
