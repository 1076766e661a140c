import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { readSettings, settingKeys } from '../../src/settings';

const defaults = {
  compose: ['compose.yaml'],
  release: undefined,
  envFiles: [],
  profiles: [],
  project: undefined,
  tags: {},
  images: {},
  env: {},
  secrets: {},
  show: {},
  files: {},
  store: 'file://./.rewind',
  readyTimeoutSeconds: 300,
  database: undefined,
  passwords: {},
  retain: 10,
  verify: { http: [], sql: [], workflows: [], logs: { ignore: [] }, load: [], monitoring: [], rowsLost: 10 },
  assess: expect.objectContaining({ startAttempts: 3, slowMs: 5000, cpu: 0.95 }) as unknown,
  cache: undefined,
  infrastructure: undefined,
  notify: [],
  drift: { ignore: [] },
  key: undefined,
};

const messagesOf = (raw: Record<string, unknown>): string[] =>
  readSettings(raw).problems.map((problem) => problem.message);

describe('the settings of a stack', () => {
  test('all have a default', () => {
    expect(readSettings({})).toEqual({ settings: defaults, problems: [] });
  });

  test('are read as they stand in the configuration', () => {
    const { settings, problems } = readSettings({
      compose: ['a.yaml', 'b.yaml'],
      envFile: '.env.production',
      profiles: ['debug'],
      project: 'shop',
      tags: { api: 'v0.2.0' },
      env: { api: { LOG_LEVEL: 'debug' } },
      secrets: { api: { API_TOKEN: 'x' } },
      show: { api: ['REGION_NAME'] },
      files: { 'nginx.conf': 'sha256:abc' },
      store: 'file:///srv/rewind',
      readyTimeoutSeconds: '60',
      images: { 'api:v0.2.0': `sha256:${'a'.repeat(64)}` },
      database: { service: 'db', name: 'shop', user: 'shop', alembic: { service: 'api', table: 'revisions' } },
      passwords: { reports: 'x' },
      retain: '3',
      verify: { rowsLost: 0 },
      assess: { slowMs: 2000 },
      cache: { service: 'cache', flush: ['redis-cli', 'FLUSHDB'] },
      infrastructure: ['db', 'cache'],
      notify: [{ command: ['/usr/local/bin/page'], on: ['failure'] }],
      drift: { ignore: [{ what: 'db', reason: 'incident 42', until: '2026-12-31' }] },
      key: 'a2V5',
    });
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      compose: ['a.yaml', 'b.yaml'],
      envFiles: ['.env.production'],
      profiles: ['debug'],
      project: 'shop',
      tags: { api: 'v0.2.0' },
      env: { api: { LOG_LEVEL: 'debug' } },
      secrets: { api: { API_TOKEN: 'x' } },
      show: { api: ['REGION_NAME'] },
      files: { 'nginx.conf': 'sha256:abc' },
      store: 'file:///srv/rewind',
      readyTimeoutSeconds: 60,
      release: undefined,
      images: { 'api:v0.2.0': `sha256:${'a'.repeat(64)}` },
      database: { service: 'db', name: 'shop', user: 'shop', alembic: { service: 'api', table: 'revisions' } },
      passwords: { reports: 'x' },
      retain: 3,
      verify: { ...defaults.verify, rowsLost: 0 },
      assess: expect.objectContaining({ startAttempts: 3, slowMs: 2000 }) as unknown,
      cache: { service: 'cache', flush: ['redis-cli', 'FLUSHDB'], show: ['redis-cli', 'INFO', 'keyspace'] },
      infrastructure: ['db', 'cache'],
      notify: [{ command: ['/usr/local/bin/page'], on: ['failure'] }],
      drift: { ignore: [{ what: 'db', reason: 'incident 42', until: '2026-12-31' }] },
      key: 'a2V5',
    });
  });

  test('may name a release whose kept model runs instead of the files', () => {
    const read = (compose: unknown) => readSettings({ compose });
    expect(read({ release: 3, files: 'a.yaml' })).toMatchObject({
      settings: { release: 3, compose: ['a.yaml'] },
      problems: [],
    });
    expect(read({ release: '12' }).settings).toMatchObject({ release: 12, compose: ['compose.yaml'] });
    for (const bad of [{ release: 'r3' }, { release: 0 }, { release: 3, file: 'a.yaml' }, { files: ['a'] }, {}]) {
      expect(read(bad).problems).toMatchObject([{ code: 'config/invalid' }]);
    }
  });

  test('may be numbers and truth values where a text is meant, as YAML reads them', () => {
    const { settings, problems } = readSettings({
      tags: { api: 20260301 },
      env: { api: { WORKERS: 4, DEBUG: true, RATIO: 0.5 } },
      readyTimeoutSeconds: 1.5,
    });
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      tags: { api: '20260301' },
      env: { api: { WORKERS: '4', DEBUG: 'true', RATIO: '0.5' } },
      readyTimeoutSeconds: 1.5,
    });
  });

  test('are all documented', () => {
    expect(Object.keys(settingKeys).sort()).toEqual(
      [...Object.keys(defaults).filter((key) => !['envFiles', 'release'].includes(key)), 'envFile'].sort(),
    );
  });

  test.each(Object.entries(settingKeys))('have an example that is taken: %s', (key, { example }) => {
    // Pulumi decrypts what stands in the file as { secure: … }.
    const value: unknown = parse(example, (_key, inner: unknown) =>
      inner !== null && typeof inner === 'object' && 'secure' in inner ? 'https://decrypted' : inner,
    );
    const { settings, problems } = readSettings({ [key]: value });
    expect(problems).toEqual([]);
    expect(settings).not.toEqual(defaults);
  });
});

