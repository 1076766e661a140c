import { describe, expect, test, vi } from 'vitest';

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

  test('are not looked at again when nobody wants to know any more', async () => {
    const stop = new AbortController();
    let looks = 0;
    const running = runProbes(
      [
        probe('a', () => {
          looks++;
          setTimeout(() => {
            stop.abort();
          }, 50);
          return Promise.reject(new Error('not there'));
        }),
      ],
      { limitMs: 5000, signal: stop.signal },
    );
    await expect(running).rejects.toThrow(/abort/i);
    expect(looks).toBe(1);
  });

  test('are many at a time without a warning', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    await runProbes(
      Array.from({ length: 8 }, (_, at) =>
        probe(`p${at}`, async (signal) => {
          signal.addEventListener('abort', () => undefined);
          await new Promise((resolve) => setTimeout(resolve, 20));
          return 'there';
        }),
      ),
      { limitMs: 5000 },
    );
    await new Promise(setImmediate);
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });
});
