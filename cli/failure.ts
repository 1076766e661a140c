import { CommanderError } from 'commander';

import { RewindError } from '../src/errors';
import { exitCode } from './exit-codes';
import { errorJson, printJson } from './output/json';

/**
 * Tells of an error, in the form that was asked for, and sets the exit code.
 *
 * @param code - exit code. @default that of a command that has changed nothing
 */
export function reportFailure(error: unknown, code?: number): void {
  const isLocked = error instanceof RewindError && error.code === 'release/locked';
  process.exitCode = code ?? exitCode(isLocked ? 'locked' : 'failed');
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  if (wantsJson() && process.exitCode !== 0) printJson(errorJson(error));
  else if (error instanceof CommanderError)
    return; // it has said it already
  else if (error instanceof RewindError) process.stderr.write(`${error.render()}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

/** Whether the result is to be one JSON document. */
export function wantsJson(): boolean {
  return process.argv.includes('--json');
}

/** The reader of the output may go at any time, and so may the terminal: what has begun is brought to its end all the same. */
export function outliveTheReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}

/** Ends this process once what it has printed is read, whatever else is still open. */
export async function leave(): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) =>
      stream.write('', () => {
        resolve();
      }),
    );
  }
  process.exit();
}
