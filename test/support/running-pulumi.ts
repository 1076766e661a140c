import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

import { eventually } from './docker';
import type { TestStack } from './stack';

/** A pulumi that is at work, to be killed in the middle of it. */
export class RunningPulumi {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  /** Both of its streams, as far as they have come. */
  output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  /** Starts a command of pulumi on a stack. */
  static start(stack: TestStack, ...args: string[]): RunningPulumi {
    const child = spawn('pulumi', stack.argumentsOf(...args), {
      cwd: stack.directory,
      env: { ...process.env, ...stack.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new RunningPulumi(child);
  }

  /** Waits for a moment in its work. Fails if it ends before. */
  async until(moment: Promise<void>): Promise<void> {
    const tooEarly = this.#ended.then(() => {
      throw new Error(`pulumi ended before its time:\n${this.output}`);
    });
    await Promise.race([moment, tooEarly]);
  }

  /**
   * Kills the engine (SIGKILL), and it alone. The program that it ran has to end by itself; the plugins finish what they
   * are about and look after their engine only every few minutes.
   */
  async kill(): Promise<void> {
    const started = descendantsOf(this.#child.pid!);
    const plugins = started.filter((pid) => nameOf(pid).startsWith('pulumi-resource'));
    orphans.push(...plugins);
    const programs = started.filter((pid) => !plugins.includes(pid));
    this.#child.kill('SIGKILL');
    await this.#ended;
    await eventually(() => Promise.resolve(!programs.some(isRunning)), 'the end of the program that pulumi had run');
  }
}

const orphans: number[] = [];

/** Ends the plugins of engines that were killed. */
export function endOrphans(): void {
  for (const pid of orphans.splice(0)) if (nameOf(pid).startsWith('pulumi-resource')) process.kill(pid);
}

/** The name of a process, of which Linux keeps 15 characters. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The processes that a process has started, and what those have started. */
export function descendantsOf(pid: number): number[] {
  const children = readdirSync('/proc').flatMap((entry) => (parentOf(Number(entry)) === pid ? [Number(entry)] : []));
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(pid: number): number | undefined {
  return Number(statOf(pid)?.[1]);
}

/** Whether a process is there and has not ended. */
export function isRunning(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
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
