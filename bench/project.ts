import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { PulumiCli } from '../src/automation/pulumi-cli';
import { projectEnvironment } from '../toolchain/environment';
import { installDir } from '../toolchain/places';

/** A Pulumi project of a benchmark, in a folder of its own below .rewind/bench. */
export interface BenchProject {
  readonly folder: string;
  readonly pulumi: PulumiCli;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes an empty project with a stack `bench`, on a backend of its own.
 *
 * @param env - added to the environment of pulumi
 */
export async function makeProject(name: string, env: Readonly<Record<string, string>> = {}): Promise<BenchProject> {
  const folder = join(installDir, '.rewind', 'bench', name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'node_modules'), { recursive: true });
  await Promise.all([
    symlink(installDir, join(folder, 'node_modules', 'rewind')),
    writeFile(
      join(folder, 'Pulumi.yaml'),
      `name: ${name}\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: --require ${join(installDir, 'dist', 'preload.js')}\n`,
    ),
    writeFile(join(folder, 'package.json'), JSON.stringify({ name, main: 'index.js' })),
    // The standard program itself, as a user's project has it: rewind runs that one in its own process.
    symlink(join(installDir, 'dist', 'index.js'), join(folder, 'index.js')),
  ]);
  const environment = { ...(await projectEnvironment(folder)), ...env };
  const pulumi = new PulumiCli({ directory: folder, env: environment });
  await pulumi.run(['stack', 'init', 'bench']);
  return { folder, pulumi, env: environment };
}

/** Seconds that something took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
