import { expect, test } from 'vitest';

import { planText } from '../../../cli/output/plan-text';
import type { ReleasePlan } from '../../../src/actions/plan-release';
import { localTime } from '../../../cli/output/columns';
import { releaseRecord, releasedService } from '../../support/release-records';

const from = releaseRecord(4);
const to = releaseRecord(2, { message: 'the good one' });
const plan = (more: Partial<ReleasePlan>): ReleasePlan => ({
  stack: 'shop/dev',
  from,
  to,
  services: [],
  files: [],
  others: [],
  notInFiles: [],
  obstacles: [],
  ...more,
});

const head = `Going back from r4 to r2 (${localTime(new Date(to.startedAt))}, kim@box: the good one)`;

test('a plan that changes nothing says so, and no time that it takes', () => {
  expect(planText(plan({ seconds: 4 }))).toBe(`${head}\n\nIt changes nothing: that is what runs.`);
});

test('a plan of the data alone changes something', () => {
  const data = 'The data of db is brought back from s-20261124-101500.';
  expect(planText(plan({ only: 'database', data }))).toBe(
    [head.replace('to r2', 'to the database of r2'), data].join('\n\n'),
  );
});

test('a plan tells of each service what happens to it and why', () => {
  const service = { environment: [], keys: [] };
  const text = planText(
    plan({
      services: [
        {
          ...service,
          service: 'api',
          action: 'replace',
          image: {
            from: releasedService('shop/api:v2', { imageId: `sha256:${'b'.repeat(64)}` }),
            to: releasedService('shop/api:v1', {
              imageId: `sha256:${'a'.repeat(64)}`,
              builtAt: new Date(2026, 0, 2, 3, 4).toISOString(),
            }),
          },
          environment: [
            { key: 'LEVEL', from: 'debug', to: 'info' },
            { key: 'TOKEN', from: '[secret]' },
            { key: 'PORT', to: '80' },
          ],
          keys: [{ key: 'init', to: 'true' }],
        },
        { ...service, service: 'cron', action: 'stop' },
        { ...service, service: 'jobs', action: 'start' },
        { ...service, service: 'web', action: 'update' },
      ],
      seconds: 64,
    }),
  );
  expect(text).toBe(
    [
      head,
      `service api is replaced
    - image shop/api:v2 (sha256:bbbbbbbbbbbb)
    + image shop/api:v1 (sha256:aaaaaaaaaaaa, built 2026-01-02 03:04)
    env ~ LEVEL: debug → info
    env - TOKEN (was [secret])
    env + PORT=80
    + init=true`,
      'service cron is stopped and removed',
      'service jobs is started',
      'service web goes on running',
      'It takes about 1 min 4 s, as it did before.',
    ].join('\n\n'),
  );
});

test('a plan shows text files as a diff and others in a word', () => {
  const text = planText(
    plan({
      files: [
        { path: 'web.conf', diff: '-colour = red\n+colour = green\n' },
        { path: 'logo', diff: 'changed' },
      ],
    }),
  );
  expect(text).toContain('file web.conf\n    -colour = red\n    +colour = green\n\nfile logo: changed');
});

test('a plan says what else changes, what the compose file has otherwise, and what is in the way', () => {
  const text = planText(
    plan({
      others: ['network back', 'volume data'],
      data: 'The data stays.',
      notInFiles: ['service api: LEVEL', 'network front'],
      obstacles: [{ code: 'docker/missing-image', message: 'The image is gone.', fix: 'Pull it.' }],
    }),
  );
  expect(text).toBe(
    [
      head,
      'Also changed: network back, volume data',
      'The data stays.',
      'The compose file stays as it is. It differs from r2 in what follows; the next rewind deploy brings that back:\n    service api: LEVEL\n    network front',
      'This release cannot be brought back as it is:\n    The image is gone.\n      → Pull it.',
    ].join('\n\n'),
  );
});
