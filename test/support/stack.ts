import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';

import { parse, stringify } from 'yaml';

import { runCompose } from '../../src/compose/command';
import { type Finished, run } from '../../src/process';
import { projectEnvironment } from '../../toolchain/environment';
import { installDir as root } from '../../toolchain/places';
import { removeKeptImages, removeProject } from './docker';

const fixtures = join(root, 'test', 'fixtures', 'compose');
const stackName = 'dev';

/** What a run of pulumi gave: both streams together, as a person at a terminal sees them. */
export interface PulumiRun {
  readonly ok: boolean;
  readonly output: string;
}

/**
 * Saves time of the processor, which is what the tests wait for: the provider of dynamic resources loads no more than it
 * does under rewind, and Go programs collect garbage less often.
 */
const sparing = { NODE_OPTIONS: `--require ${join(root, 'dist', 'preload.js')}`, GOGC: '400' };

/** What a run of `rewind` gave. */
export interface RewindRun {
  /** Undefined if it was killed. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test stack starts from. */
export interface StackOptions {
  /** Folder below test/fixtures/compose to copy in. @default none: the test writes its own compose file */
  readonly fixture?: string;
  /** Variables for pulumi and docker compose, besides those of this process. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** What comes before rewind, e.g. to enter a network. @default nothing */
  readonly enter?: readonly string[];
}

/** A Pulumi project in a folder of its own, with a local backend, that runs the real program on a compose project. */
export class TestStack {
  /** Folder with Pulumi.yaml and the compose files. */
  readonly directory: string;
  /** Name of the compose project. */
  readonly project: string;
  /** Variables with which pulumi runs on it, besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Everything that pulumi and rewind have printed so far. */
  readonly printed: string[] = [];
  readonly #enter: readonly string[];

  private constructor(
    directory: string,
    project: string,
    env: Readonly<Record<string, string>>,
    enter: readonly string[],
  ) {
    this.directory = directory;
    this.project = project;
    this.env = env;
    this.#enter = enter;
  }

