import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { briefly, driftOf } from '../support/drift';
import { engine, restartContainers } from '../support/docker';
import { makeBoxImages } from '../support/images';
import { TestStack } from '../support/stack';

// What is as it was released is no drift: after a deploy, a revert, and restarts of every kind.

const outside = 'rewind-fixture-outside';

beforeAll(makeBoxImages);

describe.each(['process', 'limits', 'network', 'storage', 'confined', 'layered'])('of the fixture %s', (fixture) => {
  const project = `rewind-drift-${fixture}`;
  let stack: TestStack;

  beforeAll(async () => {
    const docker = await engine();
    const name = `${outside}-${fixture}`;
    await docker.createVolume({ Name: outside }).catch(() => undefined);
    await docker.createNetwork({ Name: outside }).catch(() => undefined);
    stack = await TestStack.create(project, {
      fixture,
      env: {
        FIXTURE_CONFIG: 'config',
        FIXTURE_TOKEN: 'token-of-the-fixture',
        FROM_SHELL: 'shell',
        BLOCK_DEVICE: '/dev/null',
        NAME: name,
      },
    });
    await stack.up();
  });

  afterAll(() => stack.remove());

  test('nothing is found after it came up', async () => {
    expect(briefly(await driftOf(stack))).toEqual({});
  });

  test('nothing is found after every container was restarted', async () => {
    await restartContainers(project);
    expect(briefly(await driftOf(stack))).toEqual({});
  });

  test('nothing is found after docker compose has restarted them', async () => {
    await stack.compose('restart', '--timeout', '1');
    expect(briefly(await driftOf(stack))).toEqual({});
  });
});
