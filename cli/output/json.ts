import { CommanderError } from 'commander';

import { messageOf, type Problem, RewindError } from '../../src/errors';

/** Prints the one JSON document of a command. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Prints one of the JSON documents of a command that goes on, each in a line of its own. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** An error as the JSON document of a command that failed. */
export function errorJson(error: unknown): {
  readonly errors: readonly { code: string; message: string; fix: string }[];
} {
  const problems: readonly Problem[] =
    error instanceof RewindError
      ? error.problems
      : error instanceof CommanderError
        ? [{ code: 'cli/usage', message: messageOf(error).replace(/^error: /, ''), fix: 'See rewind --help.' }]
        : [{ code: 'pulumi/failed', message: messageOf(error), fix: 'Run it again without --json, which tells more.' }];
  return { errors: problems.map(({ code, message, fix }) => ({ code, message, fix })) };
}
