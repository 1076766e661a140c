import type { Command } from 'commander';

const known = new WeakMap<Command, readonly string[]>();

/** Adds examples to the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  known.set(command, examples);
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
}

/** The examples in the help of a command; docs/cli.md shows them too. */
export function examplesOf(command: Command): readonly string[] {
  return known.get(command) ?? [];
}
