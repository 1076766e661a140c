import { type ChildProcess, spawn } from 'node:child_process';

import type { TestStack } from './stack';

/** A command that is at work on a stack, to be interrupted or killed in the middle of it. */
export class RunningCommand {
  protected readonly child: ChildProcess;
  /** Resolves to its exit code, or to the signal that it died of. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What it has written so far. */
  stdout = '';
  stderr = '';

  protected constructor(stack: TestStack, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [file, ...args] = argv;
    this.child = spawn(file!, args, {
      cwd: stack.directory,
      env: { ...process.env, ...stack.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve(code ?? signal!);
      });
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Both of its streams. */
  get output(): string {
    return this.stdout + this.stderr;
  }

  /** Resolves in the moment in which it has written something on one of its streams; rejects after a minute. */
  protected saying(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`the command did not say "${text}":\n${this.output}`));
      }, 60_000);
      const look = (): void => {
        if (!this.output.includes(text)) return;
        clearTimeout(late);
        for (const stream of [this.child.stdout!, this.child.stderr!]) stream.off('data', look);
        resolve();
      };
      for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on('data', look);
      look();
    });
  }

  /** Waits for a moment in its work. Fails if it ends before. */
  async until(moment: Promise<unknown>): Promise<void> {
    const tooEarly = this.ended.then((how) => {
      throw new Error(`the command ended before its time (${how}):\n${this.output}`);
    });
    await Promise.race([moment, tooEarly]);
  }

  /** Sends it a signal, as `kill` does. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }
}
