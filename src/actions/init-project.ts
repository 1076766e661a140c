import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

import { stringify } from 'yaml';

import { loadComposeProject } from '../compose/load';
import type { ComposeService } from '../compose/model';
import { RewindError } from '../errors';

/** Names under which docker compose finds a compose file, in its own order. */
const composeNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** What was found out of a compose project. */
export interface FoundProject {
  /** Absolute path of the compose file. */
  readonly composeFile: string;
  /** Name of the compose project. */
  readonly name: string;
  readonly services: readonly string[];
  /** Services that look like a Postgres database. */
  readonly databases: readonly string[];
  /** Services that look as if they ran alembic's migrations. */
  readonly migrations: readonly string[];
}

/** What is to be written. */
export interface InitAnswers {
  /** Folder of the project. */
  readonly directory: string;
  /** Name of the Pulumi project. */
  readonly name: string;
  /** Name of the stack. */
  readonly stack: string;
  /** The service with the Postgres database. @default there is none */
  readonly database?: string;
  /** The service whose image has the alembic migrations. @default there is none */
  readonly migrations?: string;
  /** How package.json asks for this package, e.g. `^0.1.0`. */
  readonly packageVersion: string;
  /** Text of index.ts. */
  readonly program: string;
}

/**
 * Reads a compose project and finds out what it can.
 *
 * @param given - the compose file as it was named. @default the one that docker compose finds in this folder
 * @throws RewindError compose/not-found and whatever is wrong with the file
 */
export async function findProject(given: string | undefined, folder = process.cwd()): Promise<FoundProject> {
  const composeFile = given === undefined ? foundIn(folder) : resolve(folder, given);
  const { model } = await loadComposeProject({ files: [composeFile], directory: dirname(composeFile) });
  const services = Object.entries(model.services);
  const databases = services.filter(([, service]) => looksLikePostgres(service)).map(([name]) => name);
  const migrations = services
    .filter(([name, service]) => !databases.includes(name) && looksLikeMigrations(name, service))
    .map(([name]) => name);
  return { composeFile, name: model.name, services: services.map(([name]) => name).sort(), databases, migrations };
}

function foundIn(folder: string): string {
  const name = composeNames.find((it) => existsSync(join(folder, it)));
  if (name !== undefined) return join(folder, name);
  throw new RewindError({
    code: 'compose/not-found',
    message: `There is no compose file in ${folder} (${composeNames.join(', ')}).`,
    fix: 'Name it: rewind init path/to/compose.yaml',
  });
}

function looksLikePostgres({ image = '', environment = {} }: ComposeService): boolean {
  const name = image.split('@')[0]!.replace(/:[^/:]*$/, '');
  if (/(^|[/_-])(postgres|postgresql|postgis|timescaledb|pgvector)([/_-]|$)/i.test(name)) return true;
  return ['POSTGRES_PASSWORD', 'POSTGRES_DB', 'POSTGRES_USER', 'PGDATA'].some((key) => Object.hasOwn(environment, key));
}

function looksLikeMigrations(name: string, { command, entrypoint }: ComposeService): boolean {
  const words = [command, entrypoint].flatMap((value) => (Array.isArray(value) ? (value as string[]) : []));
  return words.some((word) => /\balembic\b/.test(word)) || /^(migrate|migrations?|alembic)$/.test(name);
}

/** The files that make a project, by their path in its folder. */
export function projectFiles(found: FoundProject, answers: InitAnswers): Record<string, string> {
  const { directory, name, stack, database, migrations, packageVersion, program } = answers;
  const settings = {
    'rewind:compose': relative(directory, found.composeFile),
    ...(database !== undefined && {
      'rewind:database': { service: database, ...(migrations !== undefined && { alembic: { service: migrations } }) },
    }),
  };
  return {
    'Pulumi.yaml': stringify({
      name,
      description: `The compose project ${found.name}, whose every release can be brought back`,
      runtime: {
        name: 'nodejs',
        options: { typescript: false, nodeargs: '--require rewind/preload' },
      },
    }),
    [`Pulumi.${stack}.yaml`]: stringify({ config: settings }),
    'package.json': `${JSON.stringify(
      { name, private: true, main: 'index.ts', dependencies: { rewind: packageVersion } },
      undefined,
      2,
    )}\n`,
    'index.ts': program,
    // Ignores itself too: state, passphrase and the store are this machine's.
    '.rewind/.gitignore': '*\n',
  };
}

/**
 * Writes the files of a project; those that are there already are left as they are.
 *
 * @returns what was written and what was there, by path in the folder
 * @throws RewindError config/invalid if the folder is a Pulumi project already
 */
export async function writeProject(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly written: readonly string[]; readonly kept: readonly string[] }> {
  if (existsSync(join(directory, 'Pulumi.yaml'))) {
    throw new RewindError({
      code: 'config/invalid',
      message: `${directory} is a Pulumi project already.`,
      fix: `Choose another folder: rewind init --dir ${join(directory, 'rewind')}. Nothing has been written.`,
    });
  }
  const entries = Object.entries(files);
  const kept = entries.map(([name]) => name).filter((name) => existsSync(join(directory, name)));
  const written = entries.filter(([name]) => !kept.includes(name));
  for (const [name, content] of written) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content, { flag: 'wx' });
  }
  return { written: written.map(([name]) => name), kept };
}

/** The folder that a project goes to unless one is named: that of the compose file, or one in it if that has a program. */
export function defaultFolder({ composeFile }: FoundProject): string {
  const folder = dirname(composeFile);
  const taken = ['Pulumi.yaml', 'Pulumi.yml', 'index.ts'].some((name) => existsSync(join(folder, name)));
  return taken ? join(folder, 'rewind') : folder;
}

/** The stacks that a folder has a configuration for. */
export function stacksIn(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(basename(name))?.[1] ?? []);
}
