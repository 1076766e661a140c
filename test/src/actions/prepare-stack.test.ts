import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { type PreparedStack, prepareStack, storeFolder } from '../../../src/actions/prepare-stack';
import { readSettings } from '../../../src/settings';
import { engineServer } from '../../support/engine-server';
import { FakeCompose } from '../../support/fake-compose';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

afterEach(() => {
  vi.unstubAllEnvs();
});

const id = `sha256:${'a'.repeat(64)}`;

/** A project with one service that mounts a file, and an engine that has its image. */
class Shop {
  readonly directory = tempFolder({ 'compose.yaml': '', 'app.conf': 'port = 80' });
  requests: string[] = [];

  async prepare(
    raw: Readonly<Record<string, unknown>> = {},
    { preview = true, services = {}, contents = { images: { 'api:v1': id } } } = {},
  ): Promise<PreparedStack> {
    const engine = await engineServer(contents);
    this.requests = engine.requests;
    vi.stubEnv('DOCKER_HOST', engine.host);
    const volumes = [{ type: 'bind', source: join(this.directory, 'app.conf'), target: '/app.conf', read_only: true }];
    new FakeCompose({
      model: { name: 'shop', services: { api: { image: 'api:v1', volumes }, ...services } },
      stderr: 'time="x" level=warning msg="the attribute version is obsolete"\n',
    }).use();
    const { settings, problems } = readSettings(raw);
    return prepareStack({ settings, problems, directory: this.directory, stack: 'shop/dev', preview });
  }
}

describe('a stack that is prepared', () => {
  test('has its containers planned, its files found and its warnings listed', async () => {
    const shop = new Shop();
    const prepared = await shop.prepare({ env: { api: { LOG_LEVEL: 'debug' } } });
    expect(prepared.services).toMatchObject([
      { service: 'api', reference: 'api:v1', containers: [{ image: id, envs: ['LOG_LEVEL=debug'] }] },
    ]);
    expect(Object.keys(prepared.files.hashes)).toEqual(['app.conf']);
    expect(prepared.warnings).toEqual(['the attribute version is obsolete']);
    expect(prepared.order).toEqual(['api']);
  });

  test('has been read with a handful of requests, and in a preview nothing is written', async () => {
    const shop = new Shop();
    await shop.prepare();
    expect(shop.requests.every((request) => request.startsWith('GET '))).toBe(true);
    expect(shop.requests.length).toBeLessThanOrEqual(8);
    expect(existsSync(join(shop.directory, '.rewind'))).toBe(false);
  });

  test('has its files kept if it is an update, where the containers mount them from', async () => {
    const shop = new Shop();
    const { services } = await shop.prepare({}, { preview: false });
    const { source } = services[0]!.containers[0]!.mounts![0]!;
    expect(source!.startsWith(join(shop.directory, '.rewind/files/'))).toBe(true);
    expect(readFileSync(source!, 'utf8')).toBe('port = 80');
  });

  test('keeps them in the store that the configuration names', async () => {
    const shop = new Shop();
    const { services } = await shop.prepare({ store: 'file://./elsewhere' }, { preview: false });
    expect(services[0]!.containers[0]!.mounts![0]!.source!.startsWith(join(shop.directory, 'elsewhere/'))).toBe(true);
  });

  test('is told which images the update will build, but only in a preview', async () => {
    const services = { web: { build: { context: '.' } } };
    const { notices, services: planned } = await new Shop().prepare({}, { services });
    expect(notices).toEqual(['The image shop-web will be built (service web).']);
    expect(planned.find(({ service }) => service === 'web')!.containers[0]!.image).toBeUndefined();
    expect((await new Shop().prepare({}, { preview: false })).notices).toEqual([]);
  });

  test('takes images of rewind:tags by any name', async () => {
    const images = { 'api:v1': id, 'api:v2': `sha256:${'b'.repeat(64)}` };
    const { services } = await new Shop().prepare({ tags: { api: 'v2' } }, { contents: { images } });
    expect(services[0]).toMatchObject({ reference: 'api:v2', containers: [{ image: images['api:v2'] }] });
  });
});

describe('what is wrong with a stack is told at once,', () => {
  test('from the configuration to the engine, before anything is written', async () => {
    const shop = new Shop();
    const services = {
      web: { image: 'web:9', annotations: {}, volumes: [] },
      old: { image: 'api:v1' },
    };
    const containers = [{ Names: ['/shop-old-1'], Id: 'x', Labels: {}, State: 'running', Ports: [] }];
    const raw = {
      stroe: 'x',
      tags: { wbe: 'v1' },
      files: { 'gone.conf': 'sha256:0' },
      store: 'file://./app.conf/store',
    };
    const contents = { images: { 'api:v1': id }, containers };
    const problems = await problemsOf(() => shop.prepare(raw, { preview: false, services, contents }));
    expect(problems.map(({ code }) => code).sort()).toEqual([
      'compose/unsupported',
      'config/file-pin',
      'config/invalid',
      'config/unknown-service',
      'docker/foreign-container',
      'docker/missing-image',
      'store/unusable',
    ]);
    expect(existsSync(join(shop.directory, '.rewind'))).toBe(false);
  });

  test('also if neither the compose file nor the engine can be reached', async () => {
    const directory = tempFolder();
    vi.stubEnv('DOCKER_HOST', `unix://${directory}/none.sock`);
    const { settings, problems } = readSettings({ stroe: 'x' });
    const found = await problemsOf(() =>
      prepareStack({ settings, problems, directory, stack: 'shop/dev', preview: true }),
    );
    expect(found.map(({ code }) => code)).toEqual(['config/invalid', 'compose/not-found', 'docker/unreachable']);
  });
});

test('a project without any service is an error: an empty file is not to take everything down', async () => {
  vi.stubEnv('DOCKER_HOST', (await engineServer()).host);
  new FakeCompose({ model: { name: 'shop' } }).use();
  const { settings, problems } = readSettings({ profiles: ['debug'] });
  const directory = tempFolder({ 'compose.yaml': '' });
  expect(
    await problemsOf(() => prepareStack({ settings, problems, directory, stack: 'shop/dev', preview: true })),
  ).toMatchObject([
    {
      code: 'compose/invalid',
      message: expect.stringMatching(
        /compose\.yaml: there is no service to run \(active profiles: debug\)\.$/,
      ) as string,
    },
  ]);
});

test.each([
  ['file://./.rewind', '/srv/shop/.rewind'],
  ['file://store', '/srv/shop/store'],
  ['file:///var/lib/rewind', '/var/lib/rewind'],
  ['file:///var/lib/with%20space', '/var/lib/with space'],
])('the store %s of a project in /srv/shop is the folder %s', (url, expected) => {
  expect(storeFolder(url, '/srv/shop')).toBe(expected);
});
