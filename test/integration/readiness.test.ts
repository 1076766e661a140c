import { afterEach, beforeAll, describe, expect, test } from 'vitest';

import { listens } from '../../src/probe/listening';
import { waitUntilReady } from '../../src/probe/readiness';
import { engine, eventually, inspectContainer } from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';

// The image exposes a port and has a health check that passes at once: what is waited for are the connections.

const name = 'rewind-readiness';

async function start(command: string): Promise<void> {
  const container = await (
    await engine()
  ).createContainer({ name, Image: boxImages.equipped, Entrypoint: ['sh', '-c', command], Cmd: [] });
  await container.start();
}

async function secondsUntilReady(): Promise<number> {
  const began = Date.now();
  await waitUntilReady(await engine(), name, { service: 'web' });
  return (Date.now() - began) / 1000;
}

beforeAll(makeBoxImages);

afterEach(async () => {
  await (await engine()).getContainer(name).remove({ force: true, v: true });
});

describe('a container that exposes a port', () => {
  test('is checked as soon as it takes connections', async () => {
    await start('sleep 0.6; exec nc -l -p 8080');
    expect(await listens(await inspectContainer(name))).toBe(false);
    await secondsUntilReady();
    expect(await listens(await inspectContainer(name))).toBe(true);
  });

  test('is checked all the same when it takes none for a while', async () => {
    await start('exec serve');
    await eventually(async () => (await inspectContainer(name)).State.Running, 'the container');
    // Docker itself calls it healthy, sooner or later.
    const seconds = await secondsUntilReady();
    expect(seconds).toBeGreaterThan(0.2);
    expect(await listens(await inspectContainer(name))).toBe(false);
  });
});
