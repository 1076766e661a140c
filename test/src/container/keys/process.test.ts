import { describe, expect, test } from 'vitest';

import type { ComposeService } from '../../../../src/compose/model';
import { Sensitive } from '../../../../src/sensitive';
import {
  containerOf,
  imageFacts,
  type PlanChanges,
  planOf,
  projectOf,
  refusalsOf,
} from '../../../support/compose-project';

test.each([
  [{ user: '1000:1000' }, { user: '1000:1000' }],
  [{ working_dir: '/srv' }, { workingDir: '/srv' }],
  [{ hostname: 'api' }, { hostname: 'api' }],
  [{ domainname: 'example.com' }, { domainname: 'example.com' }],
  [{ tty: true }, { tty: true }],
  [{ stdin_open: true }, { stdinOpen: true }],
  [{ init: false }, { init: false }],
  [{ runtime: 'runsc' }, { runtime: 'runsc' }],
  [{ command: ['serve', '--port', '80'] }, { command: ['serve', '--port', '80'] }],
  [{ entrypoint: ['/entry', ''] }, { entrypoints: ['/entry', ''] }],
] as [ComposeService, object][])('%j becomes %j', (keys, expected) => {
  expect(containerOf(keys)).toMatchObject(expected);
});

describe('a command with an empty word, which the provider drops', () => {
  test("stands behind the service's own entrypoint", () => {
    const spec = containerOf({ entrypoint: ['/entry'], command: ['--name', ''] });
    expect(spec.entrypoints).toEqual(['/entry', '--name', '']);
    expect(spec.command).toBeUndefined();
  });

  test("stands behind the image's entrypoint if the service has none", () => {
    const image = { ...imageFacts, entrypoint: ['/image'] };
    expect(containerOf({ command: ['--name', ''] }, {}, { image }).entrypoints).toEqual(['/image', '--name', '']);
    expect(containerOf({ command: ['echo', ''] }).entrypoints).toEqual(['echo', '']);
  });
});

test.each(['command', 'entrypoint'])('an empty %s, which is to clear what the image has, is refused', (key) => {
  expect(refusalsOf({ [key]: [] }).map(({ code }) => code)).toEqual(['compose/unsupported']);
});

test('a platform is stated unless it is that of the engine, as the engine reads it back without the architecture', () => {
  const planned = (platform: string) => planOf(projectOf({ api: { image: 'x', platform } })).services[0]!;
  expect(planned('linux/arm64').containers[0]!.platform).toBe('linux/arm64');
  expect(planned('linux/amd64').containers[0]!.platform).toBeUndefined();
  expect(planned('linux/arm64').readBackDiffers).toEqual(['platform']);
});

describe('environment variables', () => {
  /** The variables of a container as they would be shown. */
  const shown = (environment: Record<string, string | null>, changes: PlanChanges = {}): unknown =>
    JSON.parse(JSON.stringify(containerOf({ environment }, {}, changes).envs ?? null));

  test('are sorted by name; one without a value takes the variable away that the image sets', () => {
    expect(shown({ TZ: 'UTC', LOG_LEVEL: 'debug', EDITOR: null })).toEqual(['EDITOR', 'LOG_LEVEL=debug', 'TZ=UTC']);
  });

  test('are masked with their name unless that is plainly harmless, and whole for the provider', () => {
    const { envs } = containerOf({ environment: { DB_PASSWORD: 'hunter22', ANYTHING: 'else', DB_HOST: 'db' } });
    expect(JSON.stringify(envs)).toBe('["[secret]","DB_HOST=db","[secret]"]');
    expect(envs!.map((text) => (text instanceof Sensitive ? text.reveal() : text))).toEqual([
      'ANYTHING=else',
      'DB_HOST=db',
      'DB_PASSWORD=hunter22',
    ]);
  });

  test('may be shown by declaration, and hidden by it, which counts more', () => {
    const environment = { REGION_NAME: 'eu', LOG_LEVEL: 'debug' };
    expect(shown(environment, { shown: { api: ['REGION_NAME'] } })).toEqual(['LOG_LEVEL=debug', 'REGION_NAME=eu']);
    expect(shown(environment, { shown: { web: ['REGION_NAME'] } })).toEqual(['LOG_LEVEL=debug', '[secret]']);
    const declared = { api: { LOG_LEVEL: 'debug' } };
    expect(shown(environment, { shown: { api: ['LOG_LEVEL'] }, declared })).toEqual(['[secret]', '[secret]']);
  });

  test('are masked whatever their name if the value has a secret in it', () => {
    expect(shown({ DB_PASSWORD: 'hunter22', DB_HOST: 'x-hunter22-x', API_PORT: 'redis://:pw@cache' })).toEqual([
      '[secret]',
      '[secret]',
      '[secret]',
    ]);
  });
});

test('labels are carried over, and masked if a secret is in them', () => {
  const { labels } = containerOf({
    labels: { 'traefik.auth': 'admin:hunter22', team: 'web' },
    environment: { ADMIN_PASSWORD: 'hunter22' },
  });
  expect(labels.find(({ label }) => label === 'team')!.value).toBe('web');
  expect(labels.find(({ label }) => label === 'traefik.auth')!.value).toBeInstanceOf(Sensitive);
});
