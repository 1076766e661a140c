import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';

import type Docker from 'dockerode';
import { afterEach, expect, test } from 'vitest';

import { sampleServices } from '../../../src/assess/sample';
import type { LiveService } from '../../../src/verify/live-service';
import type { VerifySettings } from '../../../src/verify/settings';

let server: Server | undefined;

afterEach(() => server?.close());

/** A service behind a port that hangs up on whoever connects, as Docker's proxy does where nobody listens behind it. */
async function hangingUp(): Promise<ReadonlyMap<string, LiveService>> {
  const listening = createServer((socket) => socket.destroy());
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const info = {
    Name: '/shop-web-1',
    State: { Running: true },
    NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
  } as unknown as Docker.ContainerInspectInfo;
  return new Map([['web', { name: 'web', isJob: false, containers: [info] }]]);
}

const declared = {
  service: 'web',
  path: '/',
  method: 'GET',
  headers: {},
  withinMs: 500,
} as unknown as VerifySettings['http'][number];

test('a service that is declared to speak HTTP and hangs up answers with errors', async () => {
  const found = await sampleServices(await hangingUp(), { http: [declared], forMs: 300, withinMs: 500 });
  const { asked, failed } = found.get('web')!;
  expect(failed).toBeGreaterThan(0);
  expect(failed).toBe(asked);
});

test('one of which that is only guessed is left alone', async () => {
  const found = await sampleServices(await hangingUp(), { http: [], forMs: 300, withinMs: 500 });
  expect(found.has('web')).toBe(false);
});
