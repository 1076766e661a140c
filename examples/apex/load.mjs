#!/usr/bin/env node
// A bounded load on the example's API, and what its users would have seen of an outage meanwhile.
//
//   node examples/apex/load.mjs [--url http://127.0.0.1:8000/api/v1/projects] [--rate 50] [--seconds 10]
//
// Only loopback addresses, at most 500 requests a second and at most 10 minutes.

import { request } from 'node:http';
import { isIP } from 'node:net';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const LIMITS = { rate: 500, seconds: 600 };

/**
 * Sends requests at a steady rate, whether or not earlier ones were answered: a slow server cannot slow the load down.
 * Each has a connection of its own, as a new visitor has.
 *
 * @param {object} options
 * @param {string} options.url on a loopback address
 * @param {number} [options.rate] requests a second. @default 50
 * @param {number} [options.seconds] how long. @default 10
 * @param {number} [options.timeoutMs] later answers count as failures. @default 1000
 * @param {AbortSignal} [options.signal] ends the load early; what was seen so far is returned
 * @returns {Promise<{requests: number, failed: number, downtimeMs: number, p50Ms: number, p99Ms: number,
 *   maxMs: number, answers: Record<string, number>}>} downtimeMs: the longest time from a request that failed to the
 *   next one sent that was answered; answers: how many by status, or by error code
 */
export async function load({ url, rate = 50, seconds = 10, timeoutMs = 1000, signal }) {
  const target = checked(url, rate, seconds);
  const sent = [];
  const began = performance.now();
  const total = Math.round(rate * seconds);
  while (sent.length < total && !signal?.aborted) {
    const at = (sent.length * 1000) / rate;
    const wait = began + at - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    sent.push(ask(target, timeoutMs, performance.now() - began));
  }
  return summary(await Promise.all(sent));
}

function checked(url, rate, seconds) {
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
  return target;
}

function ask(target, timeoutMs, atMs) {
  const began = performance.now();
  return new Promise((resolve) => {
    const done = (answer, ok) => resolve({ atMs, ms: performance.now() - began, answer: String(answer), ok });
    const call = request(target, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.resume();
      response.on('error', (failure) => done(failure.code ?? failure.name, false));
      response.on('end', () => done(response.statusCode, response.statusCode < 400));
    });
    call.on('error', (failure) => done(failure.name === 'AbortError' ? 'timeout' : failure.code, false));
    call.end();
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
    },
  });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const options = {
      url: values.url,
      rate: Number(values.rate),
      seconds: Number(values.seconds),
      signal: stop.signal,
    };
    console.log(JSON.stringify(await load(options), null, 2));
  } catch (failure) {
    if (!(failure instanceof RangeError) && failure.code !== 'ERR_INVALID_URL') throw failure;
    console.error(failure.message);
    process.exitCode = 1;
  }
}
