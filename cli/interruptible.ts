import { exitCode } from './exit-codes';
import { onInterrupt } from './interrupt';
import { printJson } from './output/json';

/**
 * Does something that Ctrl-C asks to stop; what has begun is put back then, which is said, and the exit code set.
 *
 * @returns undefined if it was stopped
 */
export async function interruptible<T>(
  json: boolean | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  const interrupt = onInterrupt({
    onFirst: () => {
      if (!json) tell('Stopping; what has begun is put back. Once more to leave it as it is.');
    },
    onSecond: () => {
      const fix = 'Run the same command again; what is stopped is started by it, or by rewind restart.';
      if (json) printJson({ state: 'left', fix });
      else tell(`Left as it is. ${fix}`);
    },
  });
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted || (error as Error).name !== 'AbortError') throw error;
    process.exitCode = exitCode('putBack');
    if (json) printJson({ state: 'interrupted' });
    else tell('Interrupted. Everything is as it was before.');
    return undefined;
  } finally {
    interrupt.done();
  }
}
