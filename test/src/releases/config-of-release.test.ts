import { expect, test } from 'vitest';

import { configOfRelease } from '../../../src/releases/next-config';
import type { ReleaseRecord } from '../../../src/releases/record';

test('a release comes back with its configuration, but for what says where and how releases are kept', () => {
  const record = {
    number: 3,
    config: {
      'rewind:env': { api: { LOG_LEVEL: 'info' } },
      'rewind:store': 'file:///srv/old',
      'rewind:retain': 2,
      'aws:region': 'eu-central-1',
    },
    services: { api: { image: 'api:v1', imageId: 'sha256:1', containers: 1 } },
  } as unknown as ReleaseRecord;
  const today = {
    'rewind:env': {},
    'rewind:tags': { api: 'v2' },
    'rewind:store': 'file:///srv/new',
    'rewind:key': { secure: 'today' },
  };
  expect(configOfRelease(record, today)).toEqual({
    'rewind:env': { api: { LOG_LEVEL: 'info' } },
    'aws:region': 'eu-central-1',
    'rewind:store': 'file:///srv/new',
    'rewind:key': { secure: 'today' },
    'rewind:compose': { release: 3 },
    'rewind:images': { 'api:v1': 'sha256:1' },
  });
});
