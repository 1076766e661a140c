import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';

import { expect, test } from 'vitest';

import { pulumiLockIn } from '../../../src/actions/stack-lock';

const said = (host: string, pid: number): string =>
  'the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file ' +
  `with \`pulumi cancel\`.\n  file:///shop/locks/1.json: created by ann@${host} (pid ${pid}) at 2026-03-01T10:15:00Z`;

const deadPid = (): number => spawnSync(process.execPath, ['--version']).pid;

test('the lock of a process that lives says whose it is, and since when', () => {
  expect(pulumiLockIn(said(hostname(), process.pid))).toEqual({
    holder: `ann@${hostname()}, process ${process.pid} since 2026-03-01T10:15:00Z`,
    mayLive: true,
  });
});

test('only the lock of a dead process of this machine may be taken away', () => {
  const pid = deadPid();
  expect(pulumiLockIn(said(hostname(), pid))?.mayLive).toBe(false);
  expect(pulumiLockIn(said('elsewhere', pid))?.mayLive).toBe(true);
});

test('another failure is no lock', () => {
  expect(pulumiLockIn('Service api is unhealthy.')).toBeUndefined();
});
