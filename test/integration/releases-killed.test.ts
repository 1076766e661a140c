import { existsSync } from 'node:fs';
import { readFile, watch } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { containerIds, inspectContainer, inspectContainers } from '../support/docker';
import { momentOf, nextEvent } from '../support/engine-events';
import { endOrphans } from '../support/processes';
import { RunningPulumi } from '../support/running-pulumi';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// One stack that is killed at one stage after the other: each test goes on from where the one before it left.

const project = 'rewind-kill9';
const box = (tag: string): string => `rewind-kill9/box:${tag}`;
const web = `${project}-web-1`;
const db = `${project}-db-1`;

const compose = {
  services: {
    db: { image: box('v1') },
    web: {
      image: box('v1'),
      command: ['sh', '-c', 'trap "sleep 0.5; exit 0" TERM; sleep 0.5; touch /tmp/up; while :; do sleep 0.1; done'],
      healthcheck: { test: ['CMD', 'test', '-e', '/tmp/up'], interval: '5s', timeout: '2s', retries: 3 },
      depends_on: { db: { condition: 'service_healthy' } },
    },
  },
};

let stack: TestStack;
let runs: 'v1' | 'v2' = 'v1';

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
});

beforeEach(async () => {
  runs = (await inspectContainer(web)).Image === (await imageId(box('v1'))) ? 'v1' : 'v2';
});

afterEach(() => {
  endOrphans();
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

const other = (): 'v1' | 'v2' => (runs === 'v1' ? 'v2' : 'v1');
const store = (...path: string[]): string => join(stack.directory, '.rewind', 'stacks', project, 'dev', ...path);
const current = async (): Promise<number> => {
  const rows = await stack.rewindJson<{ current: boolean; release: number }[]>(['history']);
  return rows.find((row) => row.current)!.release;
};

/** Everything runs, and the state, the stack configuration and the history say the same of it. */
async function expectAllWell(): Promise<void> {
  const containers = await inspectContainers(project);
  expect(Object.keys(containers)).toEqual([db, web]);
  expect(Object.values(containers).map(({ State }) => State.Status)).toEqual(['running', 'running']);
  expect(containers[web]!.Image).toBe(await imageId(box(runs)));
  expect(await stack.plannedSteps()).toEqual({});
  expect(await stack.exported()).not.toContain('pending_operations');
  const record = JSON.parse(await readFile(store('releases', `r${await current()}.json`), 'utf8')) as {
    services: Record<string, { image: string }>;
  };
  expect(record.services['web']!.image).toBe(box(runs));
}

/** Resolves when a file appears in a folder. */
async function appearance(folder: string, name: string): Promise<void> {
  for await (const { filename } of watch(folder)) if (filename === name) return;
}

/** The same command once more, which has to finish what the one before it had begun. */
async function finish(...command: string[]): Promise<string> {
  const untouched = (await containerIds(project))[db];
  const out = await stack.rewind(...command);
  expect((await containerIds(project))[db]).toBe(untouched);
  return out;
}

describe('a rewind deploy that is killed together with its engine', () => {
  test.each([
    ['while the old container is being stopped', 'kill'],
    ['when the old container has been removed', 'destroy'],
    ['when the new container has been created', 'create'],
    ['while the new container is awaited to be ready', 'exec_start'],
  ])('%s is finished by the same command', async (_when, action) => {
    const command = ['deploy', `web=${other()}`];
    const before = await current();
    const moment = momentOf(web, action);
    const rewind = RunningRewind.start(stack, ...command);
    await rewind.until(moment);
    await rewind.kill();
    const out = await finish(...command);
    expect(out).toMatch(new RegExp(`^after an interrupted ${command.join(' ')} \\(\\S+@\\S+, .+Z\\)\n`));
    expect(out.split('\n').at(-1)).toMatch(new RegExp(`^r${before + 1} runs, verified by \\d+ probes \\(.+\\)\\.$`));
    runs = other();
    await expectAllWell();
  });
});

test('a rewind deploy that is killed when its record is written, but not yet the configuration, is finished by the next command', async () => {
  const next = (await current()) + 1;
  const rewind = RunningRewind.start(stack, 'deploy', `web=${other()}`);
  await rewind.until(appearance(store('releases'), `r${next}.json`));
  await rewind.kill();
  runs = other();
  await finish('deploy', `web=${runs}`);
  expect(await current()).toBe(next);
  await expectAllWell();
});

test('a rewind revert that is killed when all is done, but not yet written down as an operation, goes no step further by the same command', async () => {
  let before: number;
  // Between the two are a few milliseconds: one that is faster than its killer has ended well, and the next one is killed.
  do {
    before = await current();
    const rewind = RunningRewind.start(stack, 'revert', '--yes');
    await rewind.until(appearance(stack.directory, 'Pulumi.dev.yaml'));
    await rewind.kill();
    runs = other();
  } while (!existsSync(store('operation.json')));
  expect(await finish('revert', '--yes')).toContain('after an interrupted revert to');
  expect(await current()).toBe(before + 1);
  await expectAllWell();
});

test('a rewind revert that is killed alone, so that its engine is left without a program, is finished by the same command', async () => {
  const before = await current();
  const target = `r${before - 1}`;
  const moment = nextEvent(web, 'start');
  const rewind = RunningRewind.start(stack, 'revert', target, '--yes');
  await rewind.until(moment);
  await rewind.killAlone();
  await finish('revert', target, '--yes');
  expect(await current()).toBe(before + 1);
  runs = other();
  await expectAllWell();
});

describe('a rewind deploy whose engine is killed puts back what ran before', () => {
  test.each([
    ['while the old container is being stopped', 'kill'],
    ['while the new container is awaited to be ready', 'exec_start'],
  ])('%s', async (_when, action) => {
    const before = await current();
    const moment = momentOf(web, action);
    const rewind = RunningRewind.start(stack, 'deploy', `web=${other()}`);
    await rewind.until(moment);
    rewind.killEngine();
    expect(await rewind.end()).toBe(3);
    expect(rewind.stderr).toBe('');
    expect(rewind.stdout).toContain(`\nPulumi was killed in the middle of its work.\n\nputting back r${before}\n`);
    expect(await current()).toBe(before);
    await expectAllWell();
  });
});

test('a bare pulumi up that was killed does not stand in the way of rewind deploy', async () => {
  await stack.configure({ tags: { web: other() } });
  const moment = nextEvent(web, 'create');
  const pulumi = RunningPulumi.start(stack, 'up', '--yes', '--skip-preview');
  await pulumi.until(moment);
  await pulumi.kill();
  await finish('deploy');
  runs = other();
  await expectAllWell();
});
