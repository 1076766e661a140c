import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ReleaseStore } from '../src/releases/release-store';
import { removeProject } from '../test/support/docker';
import { installDir } from '../toolchain/places';
import { composeFile, must, portVariables } from './example-stacks';
import { makeProject, timed } from './project';
import type { Measured } from './rows';

const rounds = 5;
const updates = 1000;

/** `rewind history` of a stack with 1,000 updates, and `rewind plan` of the example. */
export async function releases(say: (text: string) => void): Promise<Measured[]> {
  return [await plan(say), await history(say)];
}

async function plan(say: (text: string) => void): Promise<Measured> {
  const project = 'rewind-bench-plan';
  await removeProject(project);
  const { pulumi, env, folder } = await makeProject('plan', portVariables(18_430));
  const config = ['--plaintext', `rewind:compose=${composeFile}`, '--plaintext', `rewind:project=${project}`];
  await pulumi.run(['config', 'set-all', ...config]);
  // Both releases work on the newer one's schema.
  await pulumi.run(['config', 'set', '--path', 'rewind:tags.migrate', 'v0.2.0']);
  try {
    for (const tag of ['v0.1.0', 'v0.2.0']) {
      await pulumi.run([
        'config',
        'set-all',
        '--path',
        '--plaintext',
        `rewind:tags.api=${tag}`,
        '--plaintext',
        `rewind:tags.worker=${tag}`,
      ]);
      await pulumi.run(['up', '--yes', '--skip-preview']);
    }
    const ours = await timesOf(() => rewind(['plan'], folder, env));
    say(`plan: ${ours.map((s) => s.toFixed(2)).join(', ')} s`);
    return { name: 'rewind plan, 8 services', unit: 's', ours, bar: 3 };
  } finally {
    await pulumi.run(['destroy', '--yes', '--skip-preview']);
    await removeProject(project);
  }
}

/** A stack that was updated once, and then made to look as if it had been a thousand times: its own files, cloned. */
async function history(say: (text: string) => void): Promise<Measured> {
  const project = 'rewind-bench-history';
  await removeProject(project);
  const { pulumi, env, folder } = await makeProject('history');
  await writeFile(
    join(folder, 'compose.yaml'),
    `name: ${project}\nservices:\n  s:\n    image: rewind-example/base:bookworm\n    command: [sleep, infinity]\n    init: true\n`,
  );
  try {
    await pulumi.run(['up', '--yes', '--skip-preview']);
    await cloneUpdates(folder, env);
    const { length } = JSON.parse(await pulumi.run(['stack', 'history', '--json', '--page-size', '0'])) as unknown[];
    const ours = await timesOf(() => rewind(['history'], folder, env));
    say(`history of ${length} updates: ${ours.map((s) => s.toFixed(2)).join(', ')} s`);
    return { name: `rewind history, ${length} updates`, unit: 's', ours, bar: 1.5 };
  } finally {
    await pulumi.run(['destroy', '--yes', '--skip-preview']);
    await removeProject(project);
  }
}

/** Each clone is a minute older than the one before, in the backend and in the store alike. */
async function cloneUpdates(folder: string, env: Readonly<Record<string, string>>): Promise<void> {
  const backend = join(fileURLToPath(env['PULUMI_BACKEND_URL']!), '.pulumi', 'history', 'history', 'bench');
  const name = (await readdir(backend)).find((it) => it.endsWith('.history.json'))!;
  const entry = JSON.parse(await readFile(join(backend, name), 'utf8')) as { startTime: number; endTime: number };
  const store = new ReleaseStore(join(folder, '.rewind'), 'history/bench');
  const record = await store.read(1);
  for (let minute = 1; minute < updates; minute++) {
    const [startTime, endTime] = [entry.startTime + 60 * minute, entry.endTime + 60 * minute];
    const file = join(backend, `bench-${endTime}000000000.history.json`);
    await writeFile(file, JSON.stringify({ ...entry, startTime, endTime }));
    const later = (time: string): string => new Date(Date.parse(time) + 60_000 * minute).toISOString();
    await store.add({ ...record, startedAt: later(record.startedAt), finishedAt: later(record.finishedAt) });
  }
}

async function timesOf(work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await timed(work));
  return times;
}

function rewind(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  return must([process.execPath, join(installDir, 'dist', 'cli.js'), ...args, '--stack', 'bench'], { cwd, env });
}
