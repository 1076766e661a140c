import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type Inspected, listensAsDeclared } from '../../../src/probe/listening';

const id = 'b57893eaedb80ae45506efe18f492ff3cc70c7e0d4656cdf4fff0847538d9c77';
const pid = 4711;
const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
/** Port 8000 of every address, listening; a connection of port 9000; port 8100 of loopback, listening. */
const listening8000 =
  '   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1076 1 0 100 0';
const connected9000 =
  '   1: 0100007F:2328 0100007F:94B9 01 00000000:00000000 00:00000000 00000000     0        0 1077 1 0 100 0';
const listening8100 =
  '   0: 00000000000000000000000000000000:1FA4 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1078 1 0 100 0';

let proc: string;

beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'rewind-proc-'));
  await mkdir(join(proc, String(pid), 'net'), { recursive: true });
  await write('cgroup', `0::/docker/${id}\n`);
  await write('net/tcp', [head, listening8000, connected9000, ''].join('\n'));
  await write('net/tcp6', [head, listening8100, ''].join('\n'));
});

afterEach(async () => {
  await rm(proc, { recursive: true });
});

function write(file: string, text: string): Promise<void> {
  return writeFile(join(proc, String(pid), file), text);
}

function declaring(...ports: string[]): Inspected {
  return {
    Id: id,
    State: { Pid: pid },
    Config: { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) },
  };
}

describe('a container', () => {
  test.each([
    [['8000/tcp'], true],
    [['8100/tcp'], true],
    [['80/tcp', '443/tcp', '8000/tcp'], true],
    [['80/tcp'], false],
    [['9000/tcp'], false],
  ])('that declares %j listens: %s', async (ports, expected) => {
    expect(await listensAsDeclared(declaring(...ports), proc)).toBe(expected);
  });

  test('without IPv6 is read all the same', async () => {
    await rm(join(proc, String(pid), 'net', 'tcp6'));
    expect(await listensAsDeclared(declaring('8000/tcp'), proc)).toBe(true);
  });

  test.each([
    ['0', '0', false],
    ['0', '1', true],
    ['2', '0', true],
    ['0', undefined, false],
    [undefined, undefined, true],
  ])('with %s and %s sockets in use listens: %s', async (four, six, expected) => {
    if (four !== undefined) await write('net/sockstat', `sockets: used 9\nTCP: inuse ${four} orphan 0 tw 0\n`);
    if (six !== undefined) await write('net/sockstat6', `TCP6: inuse ${six}\nUDP6: inuse 0\n`);
    expect(await listensAsDeclared(declaring('8000/tcp'), proc)).toBe(expected);
  });

  test.each<[string, Inspected]>([
    ['declares none', declaring()],
    ['declares only others', declaring('53/udp')],
    ['does not run', { ...declaring('8000/tcp'), State: { Pid: 0 } }],
    ['has no process here', { ...declaring('8000/tcp'), State: { Pid: 4712 } }],
    ['has a number here that is another process’s', { ...declaring('8000/tcp'), Id: 'f'.repeat(64) }],
  ])('of which it cannot be told: it %s', async (_, info) => {
    expect(await listensAsDeclared(info, proc)).toBeUndefined();
  });
});

test('a socket of this machine is seen as the kernel tells of it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const cgroup = (await readFile('/proc/self/cgroup', 'utf8')).trim();
  const info = (declared: number): Inspected => ({
    Id: cgroup,
    State: { Pid: process.pid },
    Config: { ExposedPorts: { [`${declared}/tcp`]: {} } },
  });
  try {
    expect(await listensAsDeclared(info(port))).toBe(true);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  expect(await listensAsDeclared(info(port))).toBe(false);
});
