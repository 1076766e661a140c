import { afterEach, describe, expect, test, vi } from 'vitest';

import type { ComposeProject } from '../../../src/compose/load';
import type { ComposeService } from '../../../src/compose/model';
import { imagesNotThere, provideImages, type ResolvedImages, resolveImages } from '../../../src/docker/images';
import { takeInventory } from '../../../src/docker/inventory';
import { projectOf } from '../../support/compose-project';
import { FakeCompose } from '../../support/fake-compose';
import { FakeEngine, type FakeImage, imageId } from '../../support/fake-engine';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

afterEach(() => {
  vi.unstubAllEnvs();
});

const api: FakeImage = { id: 'a1', tags: ['api:v1', 'api:latest'], digests: [`api@${imageId('d1')}`] };
const gone = 'manifest unknown';

async function resolve(
  engine: FakeEngine,
  services: Readonly<Record<string, ComposeService>>,
  overridden: readonly string[] = [],
): Promise<ResolvedImages> {
  const { docker } = engine;
  return resolveImages(docker, projectOf(services), await takeInventory(docker), new Set(overridden));
}

describe('the image of a service', () => {
  test.each([
    ['its tag', 'api:v1'],
    ['its repository, which means latest', 'api'],
    ['its long form', 'docker.io/library/api:v1'],
    ['its digest', `api@${imageId('d1')}`],
    ['its tag and digest, of which the digest decides', `api:v9@${imageId('d1')}`],
    ['its ID', imageId('a1')],
  ])('is found on the engine by %s', async (_by, image) => {
    const engine = new FakeEngine([api]);
    const resolved = await resolve(engine, { api: { image } });
    expect(resolved).toMatchObject({ toBuild: [], toPull: [], problems: [] });
    expect(resolved.facts.get('api')!.id).toBe(imageId('a1'));
    expect(engine.asked).toEqual([]);
  });

  test('is pulled if it is not there and a registry has it; several services want it once', async () => {
    const resolved = await resolve(new FakeEngine([]), { api: { image: 'api:v1' }, worker: { image: 'api:v1' } });
    expect(resolved).toMatchObject({ toPull: ['api:v1'], toBuild: [], problems: [] });
    expect(resolved.facts.size).toBe(0);
  });

  test('is an error if nobody has it: with every service that wants it, and the tags that are there', async () => {
    const { problems } = await resolve(new FakeEngine([api], { 'api:v9': gone }), {
      api: { image: 'api:v9' },
      worker: { image: 'api:v9' },
    });
    expect(problems).toMatchObject([
      {
        code: 'docker/missing-image',
        message:
          'The image api:v9 of api, worker is missing: it is not on this engine, and cannot be pulled: manifest unknown.',
        fix: 'Build or load it, or choose one that is there (api:latest, api:v1): pulumi config set --path rewind:tags.api <tag>.',
      },
    ]);
  });

  test('is still tried if a private registry does not let the engine itself look', async () => {
    const engine = new FakeEngine([], {
      'registry.example.com/api:v1': 'unauthorized: authentication required',
      'api:v1': 'pull access denied for api',
    });
    const { toPull, problems } = await resolve(engine, {
      api: { image: 'registry.example.com/api:v1' },
      web: { image: 'api:v1' },
    });
    expect(toPull).toEqual(['registry.example.com/api:v1']);
    expect(problems.map(({ message }) => message)).toEqual([
      'The image api:v1 of web is missing: it is not on this engine, and cannot be pulled: pull access denied for api.',
    ]);
  });

  test.each([
    ['a policy of never', { image: 'api:v9', pull_policy: 'never' }],
    ['an image ID', { image: imageId('b2') }],
  ])('is not asked for anywhere with %s', async (_what, service) => {
    const engine = new FakeEngine([api]);
    const { problems } = await resolve(engine, { api: service });
    expect(problems).toMatchObject([
      { code: 'docker/missing-image', message: expect.stringContaining('it is not on this engine') as string },
    ]);
    expect(engine.asked).toEqual([]);
  });

  test('is pulled anew with a policy of always, unless rewind:tags has set it', async () => {
    const service = { image: 'api:v1', pull_policy: 'always' };
    const anew = await resolve(new FakeEngine([api]), { api: service });
    expect(anew.toPull).toEqual(['api:v1']);
    expect(anew.facts.get('api')!.id).toBe(imageId('a1'));
    expect((await resolve(new FakeEngine([api]), { api: service }, ['api'])).toPull).toEqual([]);
  });

  test('is taken as it is if it is to be pulled always and the registry is out of reach', async () => {
    const resolved = await resolve(new FakeEngine([api], { 'api:v1': 'no route to host' }), {
      api: { image: 'api:v1', pull_policy: 'always' },
    });
    expect(resolved).toMatchObject({ toPull: [], problems: [] });
    expect(resolved.facts.get('api')!.id).toBe(imageId('a1'));
  });

  test('brings along what matters to its containers', async () => {
    const second = 1_000_000_000;
    const config = {
      Volumes: { '/data': {} },
      Entrypoint: ['/entry'],
      Healthcheck: { Test: ['CMD', 'true'], Interval: 5 * second, Timeout: second / 2, StartPeriod: 0, Retries: 2 },
    };
    const { facts } = await resolve(
      new FakeEngine([
        { ...api, config },
        { id: 'b2', tags: ['web:1'], config: {} },
      ]),
      {
        api: { image: 'api:v1' },
        web: { image: 'web:1' },
      },
    );
    expect(facts.get('api')).toEqual({
      id: imageId('a1'),
      volumes: ['/data'],
      entrypoint: ['/entry'],
      healthcheck: { test: ['CMD', 'true'], intervalMs: 5000, timeoutMs: 500, retries: 2 },
    });
    expect(facts.get('web')).toEqual({ id: imageId('b2'), volumes: [] });
  });
});

