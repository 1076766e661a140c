import { expect, test, vi } from 'vitest';

import { EarlyVerification, type Verify } from '../../../src/actions/early-verification';
import type { RecordedVerification } from '../../../src/operations/record';
import type { ReleaseRecord } from '../../../src/releases/record';

const found = (ok: boolean): RecordedVerification => ({ level: 'immediate', ok, seconds: 0, probes: [] });
const release = (number: number): ReleaseRecord => ({ number }) as ReleaseRecord;

function verifying(...results: RecordedVerification[]): ReturnType<typeof vi.fn<Verify>> {
  return vi.fn<Verify>(() => Promise.resolve(results.shift()!));
}

test('a verification that passes while the engine ends is the one of the release', async () => {
  const verify = verifying(found(true), found(false));
  const early = new EarlyVerification(verify);
  early.begin(release(3));
  expect(await early.of(release(3))).toEqual(found(true));
  expect(verify).toHaveBeenCalledTimes(1);
});

test.each([
  ['nobody has begun it', () => undefined],
  [
    'it fails before the engine has ended',
    (early: EarlyVerification) => {
      early.begin(release(3));
    },
  ],
  [
    'something has changed since it began',
    (early: EarlyVerification) => {
      early.begin(release(3));
      early.drop();
    },
  ],
  [
    'it was of another release',
    (early: EarlyVerification) => {
      early.begin(release(2));
    },
  ],
])('if %s, the stack is looked at when the engine has ended', async (_, before) => {
  const passing = found(true);
  let looks = 0;
  const early = new EarlyVerification(() => Promise.resolve(looks++ === 0 ? found(false) : passing));
  before(early);
  if (looks === 0) looks = 1;
  expect(await early.of(release(3))).toBe(passing);
});

test('whoever asks to stop in the middle of it ends it', async () => {
  const stop = new AbortController();
  const early = new EarlyVerification(
    () =>
      new Promise((_, reject) => {
        stop.signal.addEventListener('abort', () => {
          reject(new Error('stopped'));
        });
      }),
  );
  early.begin(release(3));
  stop.abort();
  await expect(early.of(release(3))).rejects.toThrow('stopped');
});

test('one that is dropped is told to stop', () => {
  const verify = verifying(found(true));
  const early = new EarlyVerification(verify);
  early.begin(release(3));
  early.drop();
  expect(verify.mock.calls[0]![1]!.aborted).toBe(true);
});
