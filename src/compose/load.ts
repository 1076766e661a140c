import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

import { type Problem, RewindError } from '../errors';
import { runCompose } from './command';
import type { ComposeModel } from './model';

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
  /** Values of environment variables that configs and secrets are taken from. */
  readonly environment: Readonly<Record<string, string>>;
  /** What docker compose warned of, except for unset variables, which are errors. */
  readonly warnings: readonly string[];
  /** Options with which docker compose reads the same project again. */
  readonly options: readonly string[];
}

/**
 * Reads a compose project with `docker compose config`, the official implementation.
 *
 * @throws RewindError compose/not-found, compose/invalid, compose/unset-variable, docker/no-cli
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
  const result = await runCompose([...options, 'config', '--format', 'json'], { cwd: directory });
  const { unset, warnings } = readWarnings(result.stderr);
  if (result.exitCode !== 0) throw invalid(result.stderr, files, source);
  RewindError.throwIfAny(
    unset.map((name) => ({
      code: 'compose/unset-variable' as const,
      message: `The variable ${name} has no value; ${relativeNames(files, source)} uses it.`,
      fix: `Set ${name} in the environment or in an env file (rewind:envFile, or .env beside the compose file), or give it a default: \${${name}:-value}.`,
    })),
  );

  const model = normalise(JSON.parse(result.stdout) as Partial<ComposeModel> & { name: string });
  const environment = needsEnvironment(model) ? await interpolationEnvironment(options, directory) : {};
  return { model, files, directory, environment, warnings, options };
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

function invalid(stderr: string, files: string[], source: ComposeSource): RewindError {
  const said = stderr
    .split('\n')
    .filter((line) => !/level=warning/.test(line) && line.trim() !== '')
    .join('\n')
    .trim();
  const circle = /dependency cycle detected: (.+)/.exec(said);
  if (circle) {
    return new RewindError({
      code: 'compose/cycle',
      message: `Services depend on each other in a circle: ${circle[1]} (${relativeNames(files, source)}).`,
      fix: 'Remove one of these depends_on entries.',
    });
  }
  return new RewindError({
    code: 'compose/invalid',
    message: `docker compose cannot read ${relativeNames(files, source)}: ${said}`,
    fix: `Mend the file; check it with: docker compose ${files.map((f) => `-f ${relative(process.cwd(), f)}`).join(' ')} config --quiet`,
  });
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

/** Fills in absent sections, and undoes the doubling of `$` with which compose keeps its output readable as input. */
function normalise(raw: Partial<ComposeModel> & { name: string }): ComposeModel {
  const model = unescapeDollars(raw);
  return {
    name: model.name,
    services: model.services ?? {},
    networks: model.networks ?? {},
    volumes: model.volumes ?? {},
    configs: model.configs ?? {},
    secrets: model.secrets ?? {},
  };
}

function unescapeDollars<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll('$$', () => '$') as T;
  if (Array.isArray(value)) return value.map(unescapeDollars) as T;
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [unescapeDollars(key), unescapeDollars(inner as unknown)]),
    ) as T;
  }
  return value;
}

function needsEnvironment(model: ComposeModel): boolean {
  return [...Object.values(model.configs), ...Object.values(model.secrets)].some(
    (object) => object.environment !== undefined,
  );
}

/** The variables that compose interpolates with: those of the process, of `.env` and of the env files. */
async function interpolationEnvironment(options: string[], cwd: string): Promise<Record<string, string>> {
  const result = await runCompose([...options, 'config', '--environment'], { cwd });
  const variables: Record<string, string> = {};
  let last: string | undefined;
  for (const line of result.stdout.split('\n')) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(line);
    if (match) variables[(last = match[1]!)] = match[2]!;
    else if (last !== undefined) variables[last] = `${variables[last]}\n${line}`;
  }
  return variables;
}

/**
 * The variable of the compose file that sets a published port, e.g. `API_PORT` for `"${API_PORT:-8000}:8000"`.
 *
 * @returns undefined if the port is written as a plain number
 */
export async function portVariable(
  project: ComposeProject,
  service: string,
  target: number,
): Promise<string | undefined> {
  const args = [...project.options, 'config', '--no-interpolate', '--format', 'json'];
  const result = await runCompose(args, { cwd: project.directory });
  if (result.exitCode !== 0) return undefined;
  const raw = JSON.parse(result.stdout) as {
    services?: Record<string, { ports?: (string | Record<string, unknown>)[] }>;
  };
  for (const port of raw.services?.[service]?.ports ?? []) {
    const text = typeof port === 'string' ? port : `${String(port['published'])}:${String(port['target'])}`;
    if (!new RegExp(`(^|[:-])${target}(/\\w+)?$`).test(text)) continue;
    const variable = /\$\{?([A-Za-z_][A-Za-z0-9_]*)/.exec(text)?.[1];
    if (variable !== undefined) return variable;
  }
  return undefined;
}
