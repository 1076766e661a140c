import { execa } from 'execa';

/** A finished process. */
export interface Finished {
  /** Exit code, or undefined if the program could not be started or was killed. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** True if there is no such program. */
  readonly notFound: boolean;
}

export interface RunOptions {
  /** @default the current directory */
  readonly cwd?: string;
  /** Added to the environment of this process. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Given to the process as its standard input. @default nothing */
  readonly input?: string;
  /** Ends the process after so many milliseconds. @default no limit */
  readonly timeoutMs?: number;
  /** Ends the process when aborted. @default none */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end and never throws for its failure: callers say what a failure means. */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<Finished> {
  const [file, ...args] = argv;
  const result = await execa(file, args, {
    cwd: options.cwd,
    env: options.env,
    timeout: options.timeoutMs,
    cancelSignal: options.signal,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    reject: false,
    stripFinalNewline: true,
  });
  return {
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    notFound: (result as { code?: string }).code === 'ENOENT',
  };
}
