import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

import { projectFolder } from '../src/project-folder';
import { withExamples } from './examples';

/**
 * Adds `rewind completion <shell>`, which prints a script for bash, zsh or fish, and what that script asks for: the
 * commands and options, releases where one is to be named, and stacks.
 */
export function addCompletion(program: Command): void {
  const completions = tab(program, { completionCommandName: 'completion' });
  const command = program.commands.find((it) => it.name() === 'completion')!;
  command.description('print what a shell needs to complete the commands, releases and stacks of rewind');
  command.registeredArguments[0]!.description = 'the shell that the script is for';
  withExamples(command, [
    'source <(rewind completion bash)     # in ~/.bashrc; needs the package bash-completion',
    'rewind completion zsh > "${fpath[1]}/_rewind"',
    'rewind completion fish > ~/.config/fish/completions/rewind.fish',
  ]);
  for (const name of ['plan', 'revert']) {
    const release = completions.commands.get(name)?.arguments.get('release');
    if (release) {
      release.handler = (complete) => {
        for (const { stack, number } of releasesOnDisk().slice(-20).reverse()) complete(`r${number}`, `of ${stack}`);
      };
    }
  }
  for (const command of completions.commands.values()) {
    const stack = command.options.get('stack');
    if (stack) {
      stack.handler = (complete) => {
        for (const name of stacksOnDisk()) complete(name, 'stack');
      };
    }
  }
}

/** Releases in the default store, ascending. Asking pulumi would take longer than people wait for a completion. */
function releasesOnDisk(): { stack: string; number: number }[] {
  const root = join(projectFolder(), '.rewind', 'stacks');
  return list(root)
    .flatMap((project) => list(join(root, project)).map((stack) => ({ stack, folder: join(root, project, stack) })))
    .flatMap(({ stack, folder }) =>
      list(join(folder, 'releases')).flatMap((file) => {
        const number = Number(/^r(\d+)\.json$/.exec(file)?.[1] ?? NaN);
        return Number.isNaN(number) ? [] : [{ stack: decodeURIComponent(stack), number }];
      }),
    )
    .sort((a, b) => a.number - b.number);
}

function stacksOnDisk(): string[] {
  return list(projectFolder()).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
