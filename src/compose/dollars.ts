/** Undoes the doubling of `$` with which docker compose keeps its output readable as input, in keys and values. */
export function singleDollars<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll('$$', () => '$') as T;
  if (Array.isArray(value)) return value.map(singleDollars) as T;
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [singleDollars(key), singleDollars(inner as unknown)]),
    ) as T;
  }
  return value;
}
