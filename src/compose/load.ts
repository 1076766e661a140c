import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

import { type Problem, RewindError } from '../errors';
import { namesSecret } from '../sensitive';
import { runCompose } from './command';
import { singleDollars } from './dollars';
import type { ComposeModel } from './model';
import { usedVariables, valuesOf } from './variables';

/** Which compose project to read. */
export interface ComposeSource {
  /** Compose files in order; later ones override earlier ones. Relative paths count from `directory`. */
  readonly files: readonly string[];
  /** Env files for interpolation, in order. @default `.env` beside the first compose file, if it exists */
  readonly envFiles?: readonly string[];
  /** Active profiles. @default none */
  readonly profiles?: readonly string[];
  /** Overrides the project name. @default `name:` of the compose file, else its folder's name */
  readonly project?: string;
  /** Folder that relative paths count from: that of Pulumi.yaml. */
  readonly directory: string;
}

/** A compose project as docker compose resolved it. */
export interface ComposeProject {
  readonly model: ComposeModel;
  /** Absolute paths of the compose files. */
  readonly files: readonly string[];
  /** Absolute path of the project's folder: that of the first compose file. */
  readonly directory: string;
  /** Values of the environment variables that configs and secrets are taken from. */
  readonly environment: Readonly<Record<string, string>>;
  /** Values of the variables that the files use and whose names are those of secrets. */
  readonly secretVariables: Readonly<Record<string, string>>;
  /** What docker compose warned of, except for unset variables, which are errors. */
  readonly warnings: readonly string[];
  /** Options with which docker compose reads the same project again. */
  readonly options: readonly string[];
}

/**
 * Reads a compose project with `docker compose config`, the official implementation.
 *
 * @throws RewindError compose/not-found, compose/invalid, compose/unset-variable, compose/cycle, docker/no-cli
 */
export async function loadComposeProject(source: ComposeSource): Promise<ComposeProject> {
  const files = source.files.map((file) => resolve(source.directory, file));
  const envFiles = (source.envFiles ?? []).map((file) => resolve(source.directory, file));
  RewindError.throwIfAny([
    ...missing(files, source, 'compose file', 'rewind:compose'),
    ...missing(envFiles, source, 'env file', 'rewind:envFile'),
  ]);

  const directory = dirname(files[0]!);
  const options = [
    ...files.flatMap((file) => ['--file', file]),
    ...envFiles.flatMap((file) => ['--env-file', file]),
    ...(source.profiles ?? []).flatMap((profile) => ['--profile', profile]),
    ...(source.project ? ['--project-name', source.project] : []),
  ];
  const [result, variables] = await Promise.all([
    runCompose([...options, 'config', '--format', 'json'], { cwd: directory }),
    usedVariables({ options, directory }),
  ]);
  const { unset, warnings } = readWarnings(result.stderr);
  RewindError.throwIfAny([
    ...unset.map((name) => unsetVariable(name, `; ${relativeNames(files, source)} uses it.`)),
    ...(result.exitCode === 0 ? [] : [invalid(result.stderr, files, source)]),
  ]);

  const model = withAllSections(singleDollars(JSON.parse(result.stdout) as Partial<ComposeModel> & { name: string }));
  const taken = environmentOf(model);
  const secret = Object.keys(variables).filter(namesSecret);
  const values = await valuesOf([...new Set([...taken, ...secret])], { options, directory });
  return {
    model,
    files,
    directory,
    environment: pick(values, taken),
    secretVariables: { ...plainDefaults(pick(variables, secret)), ...pick(values, secret) },
    warnings,
    options,
  };
}

function unsetVariable(name: string, where: string): Problem {
  return {
    code: 'compose/unset-variable',
    message: `The variable ${name} has no value${where}`,
    fix: `Set ${name} in the environment or in an env file (rewind:envFile, or .env beside the compose file), or give it a default: \${${name}:-value}.`,
  };
}

function missing(paths: string[], source: ComposeSource, what: string, key: string): Problem[] {
  return paths
    .filter((path) => !existsSync(path))
    .map((path) => ({
      code: 'compose/not-found',
      message: `The ${what} ${relative(source.directory, path)} (${key}) does not exist.`,
      fix: `Correct the path: pulumi config set ${key} <path>, counted from the folder of Pulumi.yaml.`,
    }));
}

function invalid(stderr: string, files: string[], source: ComposeSource): Problem {
  const said = stderr
    .split('\n')
    .filter((line) => !/level=warning/.test(line) && line.trim() !== '')
    .join('\n')
    .trim();
  const circle = /dependency cycle detected: (.+)/.exec(said);
  if (circle) {
    return {
      code: 'compose/cycle',
      message: `Services depend on each other in a circle: ${circle[1]} (${relativeNames(files, source)}).`,
      fix: 'Remove one of these depends_on entries.',
    };
  }
  const required = /(?:interpolating (\S+): )?required variable (\S+) is missing a value(: .*)?/.exec(said);
  if (required) {
    const [, path, name, said = '.'] = required;
    const where = `${path === undefined ? '' : `${path} in `}${relativeNames(files, source)}`;
    return unsetVariable(name!, `, but ${where} requires it${said}`);
  }
  return {
    code: 'compose/invalid',
    message: `docker compose cannot read ${relativeNames(files, source)}: ${said || 'it said nothing'}`,
    fix: `Mend the file; check it with: docker compose ${files.map((f) => `-f ${relative(process.cwd(), f)}`).join(' ')} config --quiet`,
  };
}

function relativeNames(files: readonly string[], source: ComposeSource): string {
  return files.map((file) => relative(source.directory, file)).join(', ');
}

/** Splits docker compose's log lines into variables without a value and other warnings. */
function readWarnings(stderr: string): { unset: string[]; warnings: string[] } {
  const unset = new Set<string>();
  const warnings = new Set<string>();
  for (const line of stderr.split('\n')) {
    const message = /level=warning msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replace(/\\(.)/g, '$1');
    if (message === undefined) continue;
    const variable = /^The "(.+)" variable is not set\./.exec(message)?.[1];
    if (variable !== undefined) unset.add(variable);
    else warnings.add(message);
  }
  return { unset: [...unset].sort(), warnings: [...warnings] };
}

/** The model with sections that are absent filled in. */
function withAllSections(model: Partial<ComposeModel> & { name: string }): ComposeModel {
  return {
    name: model.name,
    services: model.services ?? {},
    networks: model.networks ?? {},
    volumes: model.volumes ?? {},
    configs: model.configs ?? {},
    secrets: model.secrets ?? {},
  };
}

/** Names of the environment variables that configs and secrets are taken from. */
function environmentOf(model: ComposeModel): string[] {
  return [...Object.values(model.configs), ...Object.values(model.secrets)].flatMap(
    ({ environment }) => environment ?? [],
  );
}

function pick(values: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(values, name) ? [[name, values[name]!]] : [])));
}

/** Defaults as they stand in the file, without those that are made of other variables. */
function plainDefaults(defaults: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(defaults).filter(([, value]) => value !== '' && !value.includes('$')));
}
