import { hostname } from 'node:os';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { processMark } from '../../src/lock.mjs';
import { endPlugins, runAndKill } from '../../soak/releases/killing';
import { containerIds, engine, execIn } from '../support/docker';
import { nextEvent } from '../support/engine-events';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-dead-engine';
const image = 'rewind-dead-engine/box:1';

// Takes a while to stop, so that its removal is under way when the engine is killed.
const api = { image, command: ['sh', '-c', 'trap "sleep 2; exit 0" TERM; while :; do sleep 0.1; done'] };

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', { services: { api } });
  await stack.rewind('deploy');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

const delayInside = () => execIn(`${project}-api-1`, 'sh', '-c', 'echo "[$DELAY]"');

test.each([0, 350, 700, 1050])(
  'rewind whose engine is killed %i ms after its start ends, and the stack runs what it ran',
  async (afterMs) => {
    const delay = await delayInside();
    await stack.configure({ env: { api: { DELAY: String(afterMs) } } });
    const { killed, exitCode, output, orphans } = await runAndKill(stack, ['deploy'], 'engine', afterMs);
    endPlugins(orphans);
    if (killed === undefined) return; // it was done before
    expect(exitCode, output).toBe(3);
    expect(output).toContain('Pulumi was killed in the middle of its work.');
    expect(output).toMatch(/^This has failed; r\d, which ran before, runs again/m);
    expect(await delayInside()).toBe(delay);
  },
  60_000,
);

test('a container that was being created when the engine was killed is gone with what is put back', async () => {
  await stack.write('compose.yaml', { services: { api, more: { image } } });
  const created = nextEvent(`${project}-more-1`, 'create');
  const rewind = RunningRewind.start(stack, 'deploy');
  await rewind.until(created);
  rewind.killEngine();
  expect(await rewind.end()).toBe(3);
  expect(Object.keys(await containerIds(project))).toEqual([`${project}-api-1`]);
  expect(await stack.plannedSteps()).toEqual({});
});

test('a container that a process had made to run alembic in and not started is removed when that process was killed', async () => {
  const docker = await engine();
  const made = (owner: string): Promise<{ id: string }> =>
    docker.createContainer({
      Image: image,
      Labels: {
        'dev.rewind.one-off': 'migration',
        'dev.rewind.one-off-stack': `${project}/dev`,
        'dev.rewind.one-off-owner': owner,
      },
      HostConfig: { AutoRemove: true },
    });
  const [dead, living] = [await made(`${hostname()}:4194303:1`), await made(processMark())];
  try {
    await stack.write('compose.yaml', { services: { api: { ...api, environment: { ANOTHER: 'value' } } } });
    await stack.rewind('deploy');
    const filters = { label: [`dev.rewind.one-off-stack=${project}/dev`] };
    const left = await docker.listContainers({ all: true, filters });
    expect(left.map(({ Id: id }) => id)).toEqual([living.id]);
  } finally {
    for (const { id } of [dead, living]) {
      await docker
        .getContainer(id)
        .remove({ force: true })
        .catch(() => undefined);
    }
  }
});
