import { readFile } from 'node:fs/promises';

import type Docker from 'dockerode';

/** State of a socket that waits for connections: https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html */
const listen = '0A';
/** 127.0.0.11, where the engine answers for names: it is there before the program. */
const engineDns = '0B00007F';

/**
 * Whether a container that is made for connections waits for some yet, as Linux tells of its processes: as long as it does
 * not, its health check can only fail, and would take the processor from what it waits for.
 *
 * @returns undefined where that cannot be told: it publishes and exposes nothing, or runs on another machine
 */
export async function listens({
  Id: id,
  State: { Pid: pid },
  Config: { ExposedPorts: ports },
}: Docker.ContainerInspectInfo): Promise<boolean | undefined> {
  const isForConnections = Object.keys({ ...ports }).some((port) => port.endsWith('/tcp'));
  if (!isForConnections || !pid) return undefined;
  const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const [cgroup, ...sockets] = await Promise.all(['cgroup', 'net/tcp', 'net/tcp6'].map(read));
  // Of an engine elsewhere, the number is that of another process here.
  if (!cgroup!.includes(id) || sockets.every((text) => text === '')) return undefined;
  return sockets.some((text) => text.split('\n').slice(1).some(isListening));
}

/** `0: 00000000:1F90 00000000:0000 0A …`: number, local and remote address, state. */
function isListening(line: string): boolean {
  const [, local, , state] = line.trim().split(/\s+/);
  return state === listen && local?.startsWith(engineDns) === false;
}
