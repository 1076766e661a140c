import { exitCode } from './exit-codes';

/** What a command is told when it is interrupted. */
export interface InterruptHandlers {
  /** The first time: it is to stop, and puts back what has begun. */
  readonly onFirst: () => void;
  /** The second time: the process ends, and leaves everything as it is. */
  readonly onSecond: () => void;
}

/**
 * What Ctrl-C means while a stack is being changed: the first one asks to stop, and what has begun is put back; the
 * second one leaves everything as it is.
 */
export function onInterrupt({ onFirst, onSecond }: InterruptHandlers): {
  readonly signal: AbortSignal;
  readonly done: () => void;
} {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) {
      onSecond();
      process.exit(exitCode('interrupted'));
    }
    onFirst();
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
