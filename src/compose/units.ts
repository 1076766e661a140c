const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/**
 * A duration as docker compose prints it (`1m30s`, `500ms`), in milliseconds. The spelling is that of Go:
 * https://pkg.go.dev/time#Duration.String
 *
 * @returns undefined if the text is no duration.
 */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gy)];
  if (parts.length === 0 || parts.map((p) => p[0]).join('') !== text) return undefined;
  return parts.reduce((sum, [, value, unit]) => sum + Number(value) * unitMs[unit!]!, 0);
}

/** Milliseconds in the spelling of Go's Duration.String, which is how Docker reads a duration back. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1) return ms < 1e-3 ? `${trim(ms * 1e6)}ns` : `${trim(ms * 1e3)}µs`;
  if (ms < 1000) return `${trim(ms)}ms`;
  const hours = Math.floor(ms / 3.6e6);
  const minutes = Math.floor((ms % 3.6e6) / 6e4);
  const seconds = `${trim((ms % 6e4) / 1000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trim(value: number): string {
  return String(Number(value.toFixed(9)));
}

/** Bytes of a compose size. `docker compose config` prints plain bytes; hand-written ones may carry a unit (`64m`). */
export function bytes(value: string | number): number | undefined {
  if (typeof value === 'number') return value;
  const match = /^(-?\d+(?:\.\d+)?)\s*(b|k|kb|m|mb|g|gb|t|tb)?$/i.exec(value.trim());
  if (!match) return undefined;
  const power = ' kmgt'.indexOf((match[2] ?? ' ').toLowerCase().replace('b', ' ').charAt(0));
  return Math.round(Number(match[1]) * 1024 ** Math.max(power, 0));
}

export const mebibyte = 1024 * 1024;
