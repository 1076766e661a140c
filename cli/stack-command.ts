import type { Command } from 'commander';

import { withExamples } from './examples';

/** Adds a command that works on a stack, with the options that all of them have. */
export function stackCommand(
  program: Command,
  usage: string,
  description: string,
  examples: readonly string[],
): Command {
  const command = program
    .command(usage)
    .description(description)
    .option('-s, --stack <name>', 'the stack; without it the one that pulumi has selected')
    .option('--json', 'print the result as one JSON document, and nothing else');
  return withExamples(command, examples);
}
