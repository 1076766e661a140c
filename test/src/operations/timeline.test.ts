import { describe, expect, test, vi } from 'vitest';

import type { Step } from '../../../src/automation/program-run';
import { Timeline } from '../../../src/operations/timeline';

const step = (phase: Step['phase'], name: string, type = 'command:local:Command', op = 'update'): Step => ({
  phase,
  op,
  type,
  name,
  diffs: [],
});
const container = 'docker:index/container:Container';

describe('the timeline of an operation', () => {
  test('has each phase with the time that it took, and whether it went well', async () => {
    vi.useFakeTimers({ now: 0 });
    const timeline = new Timeline();
    await timeline.during('plan', () => {
      vi.advanceTimersByTime(1500);
      return Promise.resolve();
    });
    await expect(timeline.during('verify', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    vi.useRealTimers();
    expect(timeline.phases).toEqual([
      { name: 'plan', startedAt: '1970-01-01T00:00:00.000Z', seconds: 1.5, ok: true },
      { name: 'verify', startedAt: '1970-01-01T00:00:01.500Z', seconds: 0, ok: false },
    ]);
  });

  test('tells what an engine does by the phase that it belongs to, before it begins', () => {
    const begun: string[] = [];
    const timeline = new Timeline((name) => begun.push(name));
    timeline.step(step('begin', 'db-snapshot'));
    timeline.step(step('done', 'db-snapshot'));
    timeline.step(step('begin', 'db-restore'));
    timeline.step(step('failed', 'db-restore'));
    timeline.step(step('begin', 'shop-api-1', container, 'delete-replaced'));
    timeline.step(step('done', 'shop-api-1', container, 'delete-replaced'));
    timeline.step(step('begin', 'shop-api-1', container, 'create-replacement'));
    timeline.step(step('begin', 'db-verification'));
    timeline.endAll(true);
    expect(begun).toEqual(['protect', 'prepare', 'switch', 'verify']);
    const ok = Object.fromEntries(timeline.phases.map((phase) => [phase.name, phase.ok]));
    expect(ok).toEqual({ protect: true, prepare: false, switch: true, verify: true });
  });

  test('leaves out what changes nothing', () => {
    const timeline = new Timeline();
    timeline.step(step('begin', 'shop-api-1', container, 'same'));
    timeline.step(step('begin', 'shop', 'docker:index/network:Network', 'create'));
    timeline.endAll(true);
    expect(timeline.phases).toEqual([]);
  });
});
