import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds } from '../support/docker';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// One stack that is updated in turn by bare pulumi and by rewind: each test goes on from where the one before it left.

const project = 'rewind-history';
const box = (tag: string): string => `rewind-history/box:${tag}`;

const compose = (check = 'true', level = 'info'): object => ({
  services: {
    api: { image: box('v1'), healthcheck: { test: ['CMD-SHELL', check], interval: '1s', timeout: '1s', retries: 1 } },
    worker: {
      image: box('v1'),
      environment: { LOG_LEVEL: level },
      depends_on: { api: { condition: 'service_healthy' } },
    },
  },
});

/** A row of `rewind history --json`. */
interface Row {
  readonly release?: number;
  readonly isNew: boolean;
  readonly result: string;
  readonly kind?: string;
  readonly message?: string;
  readonly current: boolean;
  readonly images: Record<string, { from?: string; to?: string }>;
}

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose());
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

/** The history, oldest first. */
const history = async (...options: string[]): Promise<Row[]> =>
  (await stack.rewindJson<Row[]>(['history', ...options])).reverse();

const brief = (rows: readonly Row[]): string[] =>
  rows.map(({ release, isNew, result, kind = '', message = '' }) =>
    [release === undefined ? '' : `${isNew ? 'r' : '='}${release}`, result, kind, message].filter(Boolean).join(' '),
  );

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

test('a stack without an update has no history', async () => {
  expect(await stack.rewind('history')).toBe('There is no update yet. The first one: rewind deploy, or pulumi up.');
  expect(await stack.rewindJson(['history'])).toEqual([]);
  expect(await stack.tryRewind(['plan'])).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringContaining(`The stack ${project}/dev has no release yet.`) as string,
  });
});

describe('an update that succeeds is a release,', () => {
  test('r1: by a bare pulumi up, with the message that pulumi was given', async () => {
    await stack.up('--message', 'by hand');
    expect(brief(await history())).toEqual(['r1 succeeded update by hand']);
  });

  test('r2: by rewind deploy, with its message', async () => {
    const out = await stack.rewind('deploy', 'api=v2', '-m', 'by rewind');
    expect(out.split('\n').at(-1)).toMatch(/^r2 runs, verified by \d+ probes \(.*\)\.$/);
    expect(brief(await history())).toEqual(['r1 succeeded update by hand', 'r2 succeeded deploy by rewind']);
  });

  test('r3: by a bare pulumi up after that, which keeps the images that rewind has pinned', async () => {
    await stack.write('compose.yaml', compose('true', 'debug'));
    await stack.up();
    expect((await history()).map(({ release }) => release)).toEqual([1, 2, 3]);
    const { images } = (await history()).at(-1)!;
    expect(images).toEqual({});
  });

  test('r4: by rewind deploy --json, whose output is the one document that describes it', async () => {
    const result = await stack.rewindJson<object>(['deploy', 'worker=v2', 'api=v1']);
    expect(result).toEqual({
      stack: `${project}/dev`,
      state: 'done',
      seconds: expect.any(Number) as number,
      operation: expect.any(Number) as number,
      verification: expect.objectContaining({ ok: true }) as object,
      release: {
        number: 4,
        startedAt: expect.stringMatching(isoTime) as string,
        finishedAt: expect.stringMatching(isoTime) as string,
        by: expect.stringMatching(/^.+@.+$/) as string,
        kind: 'deploy',
        services: {
          api: expect.objectContaining({
            image: box('v1'),
            imageId: await imageId(box('v1')),
            containers: 1,
          }) as object,
          worker: expect.objectContaining({ image: box('v2'), imageId: await imageId(box('v2')) }) as object,
        },
        files: {},
      },
    });
  });
});

describe('no release is made', () => {
  test('by an update that changes nothing, of either kind', async () => {
    const before = await containerIds(project);
    await stack.up('--message', 'nothing new');
    expect(await stack.rewindJson(['deploy', '-m', 'nothing either'])).toMatchObject({
      state: 'done',
      release: { number: 4 },
    });
    expect(await containerIds(project)).toEqual(before);
    expect(brief(await history()).slice(4)).toEqual(['=4 succeeded nothing new', '=4 succeeded nothing either']);
    expect(await stack.rewind('history')).toMatch(/^r4 +\S+ \S+ +\S+ m?s +unchanged +nothing either$/m);
  });

  test('by one that fails: it is listed, and what runs stays the release that it was', async () => {
    await stack.write('compose.yaml', compose('exit 1', 'debug'));
    const { ok } = await stack.tryUp('--message', 'broken check');
    expect(ok).toBe(false);
    const rows = await history();
    expect(brief(rows).at(-1)).toBe('failed broken check');
    expect(rows.filter(({ current }) => current).map(({ release }) => release)).toEqual([4]);
  });

  test('by the one that mends it: what ran before runs again', async () => {
    await stack.write('compose.yaml', compose('true', 'debug'));
    await stack.up('--message', 'mended');
    expect(brief(await history()).at(-1)).toBe('=4 succeeded mended');
  });
});

describe('the history', () => {
  test('has kept the numbers, the newest first', async () => {
    const rows = await stack.rewindJson<Row[]>(['history']);
    expect(rows.filter(({ isNew }) => isNew).map(({ release }) => release)).toEqual([4, 3, 2, 1]);
    expect(rows.map(({ current }) => current).filter(Boolean)).toHaveLength(1);
  });

  test('says which images came with each release', async () => {
    const rows = (await history()).filter(({ isNew }) => isNew);
    expect(rows.map(({ images }) => images)).toEqual([
      { api: { to: box('v1') }, worker: { to: box('v1') } },
      { api: { from: box('v1'), to: box('v2') } },
      {},
      { api: { from: box('v2'), to: box('v1') }, worker: { from: box('v1'), to: box('v2') } },
    ]);
  });

  test('is a table for people, with a mark at what runs', async () => {
    const [head, ...lines] = (await stack.rewind('history')).split('\n');
    expect(head).toMatch(/^release +when +took +result +by +what$/);
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual(['r4', '', 'r4', 'r4', 'r4 *', 'r3', 'r2', 'r1']);
    expect(lines.at(-2)).toContain('by rewind (api v1 → v2)');
  });

  test('can be cut short, and says so', async () => {
    expect(brief(await history('--limit', '1'))).toEqual(['=4 succeeded mended']);
    const lines = (await stack.rewind('history', '-n', '2')).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toBe('… and 6 earlier (--limit 8)');
    expect(await stack.tryRewind(['history', '--limit', 'some'])).toMatchObject({ exitCode: 1, stdout: '' });
  });

  test('tells that the stack was taken down, and its next release goes on counting', async () => {
    await stack.destroy();
    expect(brief(await history()).at(-1)).toBe('taken down');
    await stack.configure({ tags: undefined });
    expect(await stack.rewindJson(['deploy'])).toMatchObject({ release: { number: 5 } });
  });
});
