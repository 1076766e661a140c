import { describe, expect, test } from 'vitest';

import { type Probe, ProbeFailed, runProbes } from '../../../src/verify/probe';

const probe = (name: string, look: Probe['look'], attempts?: number): Probe => ({
  name,
  level: 'immediate',
  look,
  ...(attempts !== undefined && { attempts }),
});

describe('probes', () => {
  test('are all run, and all failures are told, in the order of the probes', async () => {
    const results = await runProbes(
      [
        probe('a', () => Promise.resolve('fine')),
        probe('b', () => Promise.reject(new ProbeFailed('broken', { evidence: 'line 3', mayPass: false }))),
        probe('c', () => Promise.reject(new Error('odd')), 1),
      ],
      { limitMs: 5000 },
    );
    expect(results).toMatchObject([
      { name: 'a', ok: true, said: 'fine' },
      { name: 'b', ok: false, said: 'broken', evidence: 'line 3' },
      { name: 'c', ok: false, said: 'odd' },
    ]);
  });

  test('that fail at first are looked at again, and say why', async () => {
    let looks = 0;
    const [result] = await runProbes(
      [
        probe('a', () => {
          looks++;
          return looks < 3 ? Promise.reject(new ProbeFailed(`look ${looks}`)) : Promise.resolve('there');
        }),
      ],
      { limitMs: 5000 },
    );
    expect(result).toMatchObject({ ok: true, said: 'there', retried: ['look 1', 'look 2'] });
  });

  test('end when the time is up, whatever hangs', async () => {
    const started = Date.now();
    const [result] = await runProbes([probe('a', () => new Promise(() => undefined))], { limitMs: 150 });
    expect(result).toMatchObject({ ok: false, said: 'no result within 0.15 s' });
    expect(Date.now() - started).toBeLessThan(2000);
  });

  test('can be given up', async () => {
    const stop = new AbortController();
    const running = runProbes([probe('a', () => new Promise(() => undefined))], {
      limitMs: 60_000,
      signal: stop.signal,
    });
    stop.abort();
    await expect(running).rejects.toThrow(/abort/i);
  });
});
