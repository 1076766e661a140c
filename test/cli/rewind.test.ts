import { type Command, CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';

import { rewindCommand } from '../../cli/rewind';

/** The commands that people are told of, with their help as they read it. */
const named = commandsOf(rewindCommand());

function commandsOf(group: Command, before = ''): (readonly [string, Command])[] {
  const commands = group.createHelp().visibleCommands(group);
  return commands
    .filter((command) => command.name() !== 'help')
    .flatMap((command): (readonly [string, Command])[] => {
      const name = `${before}${command.name()}`;
      return command.commands.length > 0 ? commandsOf(command, `${name} `) : [[name, command]];
    });
}

/** What a command prints for `--help`. */
function helpOf(name: string): string {
  const printed: string[] = [];
  const program = rewindCommand();
  for (const command of [program, ...commandsOf(program).map(([, it]) => it)]) {
    command.configureOutput({ writeOut: (text) => printed.push(text) });
  }
  expect(() => program.parse(['node', 'rewind', ...name.split(' '), '--help'])).toThrow(CommanderError);
  return printed.join('');
}

test('these are the commands', () => {
  expect(named.map(([name]) => name)).toEqual([
    ...['init', 'deploy', 'history', 'plan', 'revert', 'status', 'resume', 'abort', 'restart', 'assess'],
    ...['create', 'list', 'show', 'verify', 'import', 'restore', 'undo', 'prune'].map((name) => `snapshot ${name}`),
    ...['verify', 'report', 'drill', 'drift', 'watch', 'setup', 'env', 'completion'],
  ]);
});

describe.each(named)('rewind %s', (name, command: Command) => {
  test('has examples in its help, which call it by its name', () => {
    const [, examples = ''] = helpOf(name).split('\nExamples:\n');
    const lines = examples.split('\n').filter((line) => line !== '');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(new RegExp(`\\brewind ${name}\\b`));
  });

  test('describes itself, its arguments and its options', () => {
    expect(command.description()).not.toBe('');
    for (const { description } of [...command.registeredArguments, ...command.options])
      expect(description).not.toBe('');
  });
});
