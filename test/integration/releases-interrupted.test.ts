import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, eventually, inspectContainer, inspectContainers } from '../support/docker';
import { momentOf, nextEvent } from '../support/engine-events';
import { endOrphans, isRunning } from '../support/processes';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// One stack, on which r1 runs before each test and after it: what begins is put back, or is finished and taken back.

const project = 'rewind-interrupted';
const box = (tag: string): string => `rewind-interrupted/box:${tag}`;
const web = `${project}-web-1`;
const db = `${project}-db-1`;

// Takes a while to get ready and to stop, so that there is time to be interrupted in.
const slow = {
  command: ['sh', '-c', 'trap "sleep 0.5; exit 0" TERM; sleep 1; touch /tmp/up; while :; do sleep 0.1; done'],
  healthcheck: { test: ['CMD', 'test', '-e', '/tmp/up'], interval: '5s', timeout: '2s', retries: 3 },
};
const compose = {
  services: {
    db: { image: box('v1') },
    web: { image: box('v1'), ...slow, depends_on: { db: { condition: 'service_healthy' } } },
  },
};

let stack: TestStack;
let configured: string;

const configuration = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');
const imageOf = async (container: string): Promise<string> => (await inspectContainer(container)).Image;

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
  configured = await configuration();
});

afterEach(() => {
  endOrphans();
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

/** Everything runs on one version, the backend and the stack configuration know it, and nothing is left lying about. */
async function expectAllWell(version: 'v1' | 'v2'): Promise<void> {
  const containers = await inspectContainers(project);
  expect(Object.keys(containers)).toEqual([db, web]);
  expect(Object.values(containers).map(({ State }) => State.Status)).toEqual(['running', 'running']);
  expect(await imageOf(web)).toBe(await imageId(box(version)));
  expect(await stack.plannedSteps()).toEqual({});
  expect(await stack.exported()).not.toContain('pending_operations');
  const [current] = (await stack.rewindJson<{ current: boolean; release: number }[]>(['history'])).filter(
    (row) => row.current,
  );
  const { services } = JSON.parse(
    await readFile(
      join(stack.directory, '.rewind', 'stacks', project, 'dev', 'releases', `r${current!.release}.json`),
      'utf8',
    ),
  ) as { services: { web: { image: string } } };
  expect(services.web.image).toBe(box(version));
}

const deployV2 = (): RunningRewind => RunningRewind.start(stack, 'deploy', 'web=v2');

describe('Ctrl-C', () => {
  test('before anything has changed changes nothing', async () => {
    const before = await containerIds(project);
    const rewind = deployV2();
    await rewind.untilItSays('deploy web=v2\n');
    rewind.signal('SIGINT');
    expect(await rewind.end()).toBe(1);
    expect(rewind.stdout).toBe('deploy web=v2\nInterrupted.\n\nNothing has changed.\n');
    expect(rewind.stderr).toMatch(/^Stopping after the steps that are under way; .+\n$/);
    expect(await containerIds(project)).toEqual(before);
    expect(await configuration()).toBe(configured);
  });

  test.each([
    ['while the old container is being stopped', 'SIGINT', 'kill'],
    ['while the new container is awaited to be ready', 'SIGINT', 'exec_start'],
    ['(SIGTERM: a service manager that stops) when the new container has been started', 'SIGTERM', 'start'],
    ['(SIGHUP: the terminal was closed) when the old container has been removed', 'SIGHUP', 'destroy'],
  ] as const)('%s puts back what ran before', async (_when, signal, action) => {
    const untouched = (await containerIds(project))[db];
    const moment = momentOf(web, action);
    const rewind = deployV2();
    await rewind.until(moment);
    rewind.signal(signal);
    expect(await rewind.end()).toBe(3);
    expect(rewind.stdout).toMatch(
      /\nInterrupted\.\n\nputting back r1\n[^]*\nThis has failed; r1, which ran before, runs again \(.+\)\.\n$/,
    );
    await expectAllWell('v1');
    expect((await containerIds(project))[db]).toBe(untouched);
    expect(await configuration()).toBe(configured);
  });

  test('twice leaves everything as it is and says how to go on: the same command finishes it, with the next number', async () => {
    const moment = nextEvent(web, 'start');
    const rewind = deployV2();
    await rewind.until(moment);
    rewind.signal('SIGINT');
    await rewind.untilItSays('Once more');
    rewind.signal('SIGINT');
    expect(await rewind.end()).toBe(130);
    expect(rewind.stderr.trim().split('\n').at(-1)).toBe(
      'Left as it is. Run the same command again to finish it, or go back: rewind revert r1 --yes.',
    );
    const out = await stack.rewind('deploy', 'web=v2');
    expect(out).toMatch(/^after an interrupted deploy web=v2 \(.+\)\n/);
    expect(out).toMatch(/\nr2 runs, verified by \d+ probes \(.+\)\.$/);
    await expectAllWell('v2');
    await stack.rewind('revert', 'r1', '--yes');
    await expectAllWell('v1');
  });

  test('twice leaves what it has started besides, which a plan names and a revert removes', async () => {
    const [current] = await stack.rewindJson<{ release: number }[]>(['history']);
    const services = { ...compose.services, besides: { image: box('v1'), ...slow } };
    await stack.write('compose.yaml', { ...compose, services });
    const moment = nextEvent(`${project}-besides-1`, 'start');
    const rewind = RunningRewind.start(stack, 'deploy');
    await rewind.until(moment);
    rewind.signal('SIGINT');
    await rewind.untilItSays('Once more');
    rewind.signal('SIGINT');
    expect(await rewind.end()).toBe(130);
    const plan = await stack.rewind('plan', `r${current!.release}`);
    expect(plan).toContain('service besides is stopped and removed');
    await stack.write('compose.yaml', compose);
    await stack.rewind('revert', `r${current!.release}`, '--yes');
    await expectAllWell('v1');
  });

  test('twice is one JSON document with --json too', async () => {
    const moment = nextEvent(web, 'start');
    const rewind = RunningRewind.start(stack, 'deploy', 'web=v2', '--json');
    await rewind.until(moment);
    // Two at the same moment can be one to whoever gets them.
    await eventually(() => {
      rewind.signal('SIGINT');
      return Promise.resolve(!isRunning(rewind.pid));
    }, 'the end of rewind');
    expect(await rewind.ended).toBe(130);
    expect(rewind.stderr).toBe('');
    expect(JSON.parse(rewind.stdout)).toEqual({
      stack: `${project}/dev`,
      state: 'left',
      fix: 'Run the same command again to finish it, or go back: rewind revert r3 --yes.',
    });
    await stack.rewind('revert', 'r3', '--yes');
    await expectAllWell('v1');
  });
});
