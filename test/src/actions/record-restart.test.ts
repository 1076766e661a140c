import { expect, test } from 'vitest';

import { recordRestart } from '../../../src/actions/record-restart';
import { OperationLog } from '../../../src/operations/operation-log';
import { renderReport } from '../../../src/operations/render-report';
import { reportOf } from '../../../src/operations/report';
import { ReleaseStore } from '../../../src/releases/release-store';
import { tempFolder } from '../../support/temp-folder';

const name = 'shop/dev';

test('a restart leaves a record: of what, how it ended, what it took away, and what was seen before', async () => {
  const releases = new ReleaseStore(tempFolder(), name);
  const seen = { at: '2026-11-27T03:00:00.000Z', containers: [] };
  const restart = { startedAt: new Date(), services: ['page', 'api'], seen } as const;
  await recordRestart({ name, releases }, { ...restart, result: 'done', emptied: 'cache' });
  await recordRestart({ name, releases }, { ...restart, result: 'broken', failure: 'Service api did not get ready' });
  const log = new OperationLog(releases, name);
  const [first, second] = (await log.list()).map((it) => ('record' in it ? it.record : undefined));
  expect(first).toMatchObject({ kind: 'restart', what: 'restart of api, page', result: 'done' });
  expect(first?.loss).toEqual(['cache: all that it held']);
  expect(await log.evidence(first!)).toEqual(seen);
  const text = renderReport(reportOf(second!), 'text');
  expect(text).toMatch(/^shop\/dev: restart of api, page \(o2\)/);
  expect(text).toContain('Service api did not get ready');
});
