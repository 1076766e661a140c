// @ts-check
// Plain JavaScript without dependencies: the bootstrap needs it before anything is installed or built.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const heartbeatMs = 5_000;
const staleAfterMs = 60_000;
const pollMs = 200;

/**
 * @typedef {object} LockOptions
 * @property {(holder: string) => void} [onWait] called once, with what holds the lock, if it has to be waited for
 * @property {number} [timeoutMs] how long to wait; without it there is no limit
 * @property {AbortSignal} [signal] ends the waiting
 * @property {string} [what] what the lock is held for, to tell others
 */

/** Another process kept the lock for longer than this one wanted to wait. */
export class LockTimeout extends Error {
  /** @param {string} holder */
  constructor(holder) {
    super(`${holder} has not finished in time`);
    this.name = 'LockTimeout';
  }
}

/**
 * Runs `work` while holding a lock file, so that of several processes that set up the same thing one does it and the
 * others find it done. The lock of a process that died is taken over.
 *
 * @template T
 * @param {string} file the lock file; its folder is made if need be
 * @param {() => Promise<T>} work
 * @param {LockOptions} [options]
 * @returns {Promise<T>}
 * @throws LockTimeout
 */
export async function withLock(file, work, options = {}) {
  const token = await acquire(file, options);
  const heartbeat = setInterval(() => touch(file), heartbeatMs);
  heartbeat.unref();
  const release = () => {
    clearInterval(heartbeat);
    try {
      if (read(file)?.token === token) fs.rmSync(file, { force: true });
    } catch {
      // The disk has become read-only: when this process has ended, the lock is one of a dead process.
    }
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

/**
 * Who holds a lock; undefined if nobody does who is alive. Takes nothing away.
 *
 * @param {string} file
 * @returns {string | undefined}
 */
export function holderOf(file) {
  const holder = read(file);
  return holder === undefined || isAbandoned(file, holder) ? undefined : nameOf(holder);
}

/**
 * @param {string} file
 * @param {LockOptions} options
 * @returns {Promise<string>} a token that names this holder
 */
async function acquire(file, { onWait, timeoutMs = Infinity, signal, what }) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const token = `${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const started = Date.now();
  for (let waited = false; ; waited = true) {
    if (create(file, token, what)) return token;
    const holder = read(file);
    if (isAbandoned(file, holder)) {
      takeAway(file, holder?.token);
      continue;
    }
    const name = holder ? nameOf(holder) : 'another process';
    if (!waited) onWait?.(name);
    if (Date.now() - started >= timeoutMs) throw new LockTimeout(name);
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/**
 * The lock file appears with its content or not at all, so that nobody reads half of one.
 *
 * @param {string} file
 * @param {string} token
 * @param {string} [what]
 */
function create(file, token, what) {
  const draft = `${file}.${token}`;
  try {
    fs.writeFileSync(
      draft,
      JSON.stringify({ pid: process.pid, host: os.hostname(), started: startOf(process.pid), token, what }),
    );
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    return false;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/**
 * @param {string} file
 * @returns {{pid: number, host: string, started?: string, token: string, what?: string} | undefined}
 */
function read(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {{pid: number, host: string, what?: string}} holder */
function nameOf({ pid, host, what }) {
  return `${what === undefined ? '' : `${what}, `}process ${pid} on ${host}`;
}

/**
 * A holder that is known to live is never too old: by a clock that has jumped every lock may be.
 *
 * @param {string} file
 * @param {ReturnType<typeof read>} holder
 */
function isAbandoned(file, holder) {
  if (holder && holder.host === os.hostname()) {
    if (!isAlive(holder.pid)) return true;
    if (holder.started !== undefined && holder.started === startOf(holder.pid)) return false;
  }
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > staleAfterMs;
}

/**
 * Whether a process of this machine lives.
 *
 * @param {number} pid
 */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * When a process began, by a clock that does not jump: what tells it from a later one with the same number.
 *
 * @param {number} pid
 */
function startOf(pid) {
  try {
    return fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined; // not on Linux
  }
}

/**
 * What names this process for others, in one word; to be asked with {@link isGone}.
 *
 * @returns {string}
 */
export function processMark() {
  return [os.hostname(), process.pid, startOf(process.pid) ?? ''].join(':');
}

/**
 * Whether a process is known to have ended. One on another machine cannot be asked.
 *
 * @param {string} mark what {@link processMark} has told in that process
 * @returns {boolean}
 */
export function isGone(mark) {
  const [host, pid, started] = mark.split(':');
  if (host !== os.hostname()) return false;
  return !isAlive(Number(pid)) || (startOf(Number(pid)) ?? '') !== started;
}

/**
 * A process that has died and of which nobody has taken notice yet; where the first process takes notice of none, that
 * is for ever. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 *
 * @param {number} pid
 */
function isZombie(pid) {
  try {
    return /\) [ZX] [^)]*$/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false; // not on Linux
  }
}

/**
 * Removes an abandoned lock by renaming it first: of two processes that find it abandoned only one gets it, and if the
 * other had meanwhile locked afresh, its lock is put back.
 *
 * @param {string} file
 * @param {string | undefined} token
 */
function takeAway(file, token) {
  const aside = `${file}.abandoned-${process.pid}`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return;
  }
  if (read(aside)?.token === token) {
    fs.rmSync(aside, { force: true });
    return;
  }
  try {
    fs.linkSync(aside, file);
  } catch {
    // Someone else holds the lock by now.
  }
  fs.rmSync(aside, { force: true });
}

/** @param {string} file */
function touch(file) {
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch {
    // Taken away because this process slept too long; the release notices.
  }
}
