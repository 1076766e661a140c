import { type Command, Option } from 'commander';
import { RewindError } from '../../src/errors';
import { projectFolder } from '../../src/project-folder';
import { environmentFor } from '../../toolchain/environment';
import { projectFile } from '../../toolchain/project';
import { ensureToolchain } from '../../toolchain/setup';
import { renderEnvironment, type Shell, shells } from '../../toolchain/shell';
import { withExamples } from '../examples';

/** `rewind env`: prints what a shell has to evaluate so that plain `pulumi` works on the project. */
export function register(program: Command): void {
  const command = program
    .command('env')
    .description('print the exports with which plain pulumi works on this project')
    .addOption(new Option('--shell <shell>', 'what to print it for').choices(shells).default('bash'))
    .action(async ({ shell }: { shell: Shell }) => {
      const project = projectFolder();
      if (projectFile(project) === undefined) {
        throw new RewindError({
          code: 'cli/usage',
          message: `There is no Pulumi.yaml in ${project} or above it.`,
          fix: 'Change to the folder of your project.',
        });
      }
      const toolchain = await ensureToolchain({ docker: false });
      process.stdout.write(renderEnvironment(environmentFor(toolchain, project, process.env), shell));
    });
  withExamples(command, [
    'eval "$(npx rewind env)"                        # bash, zsh, sh',
    'npx rewind env --shell fish | source',
    'npx rewind env --shell powershell | Out-String | Invoke-Expression',
    'npx rewind env --shell json                     # for programs',
  ]);
}
