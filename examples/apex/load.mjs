#!/usr/bin/env node
// A bounded load on the example's API, and what its users would have seen of an outage meanwhile.
//
//   node examples/apex/load.mjs [--url http://127.0.0.1:8000/api/v1/projects] [--rate 50] [--seconds 10]
//     [--write 0.5] [--acknowledged rows.jsonl]
//
// With --write, that share of the requests stores a project or a job; --acknowledged keeps which of them the API has
// acknowledged, for acknowledged.mjs to look for. Only loopback addresses, at most 500 requests a second and at most 10
// minutes.

import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { request } from 'node:http';
import { isIP } from 'node:net';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const LIMITS = { rate: 500, seconds: 600 };
/** So many jobs are stored for each project. */
const JOBS_PER_PROJECT = 20;

/**
 * A row that the API has said to have stored.
 *
 * @typedef {{kind: 'project', id: number, name: string} | {kind: 'job', id: string}} Acknowledged
 */

/**
 * Sends requests at a steady rate, whether or not earlier ones were answered: a slow server cannot slow the load down.
 * Each has a connection of its own, as a new visitor has.
 *
 * @param {object} options
 * @param {string} options.url what is read, on a loopback address; rows are written to the same server
 * @param {number} [options.rate=50] requests a second
 * @param {number} [options.seconds=10] how long
 * @param {number} [options.timeoutMs=1000] later answers count as failures
 * @param {number} [options.write=0] share of the requests that write, from 0 to 1
 * @param {(row: Acknowledged) => void} [options.onAcknowledged] told of each row that the API has acknowledged
 * @param {AbortSignal} [options.signal] ends the load early; what was seen so far is returned
 * @returns {Promise<{requests: number, failed: number, downtimeMs: number, p50Ms: number, p99Ms: number,
 *   maxMs: number, answers: Record<string, number>, written: number}>} downtimeMs: the longest time from a request that
 *   failed to the next one sent that was answered; answers: how many by status, or by error code; written: how many
 *   rows were acknowledged
 */
export async function load({
  url,
  rate = 50,
  seconds = 10,
  timeoutMs = 1000,
  write = 0,
  onAcknowledged = () => {},
  signal,
}) {
  const target = checked(url, rate, seconds, write);
  const writer = new Writer(target, onAcknowledged);
  const sent = [];
  const began = performance.now();
  const total = Math.round(rate * seconds);
  while (sent.length < total && !signal?.aborted) {
    const at = (sent.length * 1000) / rate;
    const wait = began + at - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    // Evenly among the others, the same ones in every run.
    const isWrite = Math.floor((sent.length + 1) * write) > Math.floor(sent.length * write);
    sent.push((isWrite ? writer.send(timeoutMs) : ask(target, timeoutMs)).then(stamped(performance.now() - began)));
  }
  return { ...summary(await Promise.all(sent)), written: writer.written };
}

const stamped = (atMs) => (result) => ({ ...result, atMs });

/** Stores projects, and jobs for the latest one. */
class Writer {
  written = 0;
  #run = randomUUID().slice(0, 8);
  #sent = 0;
  #project;
  #origin;
  #onAcknowledged;

  constructor(origin, onAcknowledged) {
    this.#origin = origin;
    this.#onAcknowledged = onAcknowledged;
  }

  send(timeoutMs) {
    const number = ++this.#sent;
    return this.#project === undefined || number % (JOBS_PER_PROJECT + 1) === 0
      ? this.#storeProject(number, timeoutMs)
      : this.#storeJob(number, timeoutMs);
  }