describe('the database', () => {
  const read = (database: object) => readSettings({ database: { service: 'db', ...database } }).settings.database;

  test('stands at the head, at a revision, or at one for each branch', () => {
    expect(read({ revision: 'head' })).toEqual({ service: 'db' });
    expect(read({ revision: '0003' })).toEqual({ service: 'db', revision: ['0003'] });
    expect(read({ revision: 42 })).toEqual({ service: 'db', revision: ['42'] });
    expect(read({ revision: ['b', 'a', 'b'] })).toEqual({ service: 'db', revision: ['a', 'b'] });
  });

  test('stays ready up to a size, as compose takes it', () => {
    expect(read({ readyUpTo: '500mb' })?.readyUpTo).toBe(500 * 1024 ** 2);
    expect(read({ readyUpTo: 0 })?.readyUpTo).toBe(0);
    expect(read({})?.readyUpTo).toBeUndefined();
  });

  test('was brought back from a snapshot, or from a database that was kept', () => {
    const at = '2026-11-24T10:15:00Z';
    expect(read({ restore: { snapshot: 's-1', at } })?.restore).toEqual({ source: { snapshot: 's-1' }, at });
    expect(read({ restore: { database: 'shop.before-1', at } })?.restore).toEqual({
      source: { database: 'shop.before-1' },
      at,
    });
  });
});

