import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';

import { stringify } from 'yaml';

import { loadComposeProject } from '../compose/load';
import type { ComposeService } from '../compose/model';
import { RewindError } from '../errors';

/** Names under which docker compose finds a compose file, in its own order. */
const composeNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

const preload = 'rewind/preload';

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
  /** Absolute paths of the folders that images are built from. */
  readonly contexts: readonly string[];
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
  /** How package.json asks for this package, e.g. `file:../rewind-0.1.0.tgz`. */
  readonly packageSource: string;
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
  const byImage = services.filter(([, service]) => hasPostgresImage(service));
  // Programs that use a database have such variables too.
  const byVariables = services.filter(([, service]) => hasPostgresVariables(service));
  const databases = (byImage.length > 0 ? byImage : byVariables).map(([name]) => name);
  const migrations = services
    .filter(([name, service]) => !databases.includes(name) && looksLikeMigrations(name, service))
    .map(([name]) => name);
  return {
    composeFile,
    name: model.name,
    services: services.map(([name]) => name).sort(),
    databases,
    migrations,
    contexts: [...new Set(services.flatMap(([, { build }]) => contextOf(build) ?? []))].sort(),
  };
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

function contextOf(build: unknown): string | undefined {
  const context = (build as { context?: unknown } | undefined)?.context;
  return typeof context === 'string' ? context : undefined;
}

/**
 * Folders that images are built from and that have a project in them, so that its passphrase would be sent along.
 *
 * @param directory - folder of the project
 */
export function contextsWith(directory: string, { contexts }: FoundProject): string[] {
  return contexts.filter((context) => {
    const inside = relative(context, directory);
    return isAbsolute(context) && inside !== '..' && !inside.startsWith('../') && !isIgnoring(context);
  });
}

function isIgnoring(context: string): boolean {
  const file = join(context, '.dockerignore');
  return existsSync(file) && /^(\*\*\/)?\.rewind\/?$/m.test(readFileSync(file, 'utf8'));
}

function hasPostgresImage({ image = '' }: ComposeService): boolean {
  const name = image.split('@')[0]!.replace(/:[^/:]*$/, '');
  const isDatabase = /(^|[/_-])(postgres|postgresql|postgis|timescaledb|pgvector)([/_-]|$)/i.test(name);
  return isDatabase && !/exporter|backup/i.test(name);
}

function hasPostgresVariables({ environment = {} }: ComposeService): boolean {
  return ['POSTGRES_PASSWORD', 'POSTGRES_DB', 'POSTGRES_USER', 'PGDATA'].some((key) => Object.hasOwn(environment, key));
}

function looksLikeMigrations(name: string, { command, entrypoint }: ComposeService): boolean {
  const words = [command, entrypoint].flatMap((value) => (Array.isArray(value) ? (value as string[]) : []));
  return words.some((word) => /\balembic\b/.test(word)) || /^(migrate|migrations?|alembic)$/.test(name);
}

/** The files that make a project, by their path in its folder. */
export function projectFiles(found: FoundProject, answers: InitAnswers): Record<string, string> {
  const { directory, name, stack, database, migrations, packageSource, program } = answers;
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
        options: { typescript: false, nodeargs: `--require ${preload}` },
      },
    }),
    [`Pulumi.${stack}.yaml`]: stringify({ config: settings }),
    'package.json': `${JSON.stringify(
      { name, private: true, main: 'index.ts', dependencies: { rewind: packageSource } },
      undefined,
      2,
    )}\n`,
    'index.ts': program,
    'tsconfig.json': `${JSON.stringify({ compilerOptions, files: ['index.ts'] }, undefined, 2)}\n`,
    '.gitignore': 'node_modules/\n',
    // Ignores itself too: state, passphrase and the store are this machine's.
    '.rewind/.gitignore': '*\n',
  };
}

/** For editors: the program itself is run without its types being checked. */
const compilerOptions = { strict: true, target: 'ES2022', module: 'Node16', skipLibCheck: true, noEmit: true };

/**
 * Writes the files of a project; those that are there already are left as they are.
 *
 * @returns what was written and what was there, by path in the folder
 * @throws RewindError config/invalid if the folder has a program already
 */
export async function writeProject(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly written: readonly string[]; readonly kept: readonly string[] }> {
  const inTheWay = ownerOf(directory);
  if (inTheWay !== undefined) {
    throw new RewindError({
      code: 'config/invalid',
      message: `${directory} is the folder of another program already: it has ${inTheWay}.`,
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

/**
 * The folder that a project goes to unless one is named: that of the compose file, or one in it if that has a program.
 *
 * @throws RewindError config/invalid if that compose project has been made one already
 */
export function defaultFolder({ composeFile }: FoundProject): string {
  const folder = dirname(composeFile);
  const made = [folder, join(folder, 'rewind')].find(isRewindProject);
  if (made === undefined) return ownerOf(folder) === undefined ? folder : join(folder, 'rewind');
  throw new RewindError({
    code: 'config/invalid',
    message: `There is a Rewind project in ${made} already.`,
    fix: 'Use that one: rewind deploy there; one more stack of it: pulumi stack init. A project of its own: rewind init --dir. Nothing has been written.',
  });
}

function isRewindProject(folder: string): boolean {
  const file = join(folder, 'Pulumi.yaml');
  return existsSync(file) && readFileSync(file, 'utf8').includes(preload);
}

/** The file that makes a folder that of another program; undefined if there is none. */
function ownerOf(folder: string): string | undefined {
  const file = ['Pulumi.yaml', 'Pulumi.yml', 'index.js', 'index.ts'].find((name) => existsSync(join(folder, name)));
  if (file !== undefined) return file;
  const hasPackage = existsSync(join(folder, 'package.json'));
  return hasPackage && !isOurs(join(folder, 'package.json')) ? 'package.json' : undefined;
}

/** Whether a package.json is there for Rewind: `npm install` makes one in an empty folder. */
function isOurs(file: string): boolean {
  const { type, main = 'index.ts' } = readPackage(file);
  // With another entry point pulumi would run that.
  return dependencyOn(file) !== undefined && type !== 'module' && ['index.ts', 'index.js'].includes(main);
}

/** How a package.json asks for this package; undefined if it does not. */
export function dependencyOn(file: string): string | undefined {
  const { dependencies, devDependencies } = readPackage(file);
  return dependencies?.['rewind'] ?? devDependencies?.['rewind'];
}

interface PackageFile {
  readonly type?: string;
  readonly main?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function readPackage(file: string): PackageFile {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PackageFile;
  } catch {
    return {}; // it is not there, or is none that npm could read either
  }
}

/** The stacks that a folder has a configuration for. */
export function stacksIn(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(basename(name))?.[1] ?? []);
}
