import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, execIn, inspectContainers } from '../support/docker';
import { nextEvent } from '../support/engine-events';
import type { Told } from '../support/refusal';
import { RunningPulumi } from '../support/running-pulumi';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// One stack on which one command is at work while others want to be.

const project = 'rewind-locked';
const box = (tag: string): string => `rewind-locked/box:${tag}`;
const container = (service: string): string => `${project}-${service}-1`;

// The database gets ready when the gate is open, and can be broken; the page can be asked to do either.
const compose = {
  services: {
    db: {
      image: box('v1'),
      command: ['sh', '-c', '[ -e /gate/broken ] && exit 3; exec serve'],
      healthcheck: { test: ['CMD', 'test', '!', '-e', '/gate/closed'], interval: '10s', timeout: '1s', retries: 12 },
      volumes: ['gate:/gate'],
    },
    api: { image: box('v1'), depends_on: { db: { condition: 'service_healthy' } } },
    page: { image: box('v1'), depends_on: { api: { condition: 'service_started' } }, volumes: ['gate:/gate'] },
    aside: { image: box('v1') },
  },
  volumes: { gate: {} },
};

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
  await stack.rewind('deploy', 'aside=v2');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

const configuration = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');

const gate = (command: 'touch' | 'rm', what: 'closed' | 'broken'): Promise<string> =>
  execIn(container('page'), command, `/gate/${what}`);

/** Every other change is told who is at work, and changes nothing. */
async function expectLocked(message: RegExp, commands: readonly string[][]): Promise<void> {
  for (const command of commands) {
    const { errors } = await stack.rewindJson<{ errors: Told[] }>(command, 5);
    expect(errors).toMatchObject([
      {
        code: 'release/locked',
        message: expect.stringMatching(message) as string,
        fix: expect.stringMatching(/^Wait/) as string,
      },
    ]);
  }
}

describe('two at once: the second is told who is at work, on what and since when,', () => {
  test('while a rewind deploy is, which ends as if nothing had been', async () => {
    await gate('touch', 'closed');
    const moment = nextEvent(container('db'), 'start');
    const first = RunningRewind.start(stack, 'deploy', 'db=v2', 'aside=v1');
    await first.until(moment);
    await expectLocked(
      new RegExp(
        `^The stack ${project}/dev is being changed: deploy db=v2 aside=v1 by \\S+@\\S+ since \\d\\d:\\d\\d:\\d\\d UTC, process ${first.pid} on \\S+\\.$`,
      ),
      [['revert', 'r1', '--yes'], ['restart']],
    );
    await gate('rm', 'closed');
    expect(await first.end()).toBe(0);
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('while a bare pulumi up is, whose settings are left as they are', async () => {
    await stack.configure({ tags: { db: 'v1' } });
    const settings = await configuration();
    await gate('touch', 'closed');
    const moment = nextEvent(container('db'), 'start');
    const first = RunningPulumi.start(stack, 'up', '--yes', '--skip-preview');
    await first.until(moment);
    await expectLocked(
      new RegExp(
        `^The stack ${project}/dev is being changed by a pulumi: \\S+@\\S+, process ${first.pid} since \\d{4}-\\S+\\.$`,
      ),
      [['deploy', 'aside=v2']],
    );
    expect(await configuration()).toBe(settings);
    await gate('rm', 'closed');
    expect(await first.ended).toBe(0);
  });
});

describe('rewind restart', () => {
  const startedAt = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(await inspectContainers(project)).map(([name, { State }]) => [name, State.StartedAt]),
    );

  test('stops in the order of the dependencies and starts each when those before it are ready', async () => {
    const ids = await containerIds(project);
    const out = await stack.rewind('restart', 'page', 'api', 'db');
    expect(out.split('\n')).toEqual([
      '  page: stopped',
      '  api: stopped',
      '  db: stopped',
      '✔ db: ready',
      '✔ api: ready',
      '✔ page: ready',
      expect.stringMatching(/^3 services run again \(.+ s\)\.$/),
    ]);
    expect(await containerIds(project)).toEqual(ids);
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('restarts all without a name, and says which as JSON', async () => {
    const before = await startedAt();
    expect(await stack.rewindJson(['restart'])).toEqual({
      stack: `${project}/dev`,
      restarted: ['api', 'aside', 'db', 'page'],
      seconds: expect.any(Number) as number,
      operation: expect.any(Number) as number,
    });
    const after = await startedAt();
    expect(Object.keys(after).filter((name) => after[name] === before[name])).toEqual([]);
  });

  test('refuses a service that there is not, and restarts none', async () => {
    const before = await startedAt();
    const { errors } = await stack.rewindJson<{ errors: Told[] }>(['restart', 'api', 'apo'], 1);
    expect(errors).toEqual([
      {
        code: 'cli/usage',
        message: `The stack ${project}/dev runs no service apo.`,
        fix: 'There are: api, aside, db, page.',
      },
    ]);
    expect(await startedAt()).toEqual(before);
  });

  test('says what is down when a service does not get ready, and the next one brings it up', async () => {
    await gate('touch', 'broken');
    const { errors } = await stack.rewindJson<{ errors: Told[] }>(['restart', 'db', 'api'], 4);
    expect(errors).toMatchObject([
      { code: 'service/not-ready', message: expect.stringMatching(/^Service db /) as string },
      { code: 'service/not-ready', message: 'Stopped, and not started again: api.' },
    ]);
    await gate('rm', 'broken');
    expect(await stack.rewind('report')).toMatch(
      /: restart of api, db \(o\d+\)[^]*could not be put back[^]*Service db /,
    );
    expect(await stack.rewind('restart')).toMatch(/\n4 services run again/);
  });
});