  /**
   * Makes a stack.
   *
   * @param project - name of the compose project; whatever is left of an earlier run of it is removed
   */
  static async create(project: string, { fixture, env = {}, enter = [] }: StackOptions = {}): Promise<TestStack> {
    await removeProject(project);
    await removeKeptImages(project, stackName);
    const directory = await mkdtemp(join(tmpdir(), `rewind-${project}-`));
    if (fixture !== undefined) await cp(join(fixtures, fixture), directory, { recursive: true });
    await writeFile(join(directory, 'Pulumi.yaml'), stringify({ name: project, runtime, main: '.' }));
    // As where the package is installed: what Pulumi loads, and the package itself.
    await mkdir(join(directory, 'node_modules'));
    await symlink(join(root, 'node_modules', '@pulumi'), join(directory, 'node_modules', '@pulumi'));
    await symlink(root, join(directory, 'node_modules', 'rewind'));
    const main = relative(directory, join(root, 'dist', 'index.js'));
    await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, main }));
    await mkdir(join(directory, '.rewind', 'state'), { recursive: true });
    const stack = new TestStack(
      directory,
      project,
      { ...(await projectEnvironment(directory)), ...sparing, ...env },
      enter,
    );
    const made = await stack.#pulumi('stack', 'init', stackName);
    if (!made.ok) throw new Error(`pulumi stack init failed:\n${made.output}`);
    await stack.configure({ project });
    return stack;
  }

  /** Sets `rewind:` settings, leaving the others; undefined removes one. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const file = join(this.directory, `Pulumi.${stackName}.yaml`);
    const content = parse(await readFile(file, 'utf8').catch(() => '{}')) as { config?: Record<string, unknown> };
    const changed = Object.entries(settings).map(([key, value]) => [`rewind:${key}`, value] as const);
    const config = Object.fromEntries(
      Object.entries({ ...content.config, ...Object.fromEntries(changed) }).filter(([, value]) => value !== undefined),
    );
    await writeFile(file, stringify({ ...content, config }));
  }

  /** Sets a secret setting, by its path: `secrets.api.TOKEN`. */
  async configureSecret(path: string, value: string): Promise<void> {
    await this.#must(this.#pulumi('config', 'set', '--secret', '--path', `rewind:${path}`, value));
  }

  /** Writes a file of the project, e.g. its compose file; an object is written as YAML. */
  async write(path: string, content: string | object): Promise<void> {
    await mkdir(join(this.directory, path, '..'), { recursive: true });
    await writeFile(join(this.directory, path), typeof content === 'string' ? content : stringify(content));
  }

  /** Any command of pulumi on the stack, which has to succeed: `pulumi('config', 'set', …)`. */
  async pulumi(...args: string[]): Promise<string> {
    return this.#must(this.#pulumi(...args));
  }

  /**
   * Any command of pulumi on the stack, which may fail.
   *
   * @param env - on top of the stack's own; an empty text for a variable that is not to be set
   */
  async tryPulumi(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<PulumiRun> {
    const { exitCode, stdout, stderr } = await this.#run(args, env);
    return { ok: exitCode === 0, output: `${stdout}\n${stderr}` };
  }

  /**
   * Any command of rewind on the stack, which has to end with exit code 0.
   *
   * @returns its standard output
   */
  async rewind(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.tryRewind(args);
    if (exitCode !== 0) throw new Error(`rewind ${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** `rewind revert --yes`, which has to succeed; if it asks whether data may be taken away, that is agreed to. */
  async revert(...args: string[]): Promise<string> {
    const command = ['revert', ...args, '--yes'];
    const { exitCode, stdout, stderr } = await this.tryRewind(command);
    return exitCode === 0 ? stdout : this.rewind(...command, ...acceptsLoss(stdout, stderr));
  }

  /** A command that takes data away, with the option that agrees to it, as its refusal names it. */
  async agreeing(...command: string[]): Promise<string[]> {
    const { stdout, stderr } = await this.tryRewind(command);
    return [...command, ...acceptsLoss(stdout, stderr)];
  }

  /**
   * Any command of rewind on the stack, which may fail.
   *
   * @param env - on top of the stack's own; an empty text for a variable that is not to be set
   */
  async tryRewind(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RewindRun> {
    const [file, ...rest] = this.rewindCommand(...args);
    const { exitCode, stdout, stderr } = await run([file!, ...rest], {
      cwd: this.directory,
      env: { ...this.env, ...env },
    });
    this.printed.push(stdout, stderr);
    return { exitCode, stdout, stderr };
  }

  /**
   * Any command of rewind with `--json`: the one document that it prints, and nothing else.
   *
   * @param exitCode - the one that it has to end with. @default 0
   */
  async rewindJson<T>(args: readonly string[], exitCode = 0): Promise<T> {
    const finished = await this.tryRewind([...args, '--json']);
    if (finished.exitCode === exitCode && finished.stderr === '') return JSON.parse(finished.stdout) as T;
    throw new Error(
      `rewind ${args.join(' ')} --json ended with ${finished.exitCode}:\n${finished.stdout}\n${finished.stderr}`,
    );
  }

  /** The program and the arguments with which rewind runs a command on this stack. */
  rewindCommand(...args: string[]): string[] {
    return [...this.#enter, process.execPath, join(root, 'dist', 'cli.js'), ...args, '--stack', stackName];
  }

  /** Removes a file of the project. */
  async removeFile(path: string): Promise<void> {
    await rm(join(this.directory, path));
  }

  /** `pulumi up`, which has to succeed. */
  async up(...args: string[]): Promise<string> {
    return this.#must(this.tryUp(...args));
  }

  /** `pulumi up`, which may fail. */
  tryUp(...args: string[]): Promise<PulumiRun> {
    return this.#pulumi('up', '--yes', '--skip-preview', '--diff', '--suppress-progress', ...args);
  }

  /** `pulumi preview --diff`, which has to succeed. */
  async preview(...args: string[]): Promise<string> {
    return this.#must(this.tryPreview(...args));
  }

  /** `pulumi preview --diff`, which may fail. */
  tryPreview(...args: string[]): Promise<PulumiRun> {
    return this.#pulumi('preview', '--diff', '--suppress-progress', ...args);
  }

  /** The steps of `pulumi preview`: what it would do, by the name of the resource; without those that stay the same. */
  async plannedSteps(...args: string[]): Promise<Record<string, string>> {
    const { stdout } = await this.#run(['preview', '--json', ...args]);
    const { steps } = JSON.parse(stdout) as { steps: { op: string; urn: string }[] };
    return Object.fromEntries(
      steps
        .filter(({ op }) => op !== 'same' && op !== 'refresh')
        .map(({ op, urn }) => [urn.slice(urn.lastIndexOf('::') + 2), op]),
    );
  }

  /** `pulumi refresh`, which has to succeed. */
  async refresh(...args: string[]): Promise<string> {
    return this.#must(this.#pulumi('refresh', '--yes', '--skip-preview', '--diff', '--suppress-progress', ...args));
  }

  /** `pulumi destroy`, which has to succeed. */
  async destroy(...args: string[]): Promise<string> {
    return this.#must(this.#pulumi('destroy', '--yes', '--skip-preview', '--suppress-progress', ...args));
  }

  /** `pulumi stack export`, without secrets. */
  async exported(): Promise<string> {
    return this.#must(this.#pulumi('stack', 'export'));
  }

  /** `pulumi stack history`, without secrets. */
  async history(): Promise<string> {
    return this.#must(this.#pulumi('stack', 'history', '--full-dates'));
  }

  /** An output of the stack. */
  async output(name: string): Promise<unknown> {
    const { stdout } = await this.#run(['stack', 'output', name, '--json']);
    return JSON.parse(stdout);
  }

  /** docker compose on the same project by its name alone, as `docker compose -p <name> …` in any folder. */
  compose(...args: string[]): Promise<Finished> {
    return runCompose(['-p', this.project, ...args], { cwd: tmpdir(), env: this.env });
  }

  /** docker compose on the files of the project, as its user would run it instead of Pulumi. */
  async composeWithFiles(...args: string[]): Promise<Finished> {
    const result = await runCompose(['-p', this.project, ...args], { cwd: this.directory, env: this.env });
    if (result.exitCode !== 0) throw new Error(`docker compose ${args.join(' ')} failed:\n${result.stderr}`);
    return result;
  }

  /** Removes everything that the stack made, volumes too, and its folder. */
  async remove(): Promise<void> {
    await removeProject(this.project);
    await removeKeptImages(this.project, stackName);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #must(result: Promise<PulumiRun>): Promise<string> {
    const { ok, output } = await result;
    if (!ok) throw new Error(`pulumi failed for ${basename(this.directory)}:\n${output}`);
    return output;
  }

  #pulumi(...args: string[]): Promise<PulumiRun> {
    return this.tryPulumi(args);
  }

  async #run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const finished = await run(['pulumi', ...this.argumentsOf(...args)], {
      cwd: this.directory,
      env: { ...this.env, ...env },
    });
    this.printed.push(finished.stdout, finished.stderr);
    return finished;
  }

  /** The arguments with which pulumi runs a command on this stack, as a script would. */
  argumentsOf(...args: string[]): string[] {
    const stack = args[0] === 'stack' && args[1] === 'init' ? [] : ['--stack', stackName];
    return [...args, ...stack, '--non-interactive', '--color', 'never'];
  }
}

const runtime = {
  name: 'nodejs',
  options: { typescript: false, nodeargs: `--require ${join(root, 'dist', 'preload.js')}` },
};

/** The option that agrees to a loss of data, as a refusal names it. */
function acceptsLoss(stdout: string, stderr: string): string[] {
  const names = /--accept-loss (?:'([^']*)'|(\S+?))\. To leave/.exec(stderr);
  if (!names) throw new Error(`rewind did not ask whether data may be lost:\n${stdout}\n${stderr}`);
  return ['--accept-loss', (names[1] ?? names[2])!];
}
