import { expect, test } from 'vitest';

import { type Stats, usageOf } from '../../../src/assess/read-containers';

const second = 1e9;

/** Of a container on two processors, over a second in which it has used some of them. */
function statsOf(usedSeconds: number, throttled?: { readonly periods: number; readonly of: number }): Stats {
  const at = (own: number, all: number, periods: number, held: number) => ({
    cpu_usage: { total_usage: own * second },
    system_cpu_usage: all * second,
    online_cpus: 2,
    ...(throttled && { throttling_data: { periods, throttled_periods: held } }),
  });
  return {
    preread: '2026-01-01T00:00:00Z',
    read: '2026-01-01T00:00:01Z',
    precpu_stats: at(7, 100, 40, 3),
    cpu_stats: at(7 + usedSeconds, 102, 40 + (throttled?.of ?? 0), 3 + (throttled?.periods ?? 0)),
    memory_stats: { usage: 30, limit: 100, stats: { inactive_file: 10 } },
  };
}

const limitedTo = (cpus: number) => ({ HostConfig: { NanoCpus: cpus * 1e9 } });

test('what a container uses is a part of what it may', () => {
  expect(usageOf(statsOf(1), { HostConfig: {} })).toEqual({
    cpu: 0.5,
    throttled: 0,
    memoryBytes: 20,
    memoryLimitBytes: 100,
  });
  expect(usageOf(statsOf(0.25), limitedTo(0.5))?.cpu).toBeCloseTo(0.5);
  expect(usageOf(statsOf(0.25), { HostConfig: { CpuQuota: 50_000, CpuPeriod: 100_000 } })?.cpu).toBeCloseTo(0.5);
});

test('one that is held back in each period is at its limit, whatever the second that was looked at has caught', () => {
  expect(usageOf(statsOf(0.27, { periods: 10, of: 10 }), limitedTo(0.3))).toMatchObject({ throttled: 1 });
  expect(usageOf(statsOf(0.1, { periods: 0, of: 10 }), limitedTo(0.3))).toMatchObject({ throttled: 0 });
  expect(usageOf(statsOf(0.1, { periods: 0, of: 0 }), limitedTo(0.3))).toMatchObject({ throttled: 0 });
});

test('one that works for a moment, and is held back in that, is not', () => {
  const { cpu, throttled } = usageOf(statsOf(0.045, { periods: 3, of: 3 }), limitedTo(0.1))!;
  expect(throttled).toBeCloseTo(0.3);
  expect(cpu).toBeCloseTo(0.45);
});

test('one that has just ended uses nothing', () => {
  expect(usageOf({ ...statsOf(1), memory_stats: {} }, { HostConfig: {} })).toBeUndefined();
});
