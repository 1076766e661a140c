import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { run } from '../../src/process';
import { keptImages } from '../support/docker';
import { lifeSigns, liveImages } from '../support/live-state';
import { Registry } from '../support/registry';
import { TestStack } from '../support/stack';
import { buildImage, imageId, makeTaggedImages, removeTaggedImages, tagImage } from '../support/tagged-images';

// Of three releases only two keep their images. Each test goes on from where the one before it left.

const project = 'rewind-retain';
const base = 'rewind-retain/base:1';
const box = (tag: string): string => `rewind-retain/box:${tag}`;
const keeper = `${project}-keeper-1`;
const api = `${project}-api-1`;

let stack: TestStack;
let registry: Registry;
/** An image that a registry has. */
let shop: string;
/** Image IDs by tag. */
const ids: Record<string, string> = {};

const exists = async (id: string): Promise<boolean> => (await run(['docker', 'image', 'inspect', id])).exitCode === 0;
const keptName = (id: string): string => `rewind.invalid/${project}/dev:${id.slice('sha256:'.length).slice(0, 32)}`;

beforeAll(async () => {
  await makeTaggedImages({ [base]: 'plain' });
  registry = await Registry.start();
  shop = `${registry.host}/team/shop:v1`;
  const made = [box('v1'), box('v2'), box('v3'), shop];
  for (const name of made) {
    const commit = `LABEL org.opencontainers.image.revision=commit-of-${name.split(':').at(-1)}`;
    await buildImage(name, `FROM ${base}`, `LABEL name=${name}`, ...(name === shop ? [] : [commit]));
    ids[name] = await imageId(name);
  }
  expect(await run(['docker', 'push', '--quiet', shop])).toMatchObject({ exitCode: 0 });
  stack = await TestStack.create(project);
  await stack.configure({ retain: 2 });
  const keeps = { image: base };
  await stack.write('compose.yaml', { services: { api: { image: box('v1') }, keeper: keeps, site: { image: shop } } });
  await stack.rewind('deploy');
  await stack.rewind('deploy', 'api=v2', `site=${base}`);
});

afterAll(async () => {
  await stack.remove();
  await registry.stop();
  // By its ID: what was pulled by digest has no other name.
  await run(['docker', 'rmi', '--force', ids[shop]!]);
  await removeTaggedImages(box('v2'), box('v3'), base);
});

describe('the images of the newest releases, as many as rewind:retain says,', () => {
  test('are kept under a name of their own, and so are left by docker image prune', async () => {
    await run(['docker', 'rmi', box('v1')]);
    const wanted = [box('v1'), box('v2'), shop].map((name) => keptName(ids[name]!));
    expect(await keptImages(project)).toEqual([...wanted, keptName(await imageId(base))].sort());
    expect(await exists(ids[box('v1')]!)).toBe(true);
  });

  test('are kept no longer than that', async () => {
    await stack.rewind('deploy', 'api=v3');
    const wanted = [box('v2'), box('v3')].map((name) => keptName(ids[name]!));
    expect(await keptImages(project)).toEqual([...wanted, keptName(await imageId(base))].sort());
    expect(await exists(ids[box('v1')]!)).toBe(false);
    // It has another name.
    expect(await exists(ids[shop]!)).toBe(true);
  });

  test('come back by their ID, whatever their tag has become', async () => {
    await tagImage(box('v3'), box('v2'));
    expect(await stack.rewindJson(['revert', 'r2', '--yes'])).toMatchObject({
      release: { services: { api: { image: box('v2'), imageId: ids[box('v2')] } } },
    });
    expect((await liveImages(project))[api]).toBe(ids[box('v2')]);
    expect(await stack.plannedSteps()).toEqual({});
  });
});

describe('a release whose images are gone', () => {
  let before: Record<string, string>;
  const told = (): string[] => [
    `The image ${box('v1')} (${ids[box('v1')]}) that api ran in r1 is not on this engine any more.`,
    `→ Get it back: build ${box('v1')} from commit commit-of-v1.`,
  ];

  beforeAll(async () => {
    before = await lifeSigns(project);
    // By its digest it has a name of its own.
    await run(['docker', 'rmi', '--force', ids[shop]!]);
    expect(await exists(ids[shop]!)).toBe(false);
  });

  test('is planned all the same: with what it lacks, and how to get that back', async () => {
    const out = await stack.rewind('plan', 'r1');
    for (const line of told()) expect(out).toContain(line);
    expect(out).toContain('This release cannot be brought back as it is:\n');
    expect(out).toMatch(/ → Get it back: docker pull 127\.0\.0\.1:\d+\/team\/shop@sha256:[0-9a-f]{64}\.$/m);
    const plan = await stack.rewindJson<{ services: { service: string; action: string }[] }>(['plan', 'r1']);
    expect(plan).toMatchObject({ obstacles: [{ code: 'docker/missing-image' }, { code: 'docker/missing-image' }] });
    expect(plan.services.map(({ service, action }) => [service, action])).toEqual([
      ['api', 'replace'],
      ['site', 'replace'],
    ]);
  });

  test.each([{ json: [] }, { json: ['--json'] }])('is refused before anything has changed $json', async ({ json }) => {
    const { exitCode, stdout, stderr } = await stack.tryRewind(['revert', 'r1', '--yes', ...json]);
    expect(exitCode).toBe(1);
    for (const line of told()) expect(`${stdout}${stderr}`).toContain(line.replace('→ ', ''));
    expect(await lifeSigns(project)).toEqual(before);
    expect((await stack.rewindJson<object[]>(['history', '-n', '1']))[0]).toMatchObject({ release: 4, current: true });
  });

  test('can be brought back once they are there again, as the plan has told', async () => {
    const { obstacles } = await stack.rewindJson<{ obstacles: { fix: string }[] }>(['plan', 'r1']);
    const [pull] = obstacles.flatMap(({ fix }) => /docker pull (\S+)\./.exec(fix)?.[1] ?? []);
    expect(await run(['docker', 'pull', '--quiet', pull!])).toMatchObject({ exitCode: 0 });
    expect(await exists(ids[shop]!)).toBe(true);
    expect((await stack.rewindJson<{ obstacles: object[] }>(['plan', 'r1'])).obstacles).toHaveLength(1);
  });

  test('does not stand in the way of others', async () => {
    expect((await lifeSigns(project))[keeper]).toBe(before[keeper]);
    expect(await stack.tryRewind(['revert', 'r3', '--yes'])).toMatchObject({ exitCode: 0 });
    expect((await liveImages(project))[api]).toBe(ids[box('v3')]);
  });

  test('does not stand in the way of its configuration either, which comes back under the images of today', async () => {
    expect(await stack.rewindJson(['plan', 'r1', '--only', 'config'])).toMatchObject({ obstacles: [], only: 'config' });
    expect(await stack.tryRewind(['revert', 'r1', '--only', 'config', '--yes'])).toMatchObject({ exitCode: 0 });
    expect((await liveImages(project))[api]).toBe(ids[box('v3')]);
  });
});
