import { exitCode } from './exit-codes';

/**
 * What Ctrl-C means while a stack is being changed: the first one asks to stop, and what has begun is put back; the
 * second one leaves everything as it is.
 *
 * @param say - tells the user
 */
export function onInterrupt(say: (line: string) => void): { readonly signal: AbortSignal; readonly done: () => void } {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) {
      say('Left as it is. Run the same command again to finish it, or rewind revert to go back.');
      process.exit(exitCode('interrupted'));
    }
    say('Stopping after the steps that are under way; what has begun is put back. Once more to leave it as it is.');
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, handle);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of signals) process.off(name, handle);
    },
  };
}
