import { eventually } from './docker';
import { descendantsOf, isRunning, nameOf, rememberOrphans } from './processes';
import { RunningCommand } from './running-command';
import type { TestStack } from './stack';

/** A pulumi that is at work, to be killed in the middle of it. */
export class RunningPulumi extends RunningCommand {
  /** Starts a command of pulumi on a stack. */
  static start(stack: TestStack, ...args: string[]): RunningPulumi {
    return new RunningPulumi(stack, ['pulumi', ...stack.argumentsOf(...args)]);
  }

  /**
   * Kills the engine (SIGKILL), and it alone. The program that it ran has to end by itself; the plugins finish what they
   * are about and look after their engine only every few minutes.
   */
  async kill(): Promise<void> {
    const started = descendantsOf(this.pid);
    const plugins = started.filter((pid) => nameOf(pid).startsWith('pulumi-resource'));
    rememberOrphans(plugins);
    const programs = started.filter((pid) => !plugins.includes(pid));
    this.signal('SIGKILL');
    await this.ended;
    await eventually(() => Promise.resolve(!programs.some(isRunning)), 'the end of the program that pulumi had run');
  }
}
