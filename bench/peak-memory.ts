import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { execa } from 'execa';

/** What a program said, and the most memory that it had at once. */
export interface Finished {
  readonly stdout: string;
  /** Peak of its resident memory, in megabytes; its children not counted. */
  readonly peakMegabytes: number;
}

const pauseMs = 20;

/** Runs a program that has to succeed and looks at its memory meanwhile, as Linux counts it. */
export async function withPeakMemory(
  argv: readonly [string, ...string[]],
  options: { env: Readonly<Record<string, string>>; cwd: string },
): Promise<Finished> {
  const [file, ...args] = argv;
  const running = execa(file, args, { ...options, stdin: 'ignore', reject: false });
  const status = `/proc/${running.pid!}/status`;
  let kilobytes = 0;
  while (running.exitCode === null && running.signalCode === null) {
    const text = await readFile(status, 'utf8').catch(() => '');
    kilobytes = Math.max(kilobytes, Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0));
    await sleep(pauseMs);
  }
  const { exitCode, stdout, stderr } = await running;
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr || stdout}`);
  return { stdout, peakMegabytes: (kilobytes * 1024) / 1e6 };
}
