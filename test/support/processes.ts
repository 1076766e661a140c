import { readdirSync, readFileSync } from 'node:fs';

/** The processes that a process has started, and what those have started. */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc').flatMap((entry) => (parentOf(Number(entry)) === pid ? [Number(entry)] : []));
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

/** The processes of a container. */
export function processesOf(container: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => cgroupOf(pid).includes(container));
}

function cgroupOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}

/** The name of a process, of which Linux keeps 15 characters; empty if there is none. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The command line of a process, with spaces between its words. */
export function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Whether a process runs: not one that has ended and of which nobody has heard yet. */
export function isRunning(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
}

function parentOf(pid: number): number | undefined {
  return Number(statOf(pid)?.[1]);
}

/** State and parent of a process: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

const orphans: number[] = [];

/** Plugins finish what they are about when their engine was killed, and look after it only every few minutes. */
export function rememberOrphans(pids: readonly number[]): void {
  orphans.push(...pids);
}

/** Ends the plugins of engines that were killed. */
export function endOrphans(): void {
  for (const pid of orphans.splice(0)) if (nameOf(pid).startsWith('pulumi-resource')) process.kill(pid);
}
