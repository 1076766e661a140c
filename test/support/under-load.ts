import { setTimeout as sleep } from 'node:timers/promises';

import { exampleTool } from './example-tools';

/** A row that the example's API has said to have stored. */
export type Row = { kind: 'project'; id: number; name: string } | { kind: 'job'; id: string };

/** How the example is loaded while something is done to it. */
export interface LoadOptions {
  /** What is read, e.g. `http://127.0.0.1:8000/version`; rows are written to the same server. */
  readonly url: string;
  /** Requests a second; half of them write. */
  readonly rate: number;
  /** For so long before and after, in milliseconds. @default 2000 */
  readonly aroundMs?: number;
}

/** What its users would have seen. */
export interface UnderLoad<T> {
  readonly result: T;
  /** Rows that were acknowledged. */
  readonly rows: readonly Row[];
  /** Requests a second that were sent, whether or not they were answered. */
  readonly sentPerSecond: number;
  readonly requests: number;
  readonly failed: number;
  readonly downtimeMs: number;
  readonly p99Ms: number;
}

const longestSeconds = 120;

/** Does something while requests come in at a steady rate, from a little before to a little after. */
export async function underLoad<T>(
  { url, rate, aroundMs = 2000 }: LoadOptions,
  work: () => Promise<T>,
): Promise<UnderLoad<T>> {
  const { load } = await exampleTool('load.mjs');
  const rows: Row[] = [];
  const stop = new AbortController();
  const began = performance.now();
  const running = load({
    url,
    rate,
    seconds: longestSeconds,
    write: 0.5,
    signal: stop.signal,
    onAcknowledged: (row: Row) => rows.push(row),
  });
  let seconds: number;
  let result: T;
  try {
    await sleep(aroundMs);
    result = await work();
    await sleep(aroundMs);
  } finally {
    seconds = (performance.now() - began) / 1000;
    stop.abort();
    await running;
  }
  const { requests, failed, downtimeMs, p99Ms } = await running;
  return { result, rows, sentPerSecond: requests / seconds, requests, failed, downtimeMs, p99Ms };
}

/**
 * Which acknowledged rows are in none of these databases of the example.
 *
 * @param databases - by name. @default the live one
 */
export async function lostRows(
  project: string,
  rows: readonly Row[],
  databases: readonly string[] = ['apex'],
): Promise<Row[]> {
  const [{ databaseContainer, psql }, { missingRows }] = await Promise.all([
    exampleTool('database.mjs'),
    exampleTool('acknowledged.mjs'),
  ]);
  const container = await databaseContainer(project);
  let missing: Row[] = [...rows];
  for (const database of databases) {
    // One that a restore has kept is shut, so that nothing writes to it.
    await psql(container, `ALTER DATABASE "${database}" ALLOW_CONNECTIONS true;`, { database: 'postgres' });
    missing = await missingRows(missing, container, { database });
  }
  return missing;
}