describe('a setting of the wrong shape is reported with its path', () => {
  test.each([
    [
      { database: { service: 'db', readyUpTo: 'much' } },
      'rewind:database.readyUpTo is not a size, e.g. 500mb, 2gb or 0.',
    ],
    [{ images: { 'api:v1': 'v1' } }, 'rewind:images["api:v1"] is not an image ID (sha256:…).'],
    [
      { database: { name: 'db' } },
      'rewind:database is not a map of {service, name?, user?, alembic?, revision?, restore?, readyUpTo?, verifier?, roles?, databases?, extensions?}.',
    ],
    [
      { database: { service: 'db', revision: [] } },
      'rewind:database.revision is not head, a revision, or a list of revisions.',
    ],
    [
      { database: { service: 'db', revision: ['0001', 'head'] } },
      'rewind:database.revision is not head, a revision, or a list of revisions.',
    ],
    [
      { database: { service: 'db', restore: { snapshot: 's-1' } } },
      'rewind:database.restore is not a map of {snapshot, at}.',
    ],
    [{ retain: 1.5 }, 'rewind:retain is not a whole number above 0.'],
    [{ retain: 0 }, 'rewind:retain is not a whole number above 0.'],
    [{ compose: 7 }, 'rewind:compose is not a text or a list of texts.'],
    [{ compose: '' }, 'rewind:compose is not a text or a list of texts.'],
    [{ compose: ['a.yaml', ''] }, 'rewind:compose is not a text or a list of texts.'],
    [{ envFile: { a: 1 } }, 'rewind:envFile is not a text or a list of texts.'],
    [{ profiles: [1] }, 'rewind:profiles is not a text or a list of texts.'],
    [{ project: ['shop'] }, 'rewind:project is not a text.'],
    [{ project: '' }, 'rewind:project is not a text.'],
    [{ tags: 'v1' }, 'rewind:tags is not a map.'],
    [{ tags: ['v1'] }, 'rewind:tags is not a map.'],
    [{ tags: null }, 'rewind:tags is not a map.'],
    [{ tags: { api: { tag: 'v1' } } }, 'rewind:tags.api is not a text.'],
    [{ tags: { api: null } }, 'rewind:tags.api is not a text.'],
    [{ env: { api: 'LOG_LEVEL=debug' } }, 'rewind:env.api is not a map.'],
    [{ env: { api: { A: ['b'] } } }, 'rewind:env.api.A is not a text.'],
    [{ secrets: { api: { A: null } } }, 'rewind:secrets.api.A is not a text.'],
    [{ show: { api: 'REGION' } }, 'rewind:show.api is not a list of environment keys.'],
    [{ show: ['REGION'] }, 'rewind:show is not a map.'],
    [{ files: { 'a.conf': {} } }, 'rewind:files.a.conf is not a text.'],
    [{ store: 's3://bucket/rewind' }, 'rewind:store is not a file:// URL.'],
    [{ readyTimeoutSeconds: 0 }, 'rewind:readyTimeoutSeconds is not a number of seconds above 0.'],
    [{ readyTimeoutSeconds: 'soon' }, 'rewind:readyTimeoutSeconds is not a number of seconds above 0.'],
    [{ readyTimeoutSeconds: [5] }, 'rewind:readyTimeoutSeconds is not a number of seconds above 0.'],
    [{ readyTimeoutSeconds: 'Infinity' }, 'rewind:readyTimeoutSeconds is not a number of seconds above 0.'],
    [{ readyTimeoutSeconds: true }, 'rewind:readyTimeoutSeconds is not a number of seconds above 0.'],
  ])('%j: %s', (raw, expected) => {
    expect(messagesOf(raw)).toEqual([expected]);
  });

  test('all of them at once', () => {
    expect(messagesOf({ compose: 7, tags: { api: {}, web: [] }, stroe: 'x' })).toEqual([
      'rewind:stroe is no setting.',
      'rewind:compose is not a text or a list of texts.',
      'rewind:tags.api is not a text.',
      'rewind:tags.web is not a text.',
    ]);
  });

  test('and the default stands in for it, so that what comes after it can go on', () => {
    expect(readSettings({ store: 's3://bucket', readyTimeoutSeconds: -1, tags: 'v1' }).settings).toEqual(defaults);
  });

  test('without showing its value, which may be secret', () => {
    const { problems } = readSettings({ secrets: { api: { A: ['hunter2'] } }, env: 'hunter2' });
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });
});

test.each(['rewindTags', 'toString', 'constructor'])('%s is no setting', (key) => {
  const { problems } = readSettings({ [key]: 'x' });
  expect(problems).toMatchObject([{ code: 'config/invalid', message: `rewind:${key} is no setting.` }]);
  expect(problems[0]!.fix).toContain('compose, envFile, profiles');
});

test.each([[1.1], [0.2], [1e21], [12345678901234567890]])(
  'a tag that YAML reads as the number %d is refused, as its spelling is lost',
  (tag) => {
    expect(messagesOf({ tags: { api: tag } })).toEqual([
      `rewind:tags.api is not a text: it was read as the number ${tag}, which may be spelled otherwise than it was written.`,
    ]);
    expect(readSettings({ tags: { api: tag } }).problems[0]!.fix).toContain('quotes');
  },
);
