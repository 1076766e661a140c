import { describe, expect, test } from 'vitest';

import {
  configOfDeploy,
  configOfPart,
  configOfRelease,
  releaseOf,
  withImages,
} from '../../../src/releases/next-config';
import { readSettings } from '../../../src/settings';
import { releaseRecord, releasedService } from '../../support/release-records';

const id = (digit: string): string => `sha256:${digit.repeat(64)}`;
const record = releaseRecord(3, {
  config: { 'rewind:compose': ['compose.yaml', 'more.yaml'], 'rewind:env': { api: { LEVEL: 'info' } } },
  services: {
    worker: releasedService('shop/worker:v1', { imageId: id('b') }),
    api: releasedService('shop/api:v1', { imageId: id('a') }),
    pinned: releasedService(id('c'), { imageId: id('c') }),
  },
});
const images = { 'shop/api:v1': id('a'), 'shop/worker:v1': id('b') };

describe('the configuration of a revert', () => {
  const config = configOfRelease(record, {
    'rewind:env': { api: { LEVEL: 'debug' } },
    'rewind:key': { secure: 'v1:key' },
  });

  test('is that of the release, with its model, its images by ID and the key of today', () => {
    expect(config).toEqual({
      'rewind:compose': { release: 3, files: ['compose.yaml', 'more.yaml'] },
      'rewind:env': { api: { LEVEL: 'info' } },
      'rewind:images': images,
      'rewind:key': { secure: 'v1:key' },
    });
    expect(releaseOf(config)).toBe(3);
  });

  test('is one that the settings take', () => {
    const raw = Object.entries({ ...config, 'rewind:key': 'text' }).map(([key, value]) => [
      key.slice('rewind:'.length),
      value,
    ]);
    const { settings, problems } = readSettings(Object.fromEntries(raw) as Record<string, unknown>);
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({ release: 3, compose: ['compose.yaml', 'more.yaml'], images });
  });

  test('of a release that was a revert itself names the compose files, not the release before it', () => {
    const again = configOfRelease({ ...record, number: 5, config }, {});
    expect(again['rewind:compose']).toEqual({ release: 5, files: ['compose.yaml', 'more.yaml'] });
  });

  test('names no files where none were named', () => {
    expect(configOfRelease({ ...record, config: {} }, {})['rewind:compose']).toEqual({ release: 3 });
  });
});

describe('the configuration that brings the images alone back', () => {
  const job = releasedService('shop/api:v2', { imageId: id('d') });
  const now = releaseRecord(4, { services: { ...record.services, api: job, worker: job } });

  test('is that of today with the images of the release, but for what stays', () => {
    const config = configOfPart('images', record, now, { 'rewind:env': {} }, { staying: { worker: job, gone: job } });
    expect(config).toMatchObject({
      'rewind:env': {},
      'rewind:tags': { api: 'shop/api:v1', worker: 'shop/api:v2' },
      'rewind:images': { 'shop/api:v1': id('a'), 'shop/api:v2': id('d') },
    });
  });

  test('has what stays go by the ID of its image where another one of the release has its name', () => {
    const moved = releasedService('shop/api:v1', { imageId: id('d') });
    const today = releaseRecord(4, { services: { ...record.services, worker: moved } });
    const config = configOfPart('images', record, today, {}, { staying: { worker: moved } });
    expect(config).toMatchObject({
      'rewind:tags': { api: 'shop/api:v1', worker: id('d') },
      'rewind:images': { 'shop/api:v1': id('a') },
    });
  });
});

