import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';

import type Docker from 'dockerode';
import { describe, expect, test } from 'vitest';

import type { ContainerSpec } from '../../../src/container/spec';
import { endAbandoned, removeAbandonedOneOffs } from '../../../src/docker/abandoned-one-offs';
import { runOneOff } from '../../../src/docker/one-off';
import { isGone, processMark } from '../../../src/lock.mjs';
import { engineError } from '../../support/fake-engine';

interface Left {
  readonly owner?: string;
  /** @default not started ahead */
  readonly standing?: boolean;
  /** @default its ID */
  readonly name?: string;
  readonly state: 'created' | 'running' | 'exited';
  /** @default just now */
  readonly minutesAgo?: number;
}

/** An engine with containers that run programs once; it notes what is done to them. */
function engineWith(containers: Readonly<Record<string, Left>>): { docker: Docker; done: string[]; asked: unknown[] } {
  const done: string[] = [];
  const asked: unknown[] = [];
  const docker = {
    listContainers: (options: unknown) => {
      asked.push(options);
      return Promise.resolve(
        Object.entries(containers).map(([id, { owner, standing, name = id, state, minutesAgo = 0 }]) => ({
          Id: id,
          State: state,
          Created: Date.now() / 1000 - minutesAgo * 60,
          Names: [`/${name}`],
          Labels: {
            ...(owner !== undefined && { 'dev.rewind.one-off-owner': owner }),
            ...(standing && { 'dev.rewind.one-off-standing': 'true' }),
          },
        })),
      );
    },
    getContainer: (id: string) => ({
      wait: () => {
        done.push(`wait for ${id}`);
        return Promise.resolve({ StatusCode: 0 });
      },
      remove: () => {
        done.push(`remove ${id}`);
        return Promise.reject(engineError(404, 'gone'));
      },
    }),
  } as unknown as Docker;
  return { docker, done, asked };
}

/** The mark of a process that has ended. */
async function goneOwner(): Promise<string> {
  const child = spawn(process.execPath, ['--eval', '']);
  await once(child, 'close');
  return [hostname(), child.pid, '1'].join(':');
}

describe('containers of programs that were to run once', () => {
  test('are removed when their process was killed: made and not started, ended, or at work until they have ended', async () => {
    const owner = await goneOwner();
    const { docker, done, asked } = engineWith({
      made: { owner, state: 'created' },
      ended: { owner, state: 'exited' },
      working: { owner, state: 'running' },
    });
    await removeAbandonedOneOffs(docker, 'shop/dev');
    expect(done.sort()).toEqual(['remove ended', 'remove made', 'remove working', 'wait for working']);
    expect(asked).toEqual([{ all: true, filters: { label: ['dev.rewind.one-off-stack=shop/dev'] } }]);
  });

  test('are left alone as long as their process lives', async () => {
    const owner = processMark();
    const { docker, done } = engineWith({ made: { owner, state: 'created' }, working: { owner, state: 'running' } });
    await removeAbandonedOneOffs(docker, 'shop/dev');
    expect(done).toEqual([]);
  });

  test('of a process on another machine are removed only if they were not started for long', async () => {
    const owner = 'elsewhere:7:1';
    const { docker, done } = engineWith({
      new: { owner, state: 'created' },
      old: { owner, state: 'created', minutesAgo: 11 },
      working: { owner, state: 'running', minutesAgo: 11 },
      'of an earlier version': { state: 'created' },
    });
    await removeAbandonedOneOffs(docker, 'shop/dev');
    expect(done).toEqual(['remove old']);
  });

  test('are removed at once when they were started ahead and never told to go on, but for one that is about to be', async () => {
    const owner = await goneOwner();
    const left = { owner, state: 'running', standing: true } as const;
    const { docker, done } = engineWith({ waiting: left, needed: left });
    await removeAbandonedOneOffs(docker, 'shop/dev', { but: 'needed' });
    expect(done).toEqual(['remove waiting']);
    done.length = 0;
    await endAbandoned(docker, 'migration', 'shop-api-1', { but: 'needed' });
    expect(done).toEqual(['remove waiting']);
  });

  test('belong to the process that has told them to go on, and are waited for then', async () => {
    const [before, teller] = [await goneOwner(), processMark()];
    const going = (mark: string): Left => ({
      owner: before,
      state: 'running',
      standing: true,
      name: `rewind-one-off.${mark.replaceAll(':', '.')}`,
    });
    const { docker, done } = engineWith({ working: going(teller), left: going(before) });
    await removeAbandonedOneOffs(docker, 'shop/dev');
    expect(done).toEqual(['wait for left', 'remove left']);
    done.length = 0;
    await endAbandoned(docker, 'migration', 'shop-api-1');
    expect(done.sort()).toEqual(['wait for left', 'wait for working']);
  });

  test('say whose they are, without counting as a service of the stack', async () => {
    const made: Docker.ContainerCreateOptions[] = [];
    const docker = {
      createContainer: (options: Docker.ContainerCreateOptions) => {
        made.push(options);
        return Promise.reject(engineError(500, 'no room'));
      },
    } as unknown as Docker;
    const like: ContainerSpec = {
      name: 'shop-api-1',
      image: 'sha256:1',
      labels: [{ label: 'dev.rewind.stack', value: 'shop/dev' }],
      restart: 'no',
      maxRetryCount: 0,
    };
    await expect(runOneOff(docker, { like, argv: ['true'], purpose: 'migration' })).rejects.toThrow(/no room/);
    expect(made[0]?.Labels).toEqual({
      'dev.rewind.one-off': 'migration',
      'dev.rewind.one-off-like': 'shop-api-1',
      'dev.rewind.one-off-owner': processMark(),
      'dev.rewind.one-off-stack': 'shop/dev',
    });
  });
});

test('a process is gone when it has ended, also where another one has its number by now', async () => {
  expect(isGone(processMark())).toBe(false);
  expect(isGone(await goneOwner())).toBe(true);
  expect(isGone(`${hostname()}:${process.pid}:1`)).toBe(process.platform === 'linux');
  expect(isGone(`elsewhere:${process.pid}:1`)).toBe(false);
});
