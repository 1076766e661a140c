import type { Command } from 'commander';

import { examplesOf } from '../../cli/examples';
import { exitCodes } from '../../cli/exit-codes';
import { rewindCommand } from '../../cli/rewind';
import { notice, type Page, table } from './page';

export const commandLinePage: Page = {
  file: 'docs/cli.md',
  render: () =>
    [
      notice('cli/commands/, cli/completion.ts and cli/exit-codes.ts'),
      '# The command line',
      'Commands work on the project whose Pulumi.yaml is in the current folder or above it; `init`, `setup` and `completion` need none. Where the package is installed in the project, they are called with `npx`: `npx rewind deploy`.',
      ...commandsOf(rewindCommand()).flatMap(sectionOf),
      '## Output',
      'On a terminal, `deploy` and `revert` show a list of the services that is kept up to date; in a pipe, one line when something happens. With `--json` nothing is printed but one JSON document at the end: the result, or `{"errors": [{"code", "message", "fix"}]}`. Without it, errors that are found before anything has begun go to standard error.',
      'The first Ctrl-C asks a `deploy` or `revert` to stop: the steps that are under way are finished, and what has begun is put back. A second one leaves everything as it is.',
      '## Exit codes',
      table(
        ['Code', 'Meaning'],
        Object.values(exitCodes).map(([code, meaning]) => [String(code), meaning]),
      ),
    ].join('\n\n'),
};

/** The commands that the help lists, but for the help itself; those of a group in place of the group. */
function commandsOf(program: Command): Command[] {
  const isHelp = (command: Command): boolean => command.name() === 'help';
  return program
    .createHelp()
    .visibleCommands(program)
    .filter((command) => !isHelp(command))
    .flatMap((command) => (command.commands.length > 0 ? commandsOf(command) : [command]));
}

/** With the names of the groups that it is in: `rewind snapshot create`. */
function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

function sectionOf(command: Command): string[] {
  const help = command.createHelp();
  const values = [
    ...help.visibleArguments(command).map((it) => [help.argumentTerm(it), help.argumentDescription(it)]),
    ...help.visibleOptions(command).map((it) => [help.optionTerm(it), help.optionDescription(it)]),
  ].filter(([term]) => term !== '-h, --help');
  return [
    `## ${fullName(command)}`,
    sentence(command.description()),
    ['```text', help.commandUsage(command), '```'].join('\n'),
    ...(values.length === 0
      ? []
      : [
          table(
            ['Argument or option', 'What it is'],
            values.map(([term, about]) => [`\`${term}\``, about!]),
          ),
        ]),
    ['```sh', ...examplesOf(command), '```'].join('\n'),
  ];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
