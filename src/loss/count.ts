/** How many there are of something. */
export interface Count {
  readonly value: number;
  /**
   * `exact`: counted. `estimate`: what the server's statistics say, as counting took too long. `at most`: not all of
   * these need be concerned.
   */
  readonly kind: 'exact' | 'estimate' | 'at most';
}

/** Nothing. */
export const none: Count = { value: 0, kind: 'exact' };

/** Several counts as one. */
export function sum(counts: readonly Count[]): Count {
  const value = counts.reduce((total, count) => total + count.value, 0);
  const kinds = new Set(counts.filter((count) => count.value > 0).map(({ kind }) => kind));
  return { value, kind: kinds.has('estimate') ? 'estimate' : kinds.has('at most') ? 'at most' : 'exact' };
}

/** `1,204 rows`, `about 3,000,000 rows (estimated: counting takes too long)`. */
export function countText({ value, kind }: Count, one: string, many = `${one}s`): string {
  const text = `${value.toLocaleString('en')} ${value === 1 ? one : many}`;
  if (kind === 'estimate') return `about ${text} (estimated, as counting takes too long)`;
  return kind === 'at most' ? `up to ${text}` : text;
}