describe('the image of a service with build', () => {
  const built: FakeImage = { id: 'b1', tags: ['shop-api:latest'] };

  test('has the name that docker compose gives it', async () => {
    const resolved = await resolve(new FakeEngine([built]), { api: { build: { context: '.' } } });
    expect(resolved.facts.get('api')!.id).toBe(imageId('b1'));
    expect(resolved.toBuild).toEqual([]);
  });

  test('is built if it is not there, or always with a policy of build', async () => {
    const engine = new FakeEngine([built]);
    expect((await resolve(engine, { web: { build: {}, image: 'web:1' } })).toBuild).toEqual(['web']);
    expect((await resolve(engine, { api: { build: {}, pull_policy: 'build' } })).toBuild).toEqual(['api']);
    expect(engine.asked).toEqual([]);
  });

  test("is not built from today's source if rewind:tags names an earlier one", async () => {
    const { toBuild, toPull, problems } = await resolve(
      new FakeEngine([built], { 'shop-api:v1': gone }),
      { api: { build: {}, image: 'shop-api:v1', pull_policy: 'build' } },
      ['api'],
    );
    expect({ toBuild, toPull }).toEqual({ toBuild: [], toPull: [] });
    expect(problems).toHaveLength(1);
  });
});

describe('providing images', () => {
  const none = { toBuild: [], toPull: [], problems: [], facts: new Map() };

  /** A project in a folder that is there, so that programs can run in it. */
  const project = (services: Readonly<Record<string, ComposeService>>): ComposeProject =>
    projectOf(services, {}, { directory: tempFolder() });

  /** A `docker` on PATH that answers like this. */
  function dockerCommand(stderr = '', exitCode = 0): FakeCompose {
    const docker = new FakeCompose({ stderr, exitCode }, 'docker');
    vi.stubEnv('PATH', docker.folder);
    return docker;
  }

  test('does nothing if nothing is to be done', async () => {
    const docker = dockerCommand();
    expect(await provideImages(new FakeEngine([]).docker, project({}), none)).toBe(none);
    expect(docker.calls).toEqual([]);
  });

  test('pulls with the docker command, builds with docker compose, and takes the images as they are then', async () => {
    const docker = dockerCommand();
    const compose = new FakeCompose().use();
    const services = { api: { image: 'api:v1', pull_policy: 'always' }, web: { build: {}, pull_policy: 'build' } };
    const engine = new FakeEngine([api, { id: 'b2', tags: ['shop-web:latest'] }]);
    const found = { ...none, toPull: ['api:v1'], toBuild: ['web'] };
    const provided = await provideImages(engine.docker, project(services), found);
    expect(docker.calls.map(({ args }) => args)).toEqual([['pull', '--quiet', 'api:v1']]);
    expect(compose.calls.map(({ args }) => args)).toEqual([['--file', '/srv/shop/compose.yaml', 'build', 'web']]);
    expect([...provided.facts.values()].map(({ id }) => id)).toEqual([imageId('a1'), imageId('b2')]);
    expect(provided).toMatchObject({ toPull: [], toBuild: [], problems: [] });
  });

  test('fails if an image cannot be pulled, with what docker says', async () => {
    dockerCommand('Error response from daemon: pull access denied\n', 1);
    const found = { ...none, toPull: ['api:v1'] };
    expect(
      await problemsOf(() => provideImages(new FakeEngine([]).docker, project({ api: { image: 'api:v1' } }), found)),
    ).toMatchObject([
      {
        code: 'docker/missing-image',
        message: 'The image api:v1 cannot be pulled: Error response from daemon: pull access denied',
      },
    ]);
  });

  test('fails if an image cannot be built, with the last 30 lines of the build', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `step ${index + 1}`);
    new FakeCompose({ stderr: lines.join('\n'), exitCode: 17 }).use();
    const found = { ...none, toBuild: ['web'] };
    const [problem] = await problemsOf(() =>
      provideImages(new FakeEngine([]).docker, project({ web: { build: {} } }), found),
    );
    expect(problem!.code).toBe('docker/build-failed');
    expect(problem!.message).toBe(`docker compose build web failed:\n${lines.slice(10).join('\n')}`);
  });

  test('fails if an image is not there after all', async () => {
    dockerCommand();
    const found = { ...none, toPull: ['api:v9'] };
    expect(
      await problemsOf(() => provideImages(new FakeEngine([api]).docker, project({ api: { image: 'api:v9' } }), found)),
    ).toMatchObject([{ code: 'docker/missing-image' }]);
  });
});

test('of some images, those that the engine does not have are told', async () => {
  const { docker } = new FakeEngine([api]);
  expect([...(await imagesNotThere(docker, new Set([imageId('a1'), imageId('b2')])))]).toEqual([imageId('b2')]);
});
