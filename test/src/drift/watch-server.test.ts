import { networkInterfaces } from 'node:os';

import { afterEach, describe, expect, test } from 'vitest';

import { metricsText, type WatchState } from '../../../src/drift/metrics';
import { serveWatch, type WatchServer } from '../../../src/drift/watch-server';

const state: WatchState = {
  stack: 'shop/"dev"',
  release: 3,
  findings: [
    { id: 'container/api-1/state', severity: 'broken' },
    { id: 'container/web-1/state', severity: 'broken' },
    { id: 'database/index public.x', severity: 'changed' },
  ],
  ignored: 1,
  looks: 7,
  failures: 2,
  events: 40,
  fixes: 0,
  lookedAt: new Date(),
  seconds: 0.4,
};

let server: WatchServer | undefined;
afterEach(() => server?.close());

const get = async (path: string, host = '127.0.0.1'): Promise<Response> =>
  fetch(`http://${host}:${server!.port}${path}`);

describe('what answers for a watch', () => {
  test('tells Prometheus how much differs, and each metric once', async () => {
    server = await serveWatch(0, 60_000, () => state);
    const response = await get('/metrics');
    const text = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('rewind_drift_findings{stack="shop/\\"dev\\"",severity="broken"} 2');
    expect(text).toContain('rewind_drift_findings{stack="shop/\\"dev\\"",severity="information"} 0');
    expect(text).toContain('severity="changed",kind="database"} 1');
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const line of text.split('\n').filter((it) => it !== '' && !it.startsWith('#')))
      expect(line).toMatch(/^[a-z_]+\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\} \d+(\.\d+)?$/);
  });

  test('is well as long as the stack could be looked at lately', async () => {
    let now: WatchState = state;
    server = await serveWatch(0, 60_000, () => now);
    expect((await get('/healthz')).status).toBe(200);
    now = { ...state, lookedAt: new Date(Date.now() - 61_000), failure: 'no engine' };
    const late = await get('/healthz');
    expect([late.status, await late.json()]).toMatchObject([503, { ok: false, drift: 3, failure: 'no engine' }]);
    const { lookedAt: _, ...never } = state;
    now = never;
    expect((await get('/healthz')).status).toBe(503);
  });

  test('knows of nothing else', async () => {
    server = await serveWatch(0, 60_000, () => state);
    expect((await get('/')).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  test('is to be reached on this machine alone', async () => {
    server = await serveWatch(0, 60_000, () => state);
    const others = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others) await expect(get('/metrics', address)).rejects.toThrow();
  });

  test('says so where its port is taken', async () => {
    server = await serveWatch(0, 60_000, () => state);
    await expect(serveWatch(server.port, 60_000, () => state)).rejects.toThrow(/cannot be listened on: EADDRINUSE/);
  });
});

test('what was never looked at has no release and no time', () => {
  const { release: _, lookedAt: __, ...fresh } = state;
  const text = metricsText({ ...fresh, findings: [] });
  expect(text).not.toMatch(/^rewind_drift_(release|last_look)/m);
});
