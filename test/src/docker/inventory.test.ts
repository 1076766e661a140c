import type Docker from 'dockerode';
import { expect, test } from 'vitest';

import { nameOf, takeInventory } from '../../../src/docker/inventory';
import { engineError, FakeEngine, imageId } from '../../support/fake-engine';
import { problemsOf } from '../../support/problems';

test('an image is known by its ID, its tags and its digests', async () => {
  const engine = new FakeEngine([
    { id: 'a1', tags: ['api:v1', 'api:latest'], digests: [`api@${imageId('d1')}`] },
    { id: 'b2' },
  ]);
  expect([...(await takeInventory(engine.docker)).images]).toEqual([
    [imageId('a1'), imageId('a1')],
    ['api:v1', imageId('a1')],
    ['api:latest', imageId('a1')],
    [`api@${imageId('d1')}`, imageId('a1')],
    [imageId('b2'), imageId('b2')],
  ]);
});

test('an engine that does not tell what it has is an error', async () => {
  const { docker } = new FakeEngine([]);
  docker.listVolumes = () => Promise.reject(engineError(500, 'disk full'));
  expect(await problemsOf(() => takeInventory(docker))).toMatchObject([
    { code: 'docker/failed', message: 'The engine does not list what it has: disk full.' },
  ]);
});

test.each([
  [['/shop-api-1'], 'shop-api-1'],
  [['/web/api', '/shop-api-1'], 'shop-api-1'],
  [[], '0123456789ab'],
])('of the names %j, that of the container itself is %s', (names, expected) => {
  expect(nameOf({ Names: names, Id: '0123456789abcdef' } as unknown as Docker.ContainerInfo)).toBe(expected);
});
