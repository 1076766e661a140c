import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { numbersIn } from '../../src/store/write';
import { containerIds, eventually, execIn } from '../support/docker';
import { nextEvent } from '../support/engine-events';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { RunningRewind } from '../support/running-rewind';

// One stack, whose rewind is killed at this moment and that: each test goes on from where the one before it left.

const project = 'rewind-resumed';
const image = 'rewind-resumed/box:1';
const api = `${project}-api-1`;

// Its removal comes last and takes a while, so that there is time to kill rewind when the release is recorded already.
const slow = { image, command: ['sh', '-c', 'trap "sleep 2; exit 0" TERM; while :; do sleep 0.1; done'] };
const services = (version: string, ...others: string[]): object => ({
  services: {
    api: { image, environment: { VERSION: version } },
    ...Object.fromEntries(others.map((name) => [name, slow])),
  },
});

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', services('1', 'one', 'two', 'three'));
  await stack.rewind('deploy');
  await stack.write('compose.yaml', services('2', 'one', 'two', 'three'));
  await stack.rewind('deploy');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

const inStore = (name: string): string => join(stack.directory, '.rewind', 'stacks', project, 'dev', name);

/** Kills rewind as soon as its release is recorded: its last containers are still being removed. */
async function killedWhenRecorded(...args: string[]): Promise<void> {
  const release = ((await numbersIn(inStore('releases'), 'r')).at(-1) ?? 0) + 1;
  const recorded = () => Promise.resolve(existsSync(inStore(`releases/r${release}.json`)));
  const rewind = RunningRewind.start(stack, ...args);
  await rewind.until(eventually(recorded, `the record of r${release}`, 60_000).then(() => undefined));
  await rewind.killAlone();
  expect(existsSync(inStore('operation.json'))).toBe(true);
}

const variable = (name: string): Promise<string> => execIn(api, 'sh', '-c', `echo "[$${name}]"`);

test('a setting that is changed after a deploy was killed is kept by the next deploy', async () => {
  await stack.write('compose.yaml', services('3', 'two', 'three'));
  await killedWhenRecorded('deploy');
  await stack.configure({ env: { api: { CHANGED: 'meanwhile' } } });
  await untilUnlocked('deploy');
  expect([await variable('VERSION'), await variable('CHANGED')]).toEqual(['[3]', '[meanwhile]']);
  expect(Object.keys(await containerIds(project))).toEqual(
    ['api', 'three', 'two'].map((name) => `${project}-${name}-1`),
  );
  expect(await stack.plannedSteps()).toEqual({});
});

test('rewind revert that was killed is finished by rewind revert: it goes no step further', async () => {
  await stack.write('compose.yaml', services('5', 'two', 'three', 'four'));
  await stack.rewind('deploy');
  await killedWhenRecorded('revert', '--yes');
  await untilUnlocked('revert', '--yes');
  expect([await variable('VERSION'), await variable('CHANGED')]).toEqual(['[3]', '[meanwhile]']);
  expect(await stack.plannedSteps()).toEqual({});
});

test('rewind revert after a deploy that was killed half-way goes back to what ran before that', async () => {
  await stack.write('compose.yaml', services('7', 'two', 'three'));
  const moment = nextEvent(api, 'destroy');
  const rewind = RunningRewind.start(stack, 'deploy');
  await rewind.until(moment);
  await rewind.killAlone();
  // What is refused in between has not made it good.
  await stack.write('compose.yaml', { services: { api: { image: 'rewind-resumed/none:1' } } });
  const missing = 'The image rewind-resumed/none:1 of api is missing';
  await eventually(
    async () => (await stack.tryRewind(['deploy'])).stdout.includes(missing) || undefined,
    missing,
    60_000,
  );
  await stack.write('compose.yaml', services('7', 'two', 'three'));
  await untilUnlocked('revert', '--yes');
  expect([await variable('VERSION'), await variable('CHANGED')]).toEqual(['[3]', '[meanwhile]']);
  expect(await stack.plannedSteps()).toEqual({});
});

test('an operation that was killed after its very last step has left the stack configuration as it is to be', async () => {
  const file = join(stack.directory, 'Pulumi.dev.yaml');
  await stack.rewind('deploy');
  const before = await readFile(file, 'utf8');
  const journal = { what: 'deploy', by: 'me', startedAt: new Date().toISOString(), before: 1 };
  const configuration = createHash('sha256').update(before).digest('hex');
  await stack.write(
    inStore('operation.json').slice(stack.directory.length + 1),
    JSON.stringify({ ...journal, configuration }),
  );
  await stack.rewind('deploy');
  expect(await readFile(file, 'utf8')).toBe(before);
});

/** Runs rewind; while the engine of the one that was killed ends its work, rewind says so and changes nothing. */
async function untilUnlocked(...args: string[]): Promise<void> {
  await eventually(
    async () => {
      const { exitCode, stdout, stderr } = await stack.tryRewind(args);
      if (exitCode === 0) return true;
      expect(`${stdout}\n${stderr}`).toContain('is being changed by');
      return false;
    },
    `rewind ${args.join(' ')}`,
    60_000,
  );
}
