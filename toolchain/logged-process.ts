import { execa } from 'execa';
import fs from 'node:fs';
import path from 'node:path';

/** A long-running program whose output goes to a log file. */
export interface LoggedProcess {
  readonly argv: readonly [string, ...string[]];
  /** Where its output goes; replaced if it exists. */
  readonly logFile: string;
  /** @default the current directory */
  readonly cwd?: string;
  /** Added to the environment of this process. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the process when aborted. @default none */
  readonly signal?: AbortSignal;
}

/** A program ended with an error, or could not be started. */
export class LoggedProcessError extends Error {
  constructor(
    readonly program: string,
    readonly logFile: string,
    /** The last lines of the log. */
    readonly tail: string,
    cause: unknown,
  ) {
    super(`${program} failed`, { cause });
    this.name = 'LoggedProcessError';
  }
}

/**
 * Runs a program to its end.
 *
 * @throws LoggedProcessError with the end of its log
 */
export async function runLogged({ argv, logFile, cwd, env, signal }: LoggedProcess): Promise<void> {
  const [file, ...args] = argv;
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  try {
    await execa(file, args, {
      ...(cwd !== undefined && { cwd }),
      ...(env && { env }),
      ...(signal && { cancelSignal: signal }),
      stdin: 'ignore',
      stdout: { file: logFile },
      stderr: { file: logFile },
      buffer: false,
    });
  } catch (cause) {
    throw new LoggedProcessError(path.basename(file), logFile, tailOf(logFile), cause);
  }
}

/** The last lines of a text file, at most 15; empty if it cannot be read. */
export function tailOf(file: string, lines = 15): string {
  try {
    return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
