import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { bytes, durationMs, goDuration } from '../../../src/compose/units';

/** Go's Duration.String, in whole numbers: https://cs.opensource.google/go/go/+/refs/tags/go1.24.0:src/time/time.go */
function goPrints(nanoseconds: bigint): string {
  const decimal = (value: bigint, digits: number): string => {
    const text = value.toString().padStart(digits + 1, '0');
    const fraction = text.slice(text.length - digits).replace(/0+$/, '');
    return text.slice(0, text.length - digits) + (fraction && `.${fraction}`);
  };
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 3)}µs`;
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 6)}ms`;
  const minute = 60_000_000_000n;
  const hours = nanoseconds / (60n * minute);
  const minutes = (nanoseconds / minute) % 60n;
  const seconds = `${decimal(nanoseconds % minute, 9)}s`;
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${minutes}m${seconds}` : seconds;
}

const hundredHours = 360_000_000_000_000n;

describe('durations', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['1h0m0.25s', 3_600_250],
    ['250us', 0.25],
    ['250µs', 0.25],
  ])('%s is %d ms', (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });

  test.each(['', '5', 's', '-1s', '1 s', '1d', '1m 30s', '1m30', 'soon'])('%o is no duration', (text) => {
    expect(durationMs(text)).toBeUndefined();
  });

  test('a duration is the sum of its parts', () => {
    const part = fc.tuple(fc.nat(10_000), fc.constantFrom('ns', 'us', 'µs', 'ms', 's', 'm', 'h'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const each = parts.map(([value, unit]) => durationMs(`${value}${unit}`)!);
        const whole = durationMs(parts.map(([value, unit]) => `${value}${unit}`).join(''))!;
        expect(whole).toBeCloseTo(
          each.reduce((a, b) => a + b, 0),
          6,
        );
      }),
    );
  });

  test('whatever Go prints is read to the nanosecond and printed the same way again', () => {
    const magnitudes = [1_000n, 1_000_000n, 1_000_000_000n, 60_000_000_000n, hundredHours];
    const nanoseconds = fc.oneof(
      ...magnitudes.map((max) => fc.bigInt({ min: 0n, max })),
      ...magnitudes.map((unit) => fc.bigInt({ min: 0n, max: hundredHours / unit }).map((count) => count * unit)),
    );
    fc.assert(
      fc.property(nanoseconds, (ns) => {
        const text = goPrints(ns);
        const ms = durationMs(text);
        expect(Math.round(ms! * 1e6)).toBe(Number(ns));
        expect(goDuration(ms!)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('sizes', () => {
  test.each([
    [67_108_864, 67_108_864],
    ['67108864', 67_108_864],
    ['64m', 67_108_864],
    ['64MB', 67_108_864],
    ['1.5g', 1_610_612_736],
    ['2 kb', 2048],
    ['1t', 1_099_511_627_776],
    ['10b', 10],
    ['-1', -1],
  ])('%o is %d bytes', (text, expected) => {
    expect(bytes(text)).toBe(expected);
  });

  test.each(['', 'much', '1x', '1mm', 'm'])('%o is no size', (text) => {
    expect(bytes(text)).toBeUndefined();
  });
});
