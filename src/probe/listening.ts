import { readFile } from 'node:fs/promises';

/** What `docker inspect` tells of a container's process, and of the ports that it or its image declares. */
export interface Inspected {
  readonly Id?: string;
  readonly State: { readonly Pid?: number };
  readonly Config: { readonly ExposedPorts?: Readonly<Record<string, unknown>> | null };
}

/** State of a listening socket, in the fourth column: https://docs.kernel.org/networking/proc_net_tcp.html */
const listening = '0A';

/**
 * Whether a container listens on any of the TCP ports that it declares, read from its network namespace. It costs a file or
 * two, where running a command in the container costs a tenth of a second of what the container needs to start.
 *
 * @param proc - where the processes of this machine are. @default /proc
 * @returns undefined where that cannot be told: it declares none, or its process is not on this machine
 */
export async function listensAsDeclared(
  { Id: id, State: { Pid: pid }, Config: { ExposedPorts: ports } }: Inspected,
  proc = '/proc',
): Promise<boolean | undefined> {
  const declared = new Set(Object.keys(ports ?? {}).flatMap((port) => /^(\d+)\/tcp$/.exec(port)?.[1] ?? []));
  if (declared.size === 0 || !id || !pid) return undefined;
  const read = (file: string): Promise<string> => readFile(`${proc}/${pid}/${file}`, 'utf8');
  try {
    // A process of that number may be another one, if the engine is on another machine.
    if (!(await read('cgroup')).includes(id)) return undefined;
    if (!(await hasSockets(read))) return false;
    const [tcp, tcp6] = await Promise.all([read('net/tcp'), read('net/tcp6').catch(() => '')]);
    return [...listeningPorts(tcp), ...listeningPorts(tcp6)].some((port) => declared.has(port));
  } catch {
    return undefined;
  }
}

/** Whether any TCP socket is in use: where none is, the tables need not be read, for which the kernel goes through those of all namespaces. */
async function hasSockets(read: (file: string) => Promise<string>): Promise<boolean> {
  const [four, six] = await Promise.all(['net/sockstat', 'net/sockstat6'].map((file) => read(file).catch(() => '')));
  // Without IPv6 there is but the first.
  return !/^TCP: inuse 0\b/m.test(four!) || /^TCP6: inuse [1-9]/m.test(six!);
}

function listeningPorts(table: string): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return state === listening && local ? [String(parseInt(local.slice(local.lastIndexOf(':') + 1), 16))] : [];
  });
}
