import { describe, expect, test } from 'vitest';

import type { ComposeService } from '../../../../src/compose/model';
import { containerOf, engineFacts, imageFacts, planOf, projectOf, refusalsOf } from '../../../support/compose-project';

test.each([
  [{ restart: 'always' }, { restart: 'always' }],
  [{ restart: 'on-failure:5' }, { restart: 'on-failure', maxRetryCount: 5 }],
  [{ restart: 'no' }, { restart: 'no' }],
  [{ stop_signal: 'SIGINT' }, { stopSignal: 'SIGINT' }],
  [{ stop_grace_period: '1m30s' }, { stopTimeout: 90, destroyGraceSeconds: 90 }],
  [{ stop_grace_period: '1.2s' }, { stopTimeout: 2, destroyGraceSeconds: 2 }],
] as [ComposeService, object][])('%j becomes %j', (keys, expected) => {
  expect(containerOf(keys)).toMatchObject(expected);
});

test('a container has ten seconds to stop unless the file says otherwise', () => {
  const spec = containerOf({});
  expect(spec.destroyGraceSeconds).toBe(10);
  expect(spec.stopTimeout).toBeUndefined();
});

describe('a health check', () => {
  test('is spelled as the engine reads it back', () => {
    const healthcheck = {
      test: ['CMD-SHELL', 'curl -f http://localhost'],
      interval: '90s',
      timeout: '500ms',
      start_period: '1m0s',
      retries: 5,
    };
    expect(containerOf({ healthcheck }).healthcheck).toEqual({
      tests: ['CMD-SHELL', 'curl -f http://localhost'],
      interval: '1m30s',
      timeout: '500ms',
      startPeriod: '1m0s',
      retries: 5,
    });
  });

  test.each([{ disable: true }, { test: ['NONE'] }])('can be turned off: %j', (healthcheck) => {
    expect(containerOf({ healthcheck }).healthcheck).toEqual({ tests: ['NONE'] });
  });

  test("takes from the image's what it leaves out", () => {
    const image = { ...imageFacts, healthcheck: { test: ['CMD', 'image'], intervalMs: 5000, retries: 4 } };
    expect(containerOf({ healthcheck: { timeout: '3s' } }, {}, { image }).healthcheck).toEqual({
      tests: ['CMD', 'image'],
      interval: '5s',
      timeout: '3s',
      retries: 4,
    });
    expect(containerOf({}, {}, { image }).healthcheck).toBeUndefined();
  });

  test('has an interval for the start only with Docker Engine 25 or newer', () => {
    const healthcheck = { test: ['CMD', 'x'], start_interval: '1s' };
    expect(refusalsOf({ healthcheck })).toMatchObject([
      { message: expect.stringMatching(/healthcheck.start_interval needs Docker Engine 25 .* API 1\.41/) as string },
    ]);
    const engine = { ...engineFacts, apiVersion: '1.44' };
    expect(containerOf({ healthcheck }, {}, { engine }).healthcheck).toMatchObject({ startInterval: '1s' });
  });

  test('is masked word by word if a secret is in it', () => {
    const healthcheck = { test: ['CMD', 'redis-cli', '-a', 'hunter22', 'ping'] };
    const spec = containerOf({ healthcheck, environment: { REDIS_PASSWORD: 'hunter22' } });
    expect(JSON.stringify(spec.healthcheck)).toBe('{"tests":["CMD","redis-cli","-a","[secret]","ping"]}');
  });
});

test('a service that others wait for to end is a one-shot job, which need not keep running', () => {
  const { services } = planOf(
    projectOf({
      api: { image: 'api', depends_on: { migrate: { condition: 'service_completed_successfully' } } },
      migrate: { image: 'api' },
    }),
  );
  expect(services.map(({ service, oneShot, containers }) => [service, oneShot, containers[0]!.mustRun])).toEqual([
    ['api', false, true],
    ['migrate', true, false],
  ]);
});
