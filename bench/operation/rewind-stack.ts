import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { run } from '../../src/process';
import { removeProject } from '../../test/support/docker';
import { installDir } from '../../toolchain/places';
import { composeFile, must, portVariables } from '../example-stacks';
import { type BenchProject, makeProject } from '../project';
import { untilProved } from '../../test/support/until-proved';

/** The services of the example that each release brings anew. */
export const application = ['api', 'worker', 'signcalc', 'frontend', 'migrate'];

/** What `rewind deploy|revert --json` says at its end. */
export interface Operated {
  readonly state: 'done' | 'refused' | 'put-back' | 'broken';
  readonly why?: string;
  readonly verification?: { readonly ok: boolean };
  /** Number of its record. */
  readonly operation: number;
}

/** A record as `rewind report --json` gives it: what the benchmarks read of it. */
export interface Recorded {
  readonly finishedAt: string;
  readonly phases: readonly { readonly name: string; readonly startedAt: string; readonly seconds: number }[];
  readonly data?: { readonly keptAs?: string };
  readonly loss?: readonly string[];
}

/** The example in Rewind's hands, from a copy of its own of the compose file and of what that mounts. */
export class RewindStack {
  readonly project: string;
  readonly #made: BenchProject;
  readonly #apiPort: number;

  /** What its containers are labelled with. */
  get label(): string {
    return `com.docker.compose.project=${this.project}`;
  }

  private constructor(project: string, made: BenchProject, apiPort: number) {
    this.project = project;
    this.#made = made;
    this.#apiPort = apiPort;
  }

  /** Brings it up at v0.1.0, uses it and removes it, with whatever is in it. */
  static async use<T>(name: string, apiPort: number, work: (stack: RewindStack) => Promise<T>): Promise<T> {
    const project = `rewind-bench-${name}`;
    await removeProject(project);
    const made = await makeProject(name, portVariables(apiPort));
    const stack = new RewindStack(project, made, apiPort);
    try {
      await copyExample(made.folder);
      const settings = {
        project,
        compose: 'compose.yaml',
        'database.service': 'db',
        'database.alembic.service': 'api',
      };
      const values = Object.entries(settings).flatMap(([key, value]) => ['--plaintext', `rewind:${key}=${value}`]);
      await made.pulumi.run(['config', 'set-all', '--path', ...values]);
      await stack.bring('v0.1.0');
      return await work(stack);
    } finally {
      await made.pulumi.run(['destroy', '--yes', '--skip-preview']).catch(() => undefined);
      await removeProject(project);
      await rm(made.folder, { recursive: true, force: true });
    }
  }

  /** An address of the API. */
  url(path: string): string {
    return `http://127.0.0.1:${this.#apiPort}${path}`;
  }

  /** Runs `rewind …` in a process of its own, which has to end with one of these exit codes. */
  async rewind(args: readonly string[], exitCodes: readonly number[] = [0]): Promise<string> {
    const { env, folder } = this.#made;
    const argv = [process.execPath, join(installDir, 'dist', 'cli.js'), ...args, '--stack', 'bench'] as const;
    const { exitCode, stdout, stderr } = await run(argv, { env, cwd: folder });
    if (exitCode !== undefined && exitCodes.includes(exitCode)) return stdout;
    throw new Error(`rewind ${args.join(' ')} ended with ${exitCode}: ${stderr || stdout}`);
  }

  /** A command that changes the stack, and how it ended; one that puts back what ran before is as good as any other. */
  async operate(...args: readonly string[]): Promise<Operated> {
    return JSON.parse(await this.rewind([...args, '--json'], [0, 1, 3, 6])) as Operated;
  }

  /** Deploys one tag of every service of the application, but for those that get another one. */
  async deploy(tag: string, others: Readonly<Record<string, string>> = {}, ...options: string[]): Promise<Operated> {
    const tags = application.map((service) => `${service}=${others[service] ?? tag}`);
    return this.operate('deploy', ...tags, ...options);
  }

  /** Deploys one tag of the whole application, which has to come up, and waits until nothing of it goes on. */
  async bring(tag: string): Promise<void> {
    const operated = await this.deploy(tag);
    if (operated.state !== 'done') throw new Error(`${tag} does not come up: ${JSON.stringify(operated)}`);
    await untilProved(`${basename(this.#made.folder)}/bench`);
  }

  /** The option that agrees to what a revert takes away, as its refusal names it. */
  async accepting(...args: readonly string[]): Promise<string[]> {
    const refusal = await this.rewind([...args, '--json'], [1]);
    const names = /--accept-loss (?:'([^']*)'|([^\s"]+?))\. To leave/.exec(refusal);
    if (!names) throw new Error(`rewind ${args.join(' ')} did not ask whether data may be lost: ${refusal}`);
    return ['--accept-loss', (names[1] ?? names[2])!];
  }

  async record(operation: number): Promise<Recorded> {
    return JSON.parse(await this.rewind(['report', `o${operation}`, '--json'])) as Recorded;
  }

  /** Sets settings of `rewind:`, by their path. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const values = Object.entries(settings).flatMap(([key, value]) => ['--plaintext', `rewind:${key}=${value}`]);
    await this.#made.pulumi.run(['config', 'set-all', '--path', ...values]);
  }

  /** Changes a file that the compose file mounts, or the compose file. */
  editFile(path: string, change: (text: string) => string): Promise<void> {
    return editFile(this.#made.folder, path, change);
  }

  seed(size: string): Promise<string> {
    return seed(this.project, size);
  }
}

/** Copies the compose file of the example and what it mounts into a folder. */
export async function copyExample(folder: string): Promise<void> {
  await cp(composeFile, join(folder, 'compose.yaml'));
  await cp(join(dirname(composeFile), 'config'), join(folder, 'config'), { recursive: true });
}

export async function editFile(folder: string, path: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(join(folder, path), 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`${path}: there is nothing to change`);
  await writeFile(join(folder, path), after);
}

/** Fills the example's database; the size is as examples/apex/seed.mjs names it. */
export function seed(project: string, size: string): Promise<string> {
  return must([
    process.execPath,
    join(installDir, 'examples', 'apex', 'seed.mjs'),
    ...['--project', project],
    ...['--size', size],
  ]);
}
