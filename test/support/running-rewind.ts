import { eventually } from './docker';
import { descendantsOf, isRunning, nameOf, rememberOrphans } from './processes';
import { RunningCommand } from './running-command';
import type { TestStack } from './stack';

/** A moment in the work of a command, or what is done to it then. */
export type Moment = (rewind: RunningRewind) => Promise<unknown>;

/** How a command is run. */
export interface StartOptions {
  /** Whether it runs in a terminal of its own: https://man7.org/linux/man-pages/man1/script.1.html. @default false */
  readonly inTerminal?: boolean;
  /** Variables, besides those of the stack. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

/** A rewind that is at work, to be interrupted or killed in the middle of it. */
export class RunningRewind extends RunningCommand {
  /** Starts a command of rewind on a stack. */
  static start(stack: TestStack, ...args: string[]): RunningRewind {
    return RunningRewind.startIn(stack, args);
  }

  /** The same in a terminal, or with variables of its own. */
  static startIn(
    stack: TestStack,
    args: readonly string[],
    { inTerminal = false, env }: StartOptions = {},
  ): RunningRewind {
    const command = stack.rewindCommand(...args);
    const argv = inTerminal ? ['script', '--quiet', '--return', '--command', command.join(' '), '/dev/null'] : command;
    return new RunningRewind(stack, argv, env);
  }

  /** Starts a command, waits for a moment in its work, and does something to it; then waits for its end. */
  static async hinder(
    stack: TestStack,
    command: readonly string[],
    moment: Moment,
    fault: Moment,
  ): Promise<RunningRewind> {
    const rewind = RunningRewind.startIn(stack, command);
    try {
      await moment(rewind);
      await fault(rewind);
      await rewind.end();
    } catch (error) {
      await rewind.killAlone();
      throw error;
    }
    return rewind;
  }

  /** Waits until it has written something on one of its streams. */
  async untilItSays(text: string): Promise<void> {
    await this.until(this.saying(text));
  }

  /** Waits for its end. Fails if it does not end within three minutes. */
  async end(): Promise<number | NodeJS.Signals> {
    await eventually(() => Promise.resolve(!isRunning(this.pid)), 'the end of rewind', 180_000);
    return this.ended;
  }

  /** Kills it and its engine at once (SIGKILL), as a machine that goes down does. */
  async kill(): Promise<void> {
    const engines = this.#engines();
    this.signal('SIGKILL');
    for (const pid of engines) process.kill(pid, 'SIGKILL');
    await this.end();
  }

  /** Kills it (SIGKILL), and it alone: its engine ends by itself. */
  async killAlone(): Promise<void> {
    this.signal('SIGKILL');
    await this.end();
  }

  /** Kills the engine that it runs (SIGKILL). */
  killEngine(): void {
    const engines = this.#engines();
    if (engines.length === 0) throw new Error(`rewind runs no engine:\n${this.output}`);
    for (const pid of engines) process.kill(pid, 'SIGKILL');
  }

  #engines(): number[] {
    const started = descendantsOf(this.pid);
    rememberOrphans(started.filter((pid) => nameOf(pid).startsWith('pulumi-resource')));
    return started.filter((pid) => nameOf(pid) === 'pulumi');
  }
}
