import { type ChildProcess, spawn } from 'node:child_process';

import { descendantsOf, nameOf } from './running-pulumi';
import type { TestStack } from './stack';

/** A rewind that is at work, to be killed in the middle of it. */
export class RunningRewind {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  /** Both of its streams, as far as they have come. */
  output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  /** Starts a command of rewind on a stack. */
  static start(stack: TestStack, ...args: string[]): RunningRewind {
    const [file, ...rest] = stack.rewindCommand(...args);
    return new RunningRewind(
      spawn(file!, rest, {
        cwd: stack.directory,
        env: { ...process.env, ...stack.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** Waits for a moment in its work. Fails if it ends before. */
  async until(moment: Promise<void>): Promise<void> {
    const tooEarly = this.#ended.then(() => {
      throw new Error(`rewind ended before its time:\n${this.output}`);
    });
    await Promise.race([moment, tooEarly]);
  }

  /** Kills it (SIGKILL), and it alone: its engine ends by itself. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Kills the engine that it runs (SIGKILL), and that alone. */
  killEngine(): void {
    const engine = descendantsOf(this.#child.pid!).find((pid) => nameOf(pid) === 'pulumi');
    if (engine === undefined) throw new Error(`rewind runs no engine:\n${this.output}`);
    process.kill(engine, 'SIGKILL');
  }

  /** Its exit code, at its end; null if it was killed. */
  ended(): Promise<number | null> {
    return this.#ended;
  }
}
