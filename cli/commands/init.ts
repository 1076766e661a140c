import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';

import type { Command } from 'commander';

import {
  contextsWith,
  defaultFolder,
  findProject,
  type FoundProject,
  projectFiles,
  writeProject,
} from '../../src/actions/init-project';
import { RewindError } from '../../src/errors';
import { toolVariables } from '../../toolchain/environment';
import { ensureToolchain } from '../../toolchain/setup';
import { withExamples } from '../examples';
import { printJson } from '../output/json';
import { packageSource } from '../package-source';
import { programText } from '../program';

interface InitOptions {
  readonly dir?: string;
  readonly name?: string;
  readonly stack: string;
  readonly database?: string;
  readonly migrations?: string;
  readonly json?: boolean;
}

const none = 'none';

/** `rewind init`: makes a project of an existing compose project. */
export function register(program: Command): void {
  const command = program
    .command('init')
    .description('make a Rewind project of an existing compose project; changes nothing that exists')
    .argument('[compose.yaml]', 'the compose file; without it the one that docker compose finds here')
    .option('--dir <folder>', 'where to write it; without it the folder of the compose file')
    .option('--name <name>', 'name of the Pulumi project; without it that of the compose project')
    .option('-s, --stack <name>', 'name of the stack', 'dev')
    .option('--database <service>', `the service with the Postgres database, or ${none}`)
    .option('--migrations <service>', `the service whose image has the alembic migrations, or ${none}`)
    .option('--json', 'print the result as one JSON document, and nothing else')
    .action(async (file: string | undefined, options: InitOptions) => {
      mustBePulumiName('--stack', options.stack);
      if (options.name !== undefined) mustBePulumiName('--name', options.name);
      // docker compose may be one that the set-up got.
      Object.assign(process.env, toolVariables(await ensureToolchain({ docker: false }), process.env));
      const found = await findProject(file);
      const directory = options.dir === undefined ? defaultFolder(found) : resolve(options.dir);
      const source = packageSource(directory);
      const database = await answer(found, options, 'database', 'has the Postgres database', found.databases);
      const migrations =
        database === undefined
          ? undefined
          : await answer(found, options, 'migrations', 'has the alembic migrations', found.migrations);
      const files = projectFiles(found, {
        directory,
        name: options.name ?? found.name,
        stack: options.stack,
        ...(database !== undefined && { database }),
        ...(migrations !== undefined && { migrations }),
        packageSource: source,
        program: programText,
      });
      const { written, kept } = await writeProject(directory, files);
      if (options.json)
        printJson({
          directory,
          project: options.name ?? found.name,
          stack: options.stack,
          database,
          migrations,
          written,
          kept,
        });
      else process.stdout.write(`${resultText(directory, source, options.stack, written, kept)}\n`);
      for (const context of contextsWith(directory, found)) {
        process.stderr.write(
          `Images are built from ${context}: add .rewind, node_modules and Pulumi.*.yaml to ${join(context, '.dockerignore')}, or the passphrase is sent along and may end up in an image.\n`,
        );
      }
    });
  withExamples(command, [
    'rewind init                                  # asks what it cannot find out',
    'rewind init deploy/compose.yaml --stack production --database db --migrations api',
  ]);
}

/** What a flag says, else the one service that fits, else what the user says. */
async function answer(
  { services }: FoundProject,
  options: InitOptions,
  flag: 'database' | 'migrations',
  question: string,
  candidates: readonly string[],
): Promise<string | undefined> {
  const given = options[flag];
  if (given !== undefined) return serviceNamed(services, flag, given);
  if (candidates.length === 1) return candidates[0];
  if (process.stdin.isTTY && !options.json) {
    const choices = candidates.length > 0 ? candidates : services;
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    try {
      const said = await terminal.question(`Which service ${question}? [${choices.join(', ')}, ${none}] `);
      return serviceNamed(services, flag, said.trim() || none);
    } finally {
      terminal.close();
    }
  }
  if (candidates.length === 0) return undefined;
  throw new RewindError({
    code: 'cli/usage',
    message: `Several services could be the one that ${question}: ${candidates.join(', ')}.`,
    fix: `Name it: --${flag} ${candidates[0]!}, or --${flag} ${none}.`,
  });
}

/** What Pulumi takes for the name of a project or stack; a stack's name is also part of a file's. */
function mustBePulumiName(flag: string, name: string): void {
  if (/^[A-Za-z0-9_.-]{1,100}$/.test(name)) return;
  throw new RewindError({
    code: 'cli/usage',
    message: `${flag} is ${JSON.stringify(name)}, which is no name for Pulumi.`,
    fix: 'Use letters, digits, dots, hyphens and underscores, 100 at most.',
  });
}

function serviceNamed(services: readonly string[], flag: string, name: string): string | undefined {
  if (name === none) return undefined;
  if (services.includes(name)) return name;
  throw new RewindError({
    code: 'cli/usage',
    message: `--${flag} names ${name}, which is no service of the compose file.`,
    fix: `There are: ${services.join(', ')}; or ${none}.`,
  });
}

function resultText(
  directory: string,
  source: string,
  stack: string,
  written: readonly string[],
  kept: readonly string[],
): string {
  const folder = relative(process.cwd(), directory);
  return [
    `Written${folder === '' ? '' : ` to ${folder}`}: ${written.join(', ')}`,
    ...(kept.length > 0 ? [`Left as it is: ${kept.join(', ')}`] : []),
    '',
    'Next:',
    ...(folder === '' ? [] : [`  cd ${folder}`]),
    ...packing(directory, source),
    '  npm install',
    `  npx rewind deploy --stack ${stack}        # makes the stack, and its first release`,
    '  npx rewind history',
    '  eval "$(npx rewind env)"             # plain pulumi in this shell',
  ].join('\n');
}

/** In a clone, the package that the project depends on has to be made first. */
function packing(directory: string, source: string): string[] {
  const file = source.startsWith('file:') ? resolve(directory, source.slice('file:'.length)) : undefined;
  return file === undefined || existsSync(file) ? [] : [`  (cd ${dirname(file)} && npm pack)`];
}
