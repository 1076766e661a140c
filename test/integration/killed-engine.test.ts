import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, execIn, inspectContainers } from '../support/docker';
import { nextEvent } from '../support/engine-events';
import { endOrphans } from '../support/processes';
import { RunningPulumi } from '../support/running-pulumi';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-killed';
const image = 'rewind-killed/box:1';
const web = `${project}-web-1`;
const db = `${project}-db-1`;

// Both take a while to get ready and to stop, so that there is time to be killed in.
const slow = {
  image,
  command: ['sh', '-c', 'trap "sleep 1; exit 0" TERM; sleep 1; touch /tmp/up; while :; do sleep 0.1; done'],
  healthcheck: { test: ['CMD', 'test', '-e', '/tmp/up'], interval: '5s', timeout: '2s', retries: 3 },
  stop_grace_period: '5s',
};
const compose = {
  services: {
    db: { ...slow, volumes: ['data:/var/lib/db', '/var/lib/more'] },
    web: { ...slow, environment: { VERSION: '0' }, depends_on: { db: { condition: 'service_healthy' } } },
  },
  volumes: { data: {} },
};

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
});

afterAll(async () => {
  endOrphans();
  await stack.remove();
  await removeTaggedImages(image);
});

/** Starts an update and kills the engine in the moment in which something happens to a container. */
async function updateKilledAt(container: string, action: string): Promise<void> {
  await killedAt('up', container, action);
}

async function killedAt(command: 'up' | 'destroy', container: string, action: string): Promise<void> {
  const moment = nextEvent(container, action);
  const pulumi = RunningPulumi.start(stack, command, '--yes', '--skip-preview');
  await pulumi.until(moment);
  await pulumi.kill();
}

/** The way on after a kill, as documented. */
async function goOn(): Promise<void> {
  await stack.pulumi('cancel', '--yes');
  await stack.up();
}

async function expectAllWell(version: string): Promise<void> {
  const containers = await inspectContainers(project);
  expect(Object.keys(containers)).toEqual([db, web]);
  expect(Object.values(containers).map(({ State }) => State.Status)).toEqual(['running', 'running']);
  expect(await execIn(web, 'sh', '-c', 'echo $VERSION; ls /tmp/up')).toBe(`${version}\n/tmp/up`);
  expect(await stack.plannedSteps()).toEqual({});
}

test('an engine killed while it creates the very first container leaves nothing in the way', async () => {
  await updateKilledAt(db, 'create');
  const locked = await stack.tryUp();
  expect(locked.ok).toBe(false);
  expect(locked.output).toContain('pulumi cancel');
  await goOn();
  await expectAllWell('0');
  // Until it is told otherwise, Pulumi warns in each update of the creation that it did not see the end of.
  await stack.pulumi('refresh', '--yes', '--clear-pending-creates');
  expect(await stack.exported()).not.toContain('pending_operations');
  await execIn(db, 'sh', '-c', 'echo kept > /var/lib/db/row; echo too > /var/lib/more/row');
});

describe('an engine killed in the middle of an update,', () => {
  test.each([
    ['1', 'while the old container is being stopped', 'kill'],
    ['2', 'when the old container has just been removed', 'destroy'],
    ['3', 'while the new container is being created', 'create'],
    ['4', 'when the new container has just been started', 'start'],
    ['5', 'while it waits for the new container to get ready', 'exec_start'],
  ])('%s: %s, leaves a stack that the next update finishes', async (version, _when, action) => {
    const untouched = (await containerIds(project))[db];
    await stack.configure({ env: { web: { VERSION: version } } });
    await updateKilledAt(web, action);
    await goOn();
    await expectAllWell(version);
    expect((await containerIds(project))[db]).toBe(untouched);
  });
});

test('an engine killed while it replaces the database loses none of its data', async () => {
  await stack.configure({ env: { db: { VERSION: '9' }, web: { VERSION: '9' } } });
  await updateKilledAt(db, 'destroy');
  await goOn();
  await expectAllWell('9');
  expect(await execIn(db, 'cat', '/var/lib/db/row', '/var/lib/more/row')).toBe('kept\ntoo');
});

test('an engine killed while it takes the stack down can take it down afterwards', async () => {
  await killedAt('destroy', web, 'kill');
  await stack.pulumi('cancel', '--yes');
  await stack.destroy();
  expect(await containerIds(project)).toEqual({});
});
