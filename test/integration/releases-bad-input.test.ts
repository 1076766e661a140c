import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { containerIds } from '../support/docker';
import type { Told } from '../support/refusal';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// r1 and r3 run version 1, r2 version 2. Each test spoils something and mends it again.

const project = 'rewind-bad-releases';
const box = (tag: string): string => `rewind-bad-releases/box:${tag}`;

let stack: TestStack;
let before: Record<string, string>;
let configured: string;

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', { services: { api: { image: box('v1') } } });
  for (const tag of ['v1', 'v2', 'v1']) await stack.rewind('deploy', `api=${tag}`);
  before = await containerIds(project);
  configured = await configuration();
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

const configuration = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');
const store = (...path: string[]): string => join(stack.directory, '.rewind', 'stacks', project, 'dev', ...path);
const record = (number: number): string => store('releases', `r${number}.json`);

/** Nothing has changed, and nothing of the attempt lies about. */
async function expectUntouched(): Promise<void> {
  expect(await containerIds(project)).toEqual(before);
  expect(await configuration()).toBe(configured);
}

/** Both commands that take a release refuse it, in words and as JSON, with the same one error. */
async function refused(release: string): Promise<Told> {
  const { errors } = await stack.rewindJson<{ errors: Told[] }>(['plan', release], 1);
  expect(errors).toHaveLength(1);
  const told = errors[0]!;
  const { exitCode, stdout, stderr } = await stack.tryRewind(['revert', release, '--yes']);
  expect([exitCode, stdout, stderr]).toEqual([1, '', `${told.message}\n  → ${told.fix} [${told.code}]\n`.trimEnd()]);
  await expectUntouched();
  return told;
}

/** What `rewind history` says of each release, oldest first. */
async function results(): Promise<Record<string, string>> {
  const rows = await stack.rewindJson<{ release?: number; isNew: boolean; result: string }[]>(['history']);
  const releases = rows.filter(({ isNew }) => isNew).reverse();
  return Object.fromEntries(releases.map(({ release, result }) => [`r${release}`, result]));
}

/** The other releases can be planned for all the same. */
async function expectPlan(release: string): Promise<void> {
  expect(await stack.rewindJson(['plan', release])).toMatchObject({ obstacles: [], services: [{ service: 'api' }] });
}

describe('a release is refused', () => {
  test('that there is not: which there are is told', async () => {
    expect(await refused('r9')).toEqual({
      code: 'release/unknown',
      message: `There is no release r9: the stack ${project}/dev has r1 to r3.`,
      fix: 'Choose one of those that rewind history lists.',
    });
  });

  test.each(['latest', 'r0', 'r1.json', '../r1', ''])('whose name is none: "%s"', async (word) => {
    const { exitCode, stdout, stderr } = await stack.tryRewind(['plan', word]);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^"[^]*" is not the name of a release of .+\n {2}→ Name one like r3; .+ \[release\/unknown\]$/,
    );
  });

  describe('whose record', () => {
    let whole: string;

    beforeAll(async () => {
      whole = await readFile(record(2), 'utf8');
    });

    afterEach(async () => {
      await writeFile(record(2), whole);
      await rm(record(4), { force: true });
    });

    test.each([
      ['was edited by hand', (text: string) => text.replace(box('v2'), box('v1')), 'was changed after it was written'],
      ['was cut short', (text: string) => text.slice(0, text.length / 2), 'is cut short or is no JSON'],
      ['is empty', () => '', 'is cut short or is no JSON'],
      ['is JSON but no record', () => 'null', 'is no release record'],
      ['is of a later version', (text: string) => text.replace('"format": 1', '"format": 2'), 'has the format 2'],
    ])('%s; the history says so, and the other releases are as they were', async (_what, spoil, why) => {
      await writeFile(record(2), spoil(whole));
      const told = await refused('r2');
      expect(told.code).toBe('release/damaged');
      expect(told.message).toContain(`The release record ${record(2)} ${why}`);
      expect(told.fix).toContain('rewind history');
      expect(await results()).toEqual({ r1: 'succeeded', r2: 'damaged', r3: 'succeeded' });
      expect(await stack.rewind('history')).toMatch(/^r2 +\S+ \S+ +\S+ s +damaged/m);
    });

    test('is another stack’s; the history goes on to know what runs', async () => {
      const others = JSON.parse(whole) as object;
      await writeFile(record(4), JSON.stringify({ ...others, stack: 'shop/dev' }));
      expect((await refused('r4')).code).toBe('release/damaged');
      const other = await TestStack.create(`${project}-other`);
      try {
        const folder = join(other.directory, '.rewind', 'stacks', `${project}-other`, 'dev', 'releases');
        await mkdir(folder, { recursive: true });
        await copyFile(record(1), join(folder, 'r1.json'));
        const { exitCode, stderr } = await other.tryRewind(['plan', 'r1']);
        expect(exitCode).toBe(1);
        expect(stderr).toContain(`is r1 of the stack ${project}/dev, not of ${project}-other/dev.`);
        expect(stderr).toContain('[release/damaged]');
      } finally {
        await other.remove();
      }
      expect(await results()).toMatchObject({ r3: 'succeeded', r4: 'damaged' });
      await expectPlan('r2');
    });
  });

  describe('whose kept configuration', () => {
    const sealed = async (): Promise<string> =>
      store('sealed', (JSON.parse(await readFile(record(2), 'utf8')) as { sealed: string }).sealed);

    test('is gone', async () => {
      const path = await sealed();
      await rename(path, `${path}.aside`);
      const { errors } = await stack.rewindJson<{ errors: Told[] }>(['plan', 'r2'], 1);
      expect(errors).toMatchObject([
        { code: 'release/unreadable', message: expect.stringContaining(`${path} is not there`) as string },
      ]);
      const { exitCode, stdout } = await stack.tryRewind(['revert', 'r2', '--yes']);
      expect(exitCode).toBe(1);
      expect(stdout.match(/\[release\/unreadable\]/g)).toHaveLength(1);
      expect(stdout.split('\n').at(-1)).toBe('Nothing has changed.');
      await expectUntouched();
      await rename(`${path}.aside`, path);
    });

    test('is damaged', async () => {
      const path = await sealed();
      const whole = await readFile(path);
      await writeFile(path, whole.subarray(0, whole.length - 1));
      const { errors } = await stack.rewindJson<{ errors: Told[] }>(['plan', 'r2'], 1);
      expect(errors).toMatchObject([{ code: 'release/unreadable' }]);
      await writeFile(path, whole);
      await expectPlan('r2');
    });
  });
});

test('with the record of what runs damaged there is nothing to compare with, but every way back is open', async () => {
  const whole = await readFile(record(3), 'utf8');
  await writeFile(record(3), whole.slice(0, 100));
  const { errors } = await stack.rewindJson<{ errors: Told[] }>(['plan', 'r2'], 1);
  expect(errors).toMatchObject([{ code: 'release/damaged', fix: expect.stringContaining('--yes') as string }]);
  expect(await stack.rewind('revert', '--yes')).toMatch(/\nr4 runs, verified by \d+ probes \(.+\)\.$/);
  expect(await results()).toEqual({ r1: 'succeeded', r2: 'succeeded', r3: 'damaged', r4: 'succeeded' });
  expect(await stack.plannedSteps()).toEqual({});
  await writeFile(record(3), whole);
});
