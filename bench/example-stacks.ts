import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runCompose } from '../src/compose/command';
import { run } from '../src/process';
import { removeProject } from '../test/support/docker';
import { installDir } from '../toolchain/places';
import { makeProject } from './project';

/** The services that change between the two releases, with their images. */
export const changing = {
  api: 'apex-api',
  worker: 'apex-worker',
  signcalc: 'apex-signcalc',
  frontend: 'apex-frontend',
};

/**
 * The job that migrates has the newer image all the time: each of the two releases works on its schema, so that what is
 * measured is the change of the four services.
 */
export const migrating = { service: 'migrate', tag: 'v0.2.0', image: 'apex-api:v0.2.0' };

export const composeFile = join(installDir, 'examples', 'apex', 'compose.yaml');

/** The example stack in the hands of one tool. */
export interface ExampleStack {
  /** What its containers are labelled with: `key=value`. */
  readonly label: string;
  /** Port of the API on loopback. */
  readonly apiPort: number;
  /** Brings the stack to v0.2.0. */
  readonly forward: () => Promise<void>;
  /** Brings it back to v0.1.0. Only this is measured. */
  readonly back: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Ports for the API and the web page, counted from one. */
export function portVariables(first: number): Record<string, string> {
  return { APEX_API_PORT: String(first), APEX_WEB_PORT: String(first + 1) };
}

/** The same stack in Rewind's hands twice: back by `pulumi up` with the earlier tags, and by `rewind revert`. */
export async function rewindStacks(first: number): Promise<{ pulumi: ExampleStack; revert: ExampleStack }> {
  const project = 'rewind-bench';
  await removeProject(project);
  const { pulumi, env, folder } = await makeProject('rollback', portVariables(first));
  await pulumi.run([
    ...['config', 'set-all', '--plaintext', `rewind:compose=${composeFile}`],
    ...['--plaintext', `rewind:project=${project}`],
  ]);
  await pulumi.run(['config', 'set', '--path', `rewind:tags.${migrating.service}`, migrating.tag]);
  const deploy = async (tag: string): Promise<void> => {
    const tags = Object.keys(changing).flatMap((service) => ['--plaintext', `rewind:tags.${service}=${tag}`]);
    await pulumi.run(['config', 'set-all', '--path', ...tags]);
    await pulumi.run(['up', '--yes', '--skip-preview']);
  };
  const revert = async (): Promise<void> => {
    const argv = [process.execPath, join(installDir, 'dist', 'cli.js'), 'revert', '--yes', '--stack', 'bench'] as const;
    await must(argv, { env, cwd: folder });
  };
  await deploy('v0.1.0');
  const forward = (): Promise<void> => deploy('v0.2.0');
  const remove = async (): Promise<void> => {
    await pulumi.run(['destroy', '--yes', '--skip-preview']);
    await removeProject(project);
  };
  const label = `com.docker.compose.project=${project}`;
  return {
    pulumi: { label, apiPort: first, forward, back: () => deploy('v0.1.0'), remove },
    revert: { label, apiPort: first, forward, back: revert, remove: () => Promise.resolve() },
  };
}

/** The same stack in the hands of docker compose: back by `up --wait` with the earlier tags, and by the runbook's steps. */
export async function composeStacks(first: number): Promise<{ compose: ExampleStack; runbook: ExampleStack }> {
  const project = 'rewind-bench-peer';
  await removeProject(project);
  const { folder } = await makeProject('rollback-peer');
  const command = async (tag: string, ...args: string[]): Promise<void> => {
    const override = join(folder, `${tag}.yaml`);
    const images = [
      ...Object.entries(changing).map(([service, image]) => `  ${service}: { image: "${image}:${tag}" }`),
      `  ${migrating.service}: { image: "${migrating.image}" }`,
    ];
    await writeFile(override, `services:\n${images.join('\n')}\n`);
    const files = ['--file', composeFile, '--file', override];
    const { exitCode, stderr } = await runCompose(['--project-name', project, ...files, ...args], {
      env: portVariables(first),
    });
    if (exitCode !== 0) throw new Error(`docker compose ${args.join(' ')} failed: ${stderr}`);
  };
  const up = (tag: string): Promise<void> => command(tag, 'up', '--detach', '--wait');
  const retag = async (tag: string): Promise<void> => {
    for (const image of Object.values(changing)) await must(['docker', 'tag', `${image}:${tag}`, `${image}:bench`]);
  };
  await up('v0.1.0');
  const label = `com.docker.compose.project=${project}`;
  return {
    compose: {
      label,
      apiPort: first,
      forward: () => up('v0.2.0'),
      back: () => up('v0.1.0'),
      remove: () => removeProject(project),
    },
    runbook: {
      label,
      apiPort: first,
      forward: async () => {
        await retag('v0.2.0');
        await up('bench');
      },
      back: async () => {
        await command('bench', 'down');
        await retag('v0.1.0');
        await up('bench');
      },
      remove: async () => {
        for (const image of Object.values(changing)) await run(['docker', 'rmi', `${image}:bench`]);
      },
    },
  };
}

/** Runs a program that has to succeed. */
export async function must(
  argv: readonly [string, ...string[]],
  options: { env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, options);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} failed: ${stderr || stdout}`);
  return stdout;
}