describe('the configuration that brings a release back without its schema', () => {
  const job = releasedService('shop/worker:v2', { imageId: id('d') });
  const then = { ...record, config: { ...record.config, 'rewind:tags': { api: 'v1', worker: 'v1' } } };
  const config = configOfRelease(then, {}, { staying: { worker: job, gone: job } });

  test('has the jobs that migrate stay in the image that they run', () => {
    expect(config).toMatchObject({
      'rewind:compose': { release: 3, tags: { worker: 'shop/worker:v2' } },
      'rewind:tags': { api: 'v1' },
      'rewind:images': { 'shop/api:v1': id('a'), 'shop/worker:v2': id('d') },
    });
    const raw = { compose: config['rewind:compose'], tags: config['rewind:tags'] };
    expect(readSettings(raw)).toMatchObject({
      problems: [],
      settings: { release: 3, tags: { api: 'v1', worker: 'shop/worker:v2' } },
    });
  });

  test('is one that the next deploy takes them out of', () => {
    const next = configOfDeploy(config, {});
    expect(next['rewind:compose']).toEqual(['compose.yaml', 'more.yaml']);
    expect(next['rewind:tags']).toEqual({ api: 'v1' });
  });

  test('is kept where that release comes back itself', () => {
    const again = configOfRelease({ ...record, number: 5, config }, {});
    expect(again['rewind:compose']).toMatchObject({ release: 5, tags: { worker: 'shop/worker:v2' } });
  });
});

describe('what a revert says of the database', () => {
  const key = 'rewind:database';
  const then = { ...record, config: { [key]: { service: 'db', restore: { snapshot: 's-1', at: 'then' } } } };

  test('is what the release said, but for a restore: that is done once, and the latest one stays', () => {
    expect(configOfRelease(then, {})[key]).toEqual({ service: 'db' });
    const restore = { snapshot: 's-2', at: 'now' };
    expect(configOfRelease(then, { [key]: { service: 'db', restore } })[key]).toEqual({ service: 'db', restore });
  });

  test('is what was chosen: the revision of today, or a snapshot', () => {
    expect(configOfRelease(then, {}, { revision: ['0003'] })[key]).toEqual({ service: 'db', revision: '0003' });
    expect(configOfRelease(then, {}, { revision: ['a', 'b'] })[key]).toEqual({ service: 'db', revision: ['a', 'b'] });
    const restore = { snapshot: 's-3', at: 'soon' };
    expect(configOfRelease(then, {}, { restore })[key]).toEqual({ service: 'db', restore });
  });

  test('is what today says where the release knew of no database, with the revision of its own image', () => {
    const today = { [key]: { service: 'db', alembic: { service: 'api' }, revision: '0003' } };
    expect(configOfRelease(record, today)[key]).toEqual({ service: 'db', alembic: { service: 'api' } });
  });

  test('is undone by the next deploy, which goes to the head', () => {
    const today = { [key]: { service: 'db', revision: '0003' } };
    expect(configOfDeploy({ ...today, 'rewind:compose': { release: 3 } }, {})[key]).toEqual({ service: 'db' });
    expect(configOfDeploy(today, {})[key]).toEqual({ service: 'db', revision: '0003' });
    expect(configOfDeploy(today, {}, { revision: 'head' })[key]).toEqual({ service: 'db' });
  });
});

describe('the configuration of a deploy', () => {
  test('goes from a release back to the compose files, with every tag looked up again', () => {
    const today = { 'rewind:compose': { release: 3, files: 'shop.yaml' }, 'rewind:images': images, 'rewind:retain': 5 };
    expect(configOfDeploy(today, {})).toEqual({ 'rewind:compose': 'shop.yaml', 'rewind:retain': 5 });
  });

  test('has the given tags over those of today', () => {
    const today = { 'rewind:tags': { api: 'v1', worker: 'v1' } };
    expect(configOfDeploy(today, { api: 'v2' })).toEqual({ 'rewind:tags': { api: 'v2', worker: 'v1' } });
    expect(configOfDeploy({}, { api: 'v2' })).toEqual({ 'rewind:tags': { api: 'v2' } });
  });

  test('sets no compose file where none was named', () => {
    expect(configOfDeploy({ 'rewind:compose': { release: 3 } }, {})).toEqual({});
  });

  test('pins the images that it came to, but not one that is asked for by its ID', () => {
    expect(withImages({ 'rewind:retain': 5 }, record)).toEqual({ 'rewind:retain': 5, 'rewind:images': images });
  });
});

test.each([
  [{ 'rewind:compose': { release: '7' } }, 7],
  [{ 'rewind:compose': 'compose.yaml' }, undefined],
  [{ 'rewind:compose': ['a.yaml'] }, undefined],
  [{ 'rewind:compose': { release: 'some' } }, undefined],
  [{}, undefined],
])('%j runs the release %s', (config, release) => {
  expect(releaseOf(config)).toBe(release);
});
