import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { run } from '../../src/process';
import { containerIds, execIn, inspectContainer } from '../support/docker';
import { refusedPreview } from '../support/refusal';
import { Registry } from '../support/registry';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-images';
const base = 'rewind-images/base:1';
const newer = 'rewind-images/base:2';
const built = 'rewind-images/site:dev';
const container = `${project}-site-1`;

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [base]: 'plain', [newer]: 'newer' });
  stack = await TestStack.create(project);
});

beforeEach(() => stack.configure({ tags: undefined }));

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(built, base, newer);
});

describe('the image of a service that is built', () => {
  const site = { image: built, build: { context: 'site' } };

  const source = (content: string): Promise<void> => stack.write('site/index.html', `${content}\n`);
  const shown = (): Promise<string> => execIn(container, 'cat', '/srv/index.html');

  beforeAll(async () => {
    await stack.write('site/Dockerfile', `FROM ${base}\nCOPY index.html /srv/index.html\n`);
    await source('first');
    await stack.write('compose.yaml', { services: { site } });
  });

  test('is not built by a preview, which says that it will be', async () => {
    expect(await stack.preview()).toContain(`The image ${built} will be built (service site).`);
    expect(await imageId(built)).toBe('');
  });

  test('is built by an update, and pinned by its ID', async () => {
    await stack.up();
    expect(await shown()).toBe('first');
    expect(await stack.output('services')).toEqual({ site: { image: built, imageId: await imageId(built) } });
    expect((await inspectContainer(container)).Image).toBe(await imageId(built));
  });

  test('is not built again while it is there, whatever its source', async () => {
    await source('second');
    const before = await containerIds(project);
    expect(await stack.plannedSteps()).toEqual({});
    await stack.up();
    expect(await containerIds(project)).toEqual(before);
  });

  test('is built again in each update with pull_policy: build, which a preview says', async () => {
    await stack.write('compose.yaml', { services: { site: { ...site, pull_policy: 'build' } } });
    expect(await stack.preview()).toContain(`The image ${built} will be built (service site).`);
    await stack.up();
    expect(await shown()).toBe('second');
    const before = await containerIds(project);
    await stack.up();
    expect(await containerIds(project)).toEqual(before);
  });

  test('is taken as it is where rewind:tags names it, and never built', async () => {
    await run(['docker', 'tag', built, 'rewind-images/site:v1']);
    await source('third');
    await stack.configure({ tags: { site: 'v1' } });
    await stack.up();
    expect(await shown()).toBe('second');
    await run(['docker', 'rmi', 'rewind-images/site:v1']);
    await stack.configure({ tags: { site: 'v2' } });
    expect(await refusedPreview(stack)).toMatchObject([
      { code: 'docker/missing-image', message: expect.stringContaining('rewind-images/site:v2') as string },
    ]);
  });

  test('that cannot be built fails the update before anything has changed', async () => {
    await stack.write('site/Dockerfile', `FROM ${base}\nCOPY nowhere.html /srv/index.html\n`);
    const before = await containerIds(project);
    const { ok, output } = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
    expect(ok).toBe(false);
    expect(output).toContain('[docker/build-failed]');
    expect(output).toContain('nowhere.html');
    expect(await containerIds(project)).toEqual(before);
  });
});

describe('the image of a registry', () => {
  let registry: Registry;
  let shop: string;
  let shopNewer: string;

  beforeAll(async () => {
    registry = await Registry.start();
    shop = `${registry.host}/team/shop:v1`;
    shopNewer = `${registry.host}/team/shop:v2`;
    for (const [image, name] of [
      [base, shop],
      [newer, shopNewer],
    ] as const) {
      await run(['docker', 'tag', image, name]);
      expect(await run(['docker', 'push', '--quiet', name])).toMatchObject({ exitCode: 0 });
      await run(['docker', 'rmi', name]);
    }
    await stack.write('compose.yaml', { services: { site: { image: shop } } });
  });

  afterAll(async () => {
    await run(['docker', 'rm', '--force', container]);
    // What a tag has moved away from is still there under its digest.
    const left = await run(['docker', 'images', '--digests', '--format', '{{.Repository}}@{{.Digest}}']);
    const names = left.stdout.split('\n').filter((name) => name.startsWith(`${registry.host}/`));
    await run(['docker', 'rmi', shop, shopNewer, ...names]);
    await registry.stop();
  });

  test('is not pulled by a preview, which says that it will be', async () => {
    expect(await stack.preview()).toContain(`The image ${shop} will be pulled.`);
    expect(await imageId(shop)).toBe('');
  });

  test('is pulled by an update, and pinned by its ID', async () => {
    await stack.up();
    expect(await stack.output('services')).toEqual({ site: { image: shop, imageId: await imageId(shop) } });
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('is not asked for while it is there', async () => {
    const before = registry.requests.length;
    await stack.preview();
    await stack.up();
    expect(registry.requests.slice(before)).toEqual([]);
  });

  test('is pulled by its tag in rewind:tags', async () => {
    await stack.configure({ tags: { site: 'v2' } });
    await stack.up();
    expect(await stack.output('services')).toMatchObject({ site: { image: shopNewer, imageId: await imageId(newer) } });
  });

  test('that the registry does not have is an error of the preview, with the tags that are on the engine', async () => {
    await stack.configure({ tags: { site: 'v3' } });
    const told = await refusedPreview(stack);
    expect(told).toMatchObject([
      { code: 'docker/missing-image', fix: expect.stringContaining(`${shop}, ${shopNewer}`) as string },
    ]);
    expect(told[0]!.message).toContain(`${registry.host}/team/shop:v3 of site is missing`);
    expect(told[0]!.message).toMatch(/manifest unknown/i);
  });

  test('is not asked for with pull_policy: never, and missed where it is not there', async () => {
    const before = registry.requests.length;
    await stack.write('compose.yaml', {
      services: { site: { image: `${registry.host}/team/shop:v3`, pull_policy: 'never' } },
    });
    expect(await refusedPreview(stack)).toMatchObject([
      { code: 'docker/missing-image', message: expect.stringContaining('it is not on this engine') as string },
    ]);
    expect(registry.requests.slice(before)).toEqual([]);
  });

  test('that has moved is pulled again in each update with pull_policy: always', async () => {
    await run(['docker', 'tag', newer, shop]);
    await run(['docker', 'push', '--quiet', shop]);
    await run(['docker', 'tag', base, shop]);
    await stack.write('compose.yaml', { services: { site: { image: shop, pull_policy: 'always' } } });
    await stack.up();
    expect((await inspectContainer(container)).Image).toBe(await imageId(newer));
  });
});
