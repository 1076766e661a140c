import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { holderOf, LockTimeout, withLock } from '../../src/lock.mjs';
import { tempFolder } from '../toolchain/temp-folder';

const holder = path.join(import.meta.dirname, 'lock-holder.mjs');

function hold(file: string, ms: number, log: string): { ended: Promise<void>; kill: () => void } {
  const child = spawn(process.execPath, [holder, file, String(ms), log], { stdio: 'inherit' });
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  return { ended, kill: () => child.kill('SIGKILL') };
}

const lines = (file: string) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n') : []);

test('of several processes only one at a time is inside', async () => {
  const folder = tempFolder();
  const [file, log] = [path.join(folder, 'sub', 'lock'), path.join(folder, 'log')];
  await Promise.all([1, 2, 3, 4].map(() => hold(file, 30, log).ended));
  const entries = lines(log).map((line) => line.split(' '));
  expect(entries).toHaveLength(8);
  for (let i = 0; i < 8; i += 2) {
    expect(entries[i]![0]).toBe('in');
    expect(entries[i + 1]).toEqual(['out', entries[i]![1]]);
  }
  expect(fs.readdirSync(path.dirname(file))).toEqual([]);
});

test('the lock of a process that was killed is taken over at once', async () => {
  const folder = tempFolder();
  const [file, log] = [path.join(folder, 'lock'), path.join(folder, 'log')];
  const other = hold(file, 60_000, log);
  await vi.waitFor(
    () => {
      expect(lines(log)).toHaveLength(1);
    },
    { timeout: 5_000 },
  );
  other.kill();
  await other.ended;
  expect(fs.existsSync(file)).toBe(true);
  await expect(withLock(file, () => Promise.resolve('mine'), { timeoutMs: 1_000 })).resolves.toBe('mine');
});

test('who waits is told for whom, and gives up after its time', async () => {
  const folder = tempFolder();
  const [file, log] = [path.join(folder, 'lock'), path.join(folder, 'log')];
  const other = hold(file, 60_000, log);
  await vi.waitFor(
    () => {
      expect(lines(log)).toHaveLength(1);
    },
    { timeout: 5_000 },
  );
  const onWait = vi.fn();
  await expect(withLock(file, () => Promise.resolve(), { timeoutMs: 300, onWait })).rejects.toThrow(LockTimeout);
  expect(onWait).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^process \d+ on /));
  other.kill();
  await other.ended;
});

test('a lock is given up when the work fails', async () => {
  const file = path.join(tempFolder(), 'lock');
  await expect(withLock(file, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(fs.existsSync(file)).toBe(false);
});

test('a lock of a machine that went away is taken over when it is old', async () => {
  const file = path.join(tempFolder(), 'lock');
  fs.writeFileSync(file, JSON.stringify({ pid: 1, host: 'elsewhere', token: 'x' }));
  const onWait = vi.fn();
  await expect(withLock(file, () => Promise.resolve(), { timeoutMs: 250, onWait })).rejects.toThrow(
    'process 1 on elsewhere',
  );
  const longAgo = new Date(Date.now() - 3_600_000);
  fs.utimesSync(file, longAgo, longAgo);
  await expect(withLock(file, () => Promise.resolve('mine'), { timeoutMs: 250 })).resolves.toBe('mine');
});

test('a lock of a process that lives is not taken over, however old it looks by a clock that has jumped', async () => {
  const file = path.join(tempFolder(), 'lock');
  await withLock(file, async () => {
    const longAgo = new Date(Date.now() - 7_200_000);
    fs.utimesSync(file, longAgo, longAgo);
    expect(holderOf(file)).toContain(`process ${process.pid}`);
    await expect(withLock(file, () => Promise.resolve('inside'), { timeoutMs: 0 })).rejects.toThrow(LockTimeout);
  });
});
