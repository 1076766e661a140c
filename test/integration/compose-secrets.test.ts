import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, execIn } from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';
import { TestStack } from '../support/stack';

const image = boxImages.plain;
const project = 'rewind-fixture-secrets';

/** By where it comes from: the value that a secret has at first, and the one that it is changed to. */
const secrets = {
  interpolated: ['interpolated-4711-first', 'interpolated-0815-second'],
  declared: ['declared-4711-first', 'declared-0815-second'],
  variable: ['variable-4711-first', 'variable-0815-second'],
  file: ['file-4711-first', 'file-0815-second'],
  environment: ['environment-4711-first', 'environment-0815-second'],
} as const;

const everySecret = Object.values(secrets).flat();

/** Services that hold a secret in one place each: its change alone has to make a new container. */
const inOnePlace: Readonly<Record<string, object>> = {
  command: { image, command: ['sh', '-c', 'true ${DB_PASSWORD}; exec serve'] },
  entrypoint: { image, entrypoint: ['sh', '-c', 'true ${DB_PASSWORD}; exec serve'] },
  variable: { image, environment: { DATABASE_URL: 'postgres://app:${DB_PASSWORD}@db/app' } },
  label: { image, labels: { 'org.example.dsn': 'postgres://app:${DB_PASSWORD}@db/app' } },
  check: { image, healthcheck: { test: ['CMD-SHELL', 'true ${DB_PASSWORD}'], interval: '1s' } },
  log: { image, logging: { driver: 'json-file', options: { tag: '${DB_PASSWORD}' } } },
  config: { image, configs: [{ source: 'settings', target: '/etc/settings.conf' }] },
  token: { image, secrets: ['token'] },
  key: { image, secrets: ['key'] },
};

const composeFile = (environment: string, check = 'test -n "${DB_PASSWORD}"'): object => ({
  services: {
    api: {
      image,
      command: ['sh', '-c', 'echo using ${DB_PASSWORD}; exec serve'],
      environment: {
        DATABASE_URL: 'postgres://app:${DB_PASSWORD}@db/app',
        SESSION_SECRET: environment,
        LOG_LEVEL: 'debug',
      },
      labels: { 'org.example.dsn': 'postgres://app:${DB_PASSWORD}@db/app' },
      healthcheck: { test: ['CMD-SHELL', check], interval: '1s', retries: 2 },
      logging: { driver: 'json-file', options: { tag: 'api-${DB_PASSWORD}' } },
      configs: [{ source: 'settings', target: '/etc/settings.conf' }],
      secrets: ['token', 'key'],
    },
    ...inOnePlace,
  },
  configs: { settings: { content: 'password = ${DB_PASSWORD}\n' } },
  secrets: { token: { environment: 'API_TOKEN' }, key: { file: './key.txt' } },
});

describe('a secret', () => {
  let stack: TestStack;
  /** Everything that pulumi has printed, by what it was asked to do. */
  const outputs: Record<string, string> = {};
  let first: Record<string, string>;

  async function give(version: 0 | 1): Promise<void> {
    await stack.write('.env', `DB_PASSWORD=${secrets.interpolated[version]}\nAPI_TOKEN=${secrets.variable[version]}\n`);
    await stack.write('key.txt', secrets.file[version]);
    await stack.write('compose.yaml', composeFile(secrets.environment[version]));
    await stack.configureSecret('secrets.api.API_KEY', secrets.declared[version]);
  }

  beforeAll(async () => {
    await makeBoxImages();
    stack = await TestStack.create(project);
    await give(0);
    outputs['the first preview'] = await stack.preview();
    outputs['the first update'] = await stack.up('--show-full-output');
    outputs['a refresh'] = await stack.refresh();
    first = await containerIds(project);
    await give(1);
    outputs['a preview of other values'] = await stack.preview();
    outputs['an update to other values'] = await stack.up('--show-full-output');
    outputs['the exported state'] = await stack.exported();
    outputs['the history'] = await stack.history();
    await stack.write('compose.yaml', composeFile(secrets.environment[1], 'echo not ${DB_PASSWORD}; exit 1'));
    outputs['a failed update'] = (await stack.tryUp('--show-full-output')).output;
  });

  afterAll(() => stack.remove());

  test('reaches the container', async () => {
    const env = await execIn(`${project}-api-1`, 'env');
    expect(env).toContain(`DATABASE_URL=postgres://app:${secrets.interpolated[1]}@db/app`);
    expect(env).toContain(`API_KEY=${secrets.declared[1]}`);
    expect(env).toContain(`SESSION_SECRET=${secrets.environment[1]}`);
    const files = await execIn(
      `${project}-api-1`,
      'cat',
      '/run/secrets/token',
      '/run/secrets/key',
      '/etc/settings.conf',
    );
    expect(files).toBe(`${secrets.variable[1]}${secrets.file[1]}password = ${secrets.interpolated[1]}`);
  });

  test.each([
    'the first preview',
    'the first update',
    'a refresh',
    'a preview of other values',
    'an update to other values',
    'the exported state',
    'the history',
    'a failed update',
  ])('does not show in %s', (what) => {
    expect(outputs[what]!.length).toBeGreaterThan(100);
    expect(everySecret.filter((secret) => outputs[what]!.includes(secret))).toEqual([]);
  });

  test.each(Object.keys(inOnePlace))('makes a new container when it changes in its one place: %s', async (service) => {
    const name = `${project}-${service}-1`;
    expect((await containerIds(project))[name]).not.toBe(first[name]);
  });

  test('shows in a preview that it changes', () => {
    expect(outputs['a preview of other values']).toMatch(/envs[\s\S]*\[secret\]/);
  });

  test('leaves in the output what is harmless', () => {
    expect(outputs['the first preview']).toContain('LOG_LEVEL=debug');
  });

  test('is masked in what a service says that does not get ready', () => {
    expect(outputs['a failed update']).toContain('[service/not-ready]');
    expect(outputs['a failed update']).toContain('not [secret]');
    expect(outputs['a failed update']).toContain('using [secret]');
  });

  test('is in no file of the backend', async () => {
    const found: string[] = [];
    const state = join(stack.directory, '.rewind', 'state');
    for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = await readFile(join(entry.parentPath, entry.name), 'utf8');
      found.push(
        ...everySecret.filter((secret) => content.includes(secret)).map((secret) => `${entry.name}: ${secret}`),
      );
    }
    expect(found).toEqual([]);
  });
});
