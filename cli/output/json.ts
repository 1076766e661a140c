import { type Problem, RewindError } from '../../src/errors';

/** Prints the one JSON document of a command. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** An error as the JSON document of a command that failed. */
export function errorJson(error: unknown): {
  readonly errors: readonly { code: string; message: string; fix: string }[];
} {
  const problems: readonly Problem[] =
    error instanceof RewindError
      ? error.problems
      : [{ code: 'pulumi/failed', message: error instanceof Error ? error.message : String(error), fix: '' }];
  return { errors: problems.map(({ code, message, fix }) => ({ code, message, fix })) };
}
