import { beforeEach, expect, test } from 'vitest';

import { Lines } from '../../../cli/output/progress';
import type { PreparedStack } from '../../../src/actions/prepare-stack';
import type { Step } from '../../../src/automation/program-run';

let lines: string[];
let progress: Lines;

beforeEach(() => {
  lines = [];
  progress = new Lines({ write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream);
});

const container = 'docker:index/container:Container';
const step = (phase: Step['phase'], op: string, name: string, more: Partial<Step> = {}): Step => ({
  phase,
  op,
  name,
  type: container,
  diffs: [],
  ...more,
});
const prepared = (containers: Record<string, string[]>): PreparedStack =>
  ({
    services: Object.entries(containers).map(([service, names]) => ({
      service,
      containers: names.map((name) => ({ name })),
    })),
  }) as unknown as PreparedStack;

/** What was written, without the times. */
const written = (): string[] => lines.map((line) => line.trimEnd().replace(/ \([\d.]+ m?s\)$/, ''));

test('a replaced service has a line for each thing that is done to it, until it is ready', async () => {
  await progress.phase('deploy');
  progress.prepared(prepared({ api: ['shop-api-1'], web: ['shop-web-1'] }));
  progress.step(step('begin', 'delete-replaced', 'shop-api-1'));
  progress.step(step('done', 'delete-replaced', 'shop-api-1'));
  progress.step(step('begin', 'create-replacement', 'shop-api-1'));
  progress.step(step('done', 'create-replacement', 'shop-api-1'));
  progress.ready('api');
  progress.ready('web');
  await progress.end(true);
  expect(written()).toEqual([
    'deploy',
    '  api: stopping',
    '  api: starting',
    '  api: started, not ready yet',
    '✔ api: ready',
  ]);
});

test('of what stays the same, and of anything but containers, nothing is said', async () => {
  await progress.phase('deploy');
  progress.prepared(prepared({ api: ['shop-api-1'] }));
  progress.step(step('begin', 'same', 'shop-api-1'));
  progress.step(step('begin', 'refresh', 'shop-api-1'));
  progress.step(step('begin', 'create', 'shop_back', { type: 'docker:index/network:Network' }));
  await progress.end(true);
  expect(written()).toEqual(['deploy']);
});

test('a service that goes is stopped, and named by what it belonged to', async () => {
  await progress.phase('deploy');
  progress.step(step('begin', 'delete', 'shop-old-1', { parent: 'old' }));
  progress.step(step('done', 'delete', 'shop-old-1', { parent: 'old' }));
  await progress.end(true);
  expect(written()).toEqual(['deploy', '  old: stopping', '✔ old: stopped']);
});

test('a failure ends the services that were at it', async () => {
  await progress.phase('deploy');
  progress.prepared(prepared({ api: ['shop-api-1'], web: ['shop-web-1'] }));
  progress.step(step('begin', 'create', 'shop-api-1'));
  progress.step(step('begin', 'create', 'shop-web-1'));
  progress.step(step('failed', 'create', 'shop-web-1'));
  await progress.end(false);
  expect(written()).toEqual(['deploy', '  api: starting', '  web: starting', '✖ web: failed', '✖ api: failed']);
});

test('each phase has lines of its own', async () => {
  await progress.phase('deploy');
  progress.step(step('begin', 'create', 'api'));
  await progress.phase('putting back r1');
  progress.step(step('begin', 'create', 'api'));
  progress.ready('api');
  await progress.end(true);
  expect(written()).toEqual([
    'deploy',
    '  api: starting',
    '✖ api: failed',
    'putting back r1',
    '  api: starting',
    '✔ api: ready',
  ]);
});
