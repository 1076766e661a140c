import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { descendantsOf, nameOf } from '../../test/support/processes';
import type { TestStack } from '../../test/support/stack';

/** How a run of rewind ended that was interfered with. */
export interface KilledRun {
  /** What was killed. @default it was over before its time had come */
  readonly killed?: string;
  /** Exit code; null if rewind itself was killed. */
  readonly exitCode: number | null;
  readonly output: string;
  /** Plugins that go on for a while after their engine. */
  readonly orphans: readonly number[];
}

/**
 * Runs a command of rewind and kills (SIGKILL) rewind itself, or the engine that it runs, after a while.
 *
 * @param afterMs - counted from the start of rewind, or from that of its engine
 */
export async function runAndKill(
  stack: TestStack,
  args: readonly string[],
  who: 'rewind' | 'engine',
  afterMs: number,
): Promise<KilledRun> {
  const [file, ...rest] = stack.rewindCommand(...args);
  const child = spawn(file!, rest, {
    cwd: stack.directory,
    env: { ...process.env, ...stack.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
  }
  // Not the end of its streams: an engine that outlives rewind may have inherited them.
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let killed: string | undefined;
  let orphans: number[] = [];
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    while (who === 'engine' && !isOver() && engineOf(child.pid!) === undefined) await sleep(20);
    await Promise.race([sleep(afterMs), ended]);
    const victim = who === 'engine' ? engineOf(child.pid!) : child.pid;
    if (isOver() || victim === undefined) return;
    orphans = descendantsOf(child.pid!).filter((pid) => nameOf(pid).startsWith('pulumi-resource'));
    killed = who === 'engine' ? 'the engine' : 'rewind';
    process.kill(victim, 'SIGKILL');
  };
  const [exitCode] = await Promise.all([ended, kill()]);
  await sleep(0);
  const output = chunks.join('');
  stack.printed.push(output);
  return { ...(killed !== undefined && { killed }), exitCode, output, orphans };
}

/** The `pulumi up` that a process has started. */
function engineOf(pid: number): number | undefined {
  return descendantsOf(pid).find((it) => nameOf(it) === 'pulumi' && argumentsOf(it).includes('up'));
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}

/** Ends plugins of engines that were killed. */
export function endPlugins(pids: readonly number[]): void {
  for (const pid of pids) if (nameOf(pid).startsWith('pulumi-resource')) process.kill(pid);
}
