import type Docker from 'dockerode';
import { expect, test } from 'vitest';

import { keepImages, keptName } from '../../../src/docker/kept-images';

const stack = 'shop/prod';

/** An engine with images that have these names, which writes down the names that it is told to give. */
function engineWith(images: Readonly<Record<string, readonly string[] | null>>): { docker: Docker; given: string[] } {
  const given: string[] = [];
  const getImage = (id: string): unknown => ({
    inspect: () => Promise.resolve({ RepoTags: images[id], RepoDigests: null, Created: '2026-11-01', Config: {} }),
    tag: ({ repo, tag }: { repo: string; tag: string }) => {
      given.push(`${repo}:${tag}`);
      return Promise.resolve();
    },
  });
  return { docker: { getImage } as unknown as Docker, given };
}

test('an image gets a name by which it is kept, unless it has it', async () => {
  const [kept, named, nameless] = ['sha256:a1', 'sha256:b2', 'sha256:c3'];
  const { docker, given } = engineWith({
    [kept]: ['api:v1', keptName(stack, kept)],
    [named]: ['api:v2', keptName('shop/staging', named)],
    [nameless]: null,
  });
  const origins = await keepImages(docker, stack, new Set([kept, named, nameless]));
  expect(given.sort()).toEqual([keptName(stack, named), keptName(stack, nameless)]);
  expect(origins.get(kept)).toEqual({ builtAt: '2026-11-01T00:00:00.000Z' });
});
