import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds } from '../support/docker';
import { refusedPreview } from '../support/refusal';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-bad-settings';
const image = 'rewind-bad-settings/box:1';

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', { services: { api: { image }, web: { image } } });
  await stack.up();
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

/** What a preview with these settings is refused for. The settings are gone afterwards. */
async function refusedWith(
  settings: Record<string, unknown>,
  env: Record<string, string> = {},
): ReturnType<typeof refusedPreview> {
  await stack.configure(settings);
  try {
    return await refusedPreview(stack, env);
  } finally {
    await stack.configure(Object.fromEntries(Object.keys(settings).map((key) => [key, undefined])));
  }
}

describe('a preview is refused, with one error and without a change,', () => {
  test('if settings have the wrong shape: with every one of them, by its path', async () => {
    const told = await refusedWith({
      compose: { file: 'compose.yaml' },
      envFile: [1],
      profiles: [['debug']],
      tags: ['v1'],
      env: { api: 'LOG_LEVEL=debug', web: { LOG: ['a'] } },
      secrets: { api: ['x'] },
      show: { api: 'LOG_LEVEL' },
      files: 'web.conf',
      store: 's3://releases',
      readyTimeoutSeconds: 'soon',
      revision: 'head',
    });
    expect(told.map(({ message }) => message).sort()).toEqual([
      'rewind:compose is not a file, a list of files, or {release: <number>, files: <files>, tags: <texts by service>}.',
      'rewind:env.api is not a map.',
      'rewind:env.web.LOG is not a text.',
      'rewind:envFile is not a text or a list of texts.',
      'rewind:files is not a map.',
      'rewind:profiles is not a text or a list of texts.',
      'rewind:readyTimeoutSeconds is not a number of seconds above 0.',
      'rewind:revision is no setting.',
      'rewind:secrets.api is not a map.',
      'rewind:show.api is not a list of environment keys.',
      'rewind:store is not a file:// URL.',
      'rewind:tags is not a map.',
    ]);
    expect(new Set(told.map(({ code }) => code))).toEqual(new Set(['config/invalid']));
    for (const { fix } of told) expect(fix).toMatch(/pulumi config (set|rm) /);
  });

  test('if settings name services that are not there: with the names that are', async () => {
    const told = await refusedWith({ tags: { apii: 'v1' }, env: { wbe: { A: '1' } }, secrets: { größe: { A: '1' } } });
    expect(told.map(({ code, message }) => [code, message])).toEqual([
      ['config/unknown-service', 'rewind:tags.apii names a service that the compose file does not have.'],
      ['config/unknown-service', 'rewind:env.wbe names a service that the compose file does not have.'],
      ['config/unknown-service', 'rewind:secrets.größe names a service that the compose file does not have.'],
    ]);
    expect(told[0]!.fix).toBe('Remove it: pulumi config rm --path rewind:tags.apii. The services are: api, web.');
  });

  test('if a tag is none', async () => {
    const told = await refusedWith({ tags: { api: 'not a tag!', web: 'sha256:123' } });
    expect(told.map(({ code }) => code)).toEqual(['config/bad-image', 'config/bad-image']);
    expect(told[0]!.message).toContain('rewind:tags.api is "not a tag!"');
  });

  test('if a tag has lost its spelling, being read as a number', async () => {
    const told = await refusedWith({ tags: { api: 1.5 } });
    expect(told).toMatchObject([
      { code: 'config/invalid', message: expect.stringContaining('rewind:tags.api') as string },
    ]);
  });

  test('if a file is pinned that nobody mounts', async () => {
    const told = await refusedWith({ files: { 'web.conf': `sha256:${'0'.repeat(64)}` } });
    expect(told).toMatchObject([{ code: 'config/file-pin', message: expect.stringContaining('web.conf') as string }]);
  });

  test('if settings, compose file and engine are all wrong: with everything in one report', async () => {
    const told = await refusedWith(
      { compose: 'nowhere.yaml', frob: 1 },
      { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    );
    expect(told.map(({ code }) => code)).toEqual(['config/invalid', 'compose/not-found', 'docker/unreachable']);
  });
});

test('an update with bad settings is refused like its preview, before anything has changed', async () => {
  const before = await containerIds(project);
  await stack.configure({ tags: { api: 'v404' } });
  const { ok, output } = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
  expect(ok).toBe(false);
  expect(output).toContain('[docker/missing-image]');
  expect(await containerIds(project)).toEqual(before);
  await stack.configure({ tags: undefined });
  expect(await stack.plannedSteps()).toEqual({});
});
