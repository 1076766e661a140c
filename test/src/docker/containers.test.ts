import type Docker from 'dockerode';
import { describe, expect, test } from 'vitest';

import { applyLimits, clearTheName } from '../../../src/docker/containers';
import { engineError } from '../../support/fake-engine';
import { problemsOf } from '../../support/problems';

/** An engine with one container, which remembers what is done to it. */
class OneContainer {
  readonly done: string[] = [];
  readonly #name: string;
  readonly #info: unknown;
  readonly #failures: Readonly<Record<string, Error>>;

  constructor(name: string, info: unknown, failures: Readonly<Record<string, Error>> = {}) {
    this.#name = name;
    this.#info = info;
    this.#failures = failures;
  }

  get docker(): Docker {
    const act = (what: string, verb: string): Promise<unknown> => {
      this.done.push(what);
      const failure = this.#failures[verb];
      return failure ? Promise.reject(failure) : Promise.resolve();
    };
    return {
      getContainer: (name: string) => ({
        inspect: () =>
          name === this.#name ? Promise.resolve(this.#info) : Promise.reject(engineError(404, 'no such container')),
        stop: () => act('stop', 'stop'),
        remove: (options: unknown) => act(`remove ${JSON.stringify(options)}`, 'remove'),
        update: (options: unknown) => act(`update ${JSON.stringify(options)}`, 'update'),
      }),
    } as unknown as Docker;
  }
}

describe('the name of a container that is about to be created', () => {
  const labelled = (labels: Readonly<Record<string, string>>): unknown => ({ Config: { Labels: labels } });
  const ours = labelled({ 'dev.rewind.stack': 'shop/dev' });

  test('is free if nobody has it', async () => {
    const engine = new OneContainer('other', ours);
    await clearTheName(engine.docker, 'shop-api-1', 'shop/dev');
    expect(engine.done).toEqual([]);
  });

  test('is freed by stopping and removing what an update that was killed has left of this stack; its volumes stay', async () => {
    const engine = new OneContainer('shop-api-1', ours);
    await clearTheName(engine.docker, 'shop-api-1', 'shop/dev');
    expect(engine.done).toEqual(['stop', 'remove {"force":true}']);
  });

  test.each([
    ['has stopped already', { stop: engineError(304, 'not modified') }],
    ['is removed by somebody else meanwhile', { stop: engineError(404, 'gone'), remove: engineError(404, 'gone') }],
  ])('is free if that container %s', async (_what, failures) => {
    const engine = new OneContainer('shop-api-1', ours, failures);
    await clearTheName(engine.docker, 'shop-api-1', 'shop/dev');
    expect(engine.done).toEqual(['stop', 'remove {"force":true}']);
  });

  test('is not freed if the engine cannot stop or remove that container', async () => {
    const engine = new OneContainer('shop-api-1', ours, { remove: engineError(500, 'device busy') });
    expect(await problemsOf(() => clearTheName(engine.docker, 'shop-api-1', 'shop/dev'))).toMatchObject([
      {
        code: 'docker/failed',
        message:
          'The engine cannot remove the container shop-api-1, which an interrupted update left behind: device busy.',
        fix: 'Remove it by hand (docker rm --force shop-api-1), then run this again.',
      },
    ]);
  });

  test.each([
    ['by hand', labelled({})],
    ['by another stack', labelled({ 'dev.rewind.stack': 'shop/test' })],
  ])('is left to a container that was made %s', async (_by, info) => {
    const engine = new OneContainer('shop-api-1', info);
    expect(await problemsOf(() => clearTheName(engine.docker, 'shop-api-1', 'shop/dev'))).toMatchObject([
      {
        code: 'docker/foreign-container',
        message: 'A container named shop-api-1 is there already, and it is not of this stack.',
      },
    ]);
    expect(engine.done).toEqual([]);
  });
});

describe('limits that the provider cannot express', () => {
  const running = new OneContainer('id', { HostConfig: { PidsLimit: 100, Memory: 0 } });

  test.each([
    ['are none', {}],
    ['are those that the container has', { PidsLimit: 100 }],
  ])('need no update if they %s', async (_what, limits) => {
    await applyLimits(running.docker, 'id', limits);
    expect(running.done).toEqual([]);
  });

  test.each([
    [{ PidsLimit: 200 }, { PidsLimit: 200 }],
    [
      { Memory: 100_000_001, PidsLimit: 100 },
      { Memory: 100_000_001, PidsLimit: 100, MemorySwap: 200_000_002 },
    ],
    [
      { Memory: 100_000_001, MemorySwap: -1 },
      { Memory: 100_000_001, MemorySwap: -1 },
    ],
  ])('%j are set on the running container', async (limits, expected) => {
    const engine = new OneContainer('id', { HostConfig: { PidsLimit: 100 } });
    await applyLimits(engine.docker, 'id', limits);
    expect(engine.done.map((call) => JSON.parse(call.replace('update ', '')) as unknown)).toEqual([expected]);
  });

  test('that the engine refuses are an error with what the engine says', async () => {
    const info = { Name: '/shop-api-1', HostConfig: {} };
    const engine = new OneContainer('id', info, { update: engineError(400, 'blkio weight not supported') });
    expect(await problemsOf(() => applyLimits(engine.docker, 'id', { BlkioWeight: 300 }))).toMatchObject([
      {
        code: 'docker/failed',
        message: 'The engine does not set {"BlkioWeight":300} on the container shop-api-1: blkio weight not supported.',
      },
    ]);
  });
});
