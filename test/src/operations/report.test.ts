import { describe, expect, test } from 'vitest';

import type { OperationRecord } from '../../../src/operations/record';
import { renderReport } from '../../../src/operations/render-report';
import { reportOf } from '../../../src/operations/report';

const record: OperationRecord = {
  format: 1,
  number: 12,
  stack: 'shop/dev',
  kind: 'revert',
  what: 'revert to r3',
  message: 'checkout <broken> | slow',
  by: 'me@here',
  startedAt: '2026-11-27T03:00:00.000Z',
  finishedAt: '2026-11-27T03:00:08.000Z',
  result: 'put-back',
  failure: 'api did not get ready:\n```\n<boom>',
  phases: [
    { name: 'plan', startedAt: '2026-11-27T03:00:00.000Z', seconds: 1, ok: true },
    { name: 'switch', startedAt: '2026-11-27T03:00:02.000Z', seconds: 4, ok: false },
  ],
  before: {
    release: 4,
    images: { api: { image: 'api:v2', imageId: `sha256:${'a'.repeat(64)}` } },
    revisions: ['0003'],
  },
  after: { release: 3, images: { api: { image: 'api:v1', imageId: `sha256:${'b'.repeat(64)}` } }, revisions: ['0001'] },
  configuration: ['rewind:env.api.LOG_LEVEL: debug → info'],
  loss: ['    public.zones: 7 rows'],
  previous: '',
};

describe('a report', () => {
  test('as text says what, why, when, by whom and what came of it', () => {
    const text = renderReport(reportOf(record), 'text');
    expect(text).toMatch(/^shop\/dev: revert to r3 \(o12\)\n/);
    for (const part of [
      'me@here',
      'checkout <broken> | slow',
      'r4 → r3',
      '0003 → 0001',
      'api:v1 (sha256:bbbbbbbbbbbb)',
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/2\.0 s {2}switch +4\.0 s {2}failed/);
    expect(text).toContain('public.zones: 7 rows');
    expect(text).toMatch(/Root cause\n {2}\(To be written\.\)/);
  });

  test('as Markdown keeps its tables and fences whole', () => {
    const text = renderReport(reportOf(record), 'markdown');
    expect(text).toContain(String.raw`| why | checkout <broken> \| slow |`);
    expect(text).toContain('````\napi did not get ready:\n```\n<boom>\n````');
    expect(text).toContain('## Timeline');
  });

  test('as HTML is one page that loads nothing, and shows what it tells of as text', () => {
    const page = renderReport(reportOf(record), 'html');
    expect(page).toContain('checkout &lt;broken&gt; | slow');
    expect(page).not.toContain('<boom>');
    expect(page).not.toMatch(/<(script|link|img|iframe)|https?:\/\//);
    expect(page).toContain('class="bar failed" style="left:25.00%;width:50.00%"');
  });

  test('shows what was seen before, and what was found wrong', () => {
    const text = renderReport(
      reportOf(
        {
          ...record,
          assessment: {
            triggers: [{ id: 'unhealthy', title: 'health checks fail', service: 'api', evidence: '3 in a row' }],
            advice: { strategy: 'revert', why: 'it began with r4' },
          },
        },
        {
          at: '2026-11-27T03:00:00.000Z',
          containers: [
            {
              ...{ name: 'shop-api-1', service: 'api', image: 'api:v2', imageId: 'sha256:a', state: 'exited' },
              ...{ exitCode: 137, startedAt: '2026-11-27T02:00:00.123Z', restarts: 3, program: 'sh' },
              ...{ environment: [], mounts: [], networks: [], log: ['killed'] },
            },
          ],
        },
      ),
      'text',
    );
    expect(text).toContain('✘ health checks fail (api)\n      3 in a row');
    expect(text).toMatch(/shop-api-1 +exited \(137\) +3 +2026-11-27T02:00:00Z/);
    expect(text).toContain('shop-api-1:\n      killed');
  });
});