  async #storeProject(number, timeoutMs) {
    const name = `Load ${this.#run} ${number}`;
    const result = await this.#post('/api/v1/projects', { name, location: 'Load', wind_speed_ms: 30 }, timeoutMs);
    if (result.answer === '201') {
      this.#project = result.document.id;
      this.#acknowledge({ kind: 'project', id: result.document.id, name });
    }
    return result;
  }

  async #storeJob(number, timeoutMs) {
    const project = this.#project;
    const sign = { width_m: 1 + (number % 12), height_m: 2, clearance_m: 2.5 };
    const result = await this.#post('/api/v1/jobs', { project_id: project, sign }, timeoutMs);
    if (result.answer === '202') this.#acknowledge({ kind: 'job', id: result.document.id });
    // Its project is no longer there: the data went back to a time before it.
    else if (result.answer === '404' && this.#project === project) this.#project = undefined;
    return result;
  }

  async #post(path, document, timeoutMs) {
    const { body, ...result } = await ask(new URL(path, this.#origin), timeoutMs, JSON.stringify(document));
    return { ...result, document: result.ok ? JSON.parse(body) : undefined };
  }

  #acknowledge(row) {
    this.written++;
    this.#onAcknowledged(row);
  }
}

function checked(url, rate, seconds, write) {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const loopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (target.protocol !== 'http:' || !loopback) {
    throw new RangeError(`${url}: the load goes to http:// on a loopback address only, such as http://127.0.0.1:8000/`);
  }
  for (const [name, value] of Object.entries({ rate, seconds })) {
    if (!(value > 0 && value <= LIMITS[name]))
      throw new RangeError(`${name} must be above 0 and at most ${LIMITS[name]}`);
  }
  if (!(write >= 0 && write <= 1)) throw new RangeError('write must be a share from 0 to 1');
  return target;
}

/** Reads a URL, or posts a document to it. */
function ask(target, timeoutMs, document) {
  const began = performance.now();
  const options = {
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    ...(document && { method: 'POST', headers: { 'content-type': 'application/json' } }),
  };
  return new Promise((resolve) => {
    const done = (answer, ok, body) => resolve({ ms: performance.now() - began, answer: String(answer), ok, body });
    const call = request(target, options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      // A list that is only read is thrown away as it comes.
      response.on('data', (text) => document && (body += text));
      response.on('error', (failure) => done(failure.code ?? failure.name, false));
      response.on('end', () => done(response.statusCode, response.statusCode < 400, body));
    });
    call.on('error', (failure) => done(failure.name === 'AbortError' ? 'timeout' : failure.code, false));
    call.end(document);
  });
}

function summary(results) {
  const times = results.filter(({ ok }) => ok).map(({ ms }) => ms);
  times.sort((a, b) => a - b);
  const at = (share) => round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  const answers = {};
  for (const { answer } of results) answers[answer] = (answers[answer] ?? 0) + 1;
  return {
    requests: results.length,
    failed: results.filter(({ ok }) => !ok).length,
    downtimeMs: round(longestOutage(results)),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: round(times.at(-1) ?? 0),
    answers,
  };
}

function longestOutage(results) {
  let longest = 0;
  let since;
  for (const { atMs, ok } of results) {
    if (!ok) since ??= atMs;
    if (since !== undefined) longest = Math.max(longest, atMs - since);
    if (ok) since = undefined;
  }
  return longest;
}

const round = (ms) => Math.round(ms * 10) / 10;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: `http://127.0.0.1:${process.env.APEX_API_PORT ?? 8000}/api/v1/projects` },
      rate: { type: 'string', default: '50' },
      seconds: { type: 'string', default: '10' },
      write: { type: 'string', default: '0' },
      acknowledged: { type: 'string' },
    },
  });
  // A line a row, written at once: it is there although the load is killed.
  const file = values.acknowledged && createWriteStream(values.acknowledged, { flags: 'a' });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const options = {
      url: values.url,
      rate: Number(values.rate),
      seconds: Number(values.seconds),
      write: Number(values.write),
      onAcknowledged: (row) => file?.write(`${JSON.stringify(row)}\n`),
      signal: stop.signal,
    };
    console.log(JSON.stringify(await load(options), null, 2));
  } catch (failure) {
    if (!(failure instanceof RangeError) && failure.code !== 'ERR_INVALID_URL') throw failure;
    console.error(failure.message);
    process.exitCode = 1;
  }
}
