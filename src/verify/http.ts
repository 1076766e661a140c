import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { JSONPath } from 'jsonpath-plus';

import { messageOf } from '../errors';
import type { Endpoint } from './endpoint';
import { ProbeFailed } from './probe';
import type { HttpCheck, Workflow } from './settings';

/** An answer of a service. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly milliseconds: number;
}

type Request = Pick<HttpCheck, 'path' | 'method' | 'headers' | 'body' | 'withinMs'>;

const longestAnswer = 1_000_000;
const longestEvidence = 500;

/**
 * Asks a service. Redirects are answers, not followed.
 *
 * @throws ProbeFailed if there is no answer in time
 */
export async function ask(
  { host, port }: Endpoint,
  { path, method, headers, body, withinMs }: Request,
  signal: AbortSignal,
): Promise<Answer> {
  const started = performance.now();
  // AbortSignal.any of Node.js 20 may lose a signal that nobody else holds on to.
  const stop = new AbortController();
  const late = { is: false };
  const timer = setTimeout(() => {
    late.is = true;
    stop.abort();
  }, withinMs);
  const give = (): void => {
    stop.abort(signal.reason);
  };
  signal.addEventListener('abort', give, { once: true });
  const isText = typeof body === 'string';
  try {
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(body !== undefined && !isText && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
      signal: stop.signal,
    });
    const text = (await response.text()).slice(0, longestAnswer);
    return { status: response.status, text, milliseconds: performance.now() - started };
  } catch (error) {
    throw new ProbeFailed(late.is ? `no answer within ${withinMs} ms` : `no answer: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', give);
  }
}

/** fetch tells in the cause what went wrong. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ECONNREFUSED') return 'connection refused';
  return cause instanceof Error && cause.message !== '' ? cause.message : messageOf(error);
}

type Expectation = Pick<HttpCheck, 'status' | 'contains' | 'json'> & Partial<Pick<HttpCheck, 'has'>>;

/**
 * Holds an answer against what is expected of it.
 *
 * @throws ProbeFailed
 */
export function check(answer: Answer, { status, contains, json = {}, has = [] }: Expectation): void {
  const { text } = answer;
  const fail = (why: string): never => {
    const evidence = text.trim().slice(0, longestEvidence);
    throw new ProbeFailed(why, evidence === '' ? {} : { evidence });
  };
  const wanted = status === undefined ? undefined : Array.isArray(status) ? status : [status];
  const isWanted = wanted ? wanted.includes(answer.status) : answer.status >= 200 && answer.status < 300;
  if (!isWanted) fail(`status ${answer.status} instead of ${wanted?.join(' or ') ?? '200 to 299'}`);
  if (contains !== undefined && !text.includes(contains)) fail(`the answer does not have ${JSON.stringify(contains)}`);
  if (Object.keys(json).length + has.length === 0) return;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    fail('the answer is no JSON');
  }
  for (const path of has) if (valuesAt(document, path).length === 0) fail(`${path}: there is nothing`);
  for (const [path, expected] of Object.entries(json)) {
    const found = valuesAt(document, path);
    if (found.some((value) => isDeepStrictEqual(value, expected))) continue;
    const is = found.length === 0 ? 'there is nothing' : `there is ${JSON.stringify(found[0])}`;
    fail(`${path}: ${is} instead of ${JSON.stringify(expected)}`);
  }
}

/** The values at a JSONPath: https://www.rfc-editor.org/rfc/rfc9535. Expressions in it are not run. */
export function valuesAt(document: unknown, path: string): unknown[] {
  if (document === null || typeof document !== 'object') return path === '$' ? [document] : [];
  return JSONPath<unknown[]>({ path, json: document, wrap: true, eval: false });
}

/**
 * Goes through the steps of a workflow, with what each answers handed on to the next.
 *
 * @param endpointFor - where a step's service is
 * @returns the times of the steps, in milliseconds
 * @throws ProbeFailed, naming the step
 */
export async function walk(
  { steps }: Workflow,
  endpointFor: (service: string, port?: number) => Promise<Endpoint>,
  signal: AbortSignal,
): Promise<number[]> {
  const saved: Record<string, unknown> = {};
  const times: number[] = [];
  for (const [index, step] of steps.entries()) {
    const where = `step ${index + 1}, ${step.method} ${step.path}`;
    try {
      const request = { ...step, path: filled(step.path, saved, true), body: filledIn(step.body, saved) };
      const expected = { ...step, ...(step.json && { json: filledIn(step.json, saved) as Record<string, unknown> }) };
      const answer = await insisting(step.method, signal, async () => {
        const answer = await ask(await endpointFor(step.service, step.port), request, signal);
        check(answer, expected);
        return answer;
      });
      times.push(answer.milliseconds);
      for (const [name, path] of Object.entries(step.save)) saved[name] = valueToSave(answer, path);
    } catch (error) {
      // A step may have changed something: the same again would not be the same.
      const evidence = error instanceof ProbeFailed ? error.evidence : undefined;
      const details = { ...(evidence !== undefined && { evidence }), mayPass: index === 0 };
      throw new ProbeFailed(`${where}: ${messageOf(error)}`, details);
    }
  }
  return times;
}

const looks = 3;
const pauseMs = 500;

/** What only reads may be asked again, as the probes of other kinds are: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
async function insisting<T>(method: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const isSafe = method === 'GET' || method === 'HEAD';
  for (let left = isSafe ? looks : 1; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 1 || signal.aborted) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function valueToSave({ text }: Answer, path: string): unknown {
  let found: unknown[] = [];
  try {
    found = valuesAt(JSON.parse(text), path);
  } catch {
    throw new ProbeFailed('the answer is no JSON');
  }
  if (found.length === 0) throw new ProbeFailed(`${path}: there is nothing`);
  return found[0];
}

const placeholder = /\$\{(\w+)\}/g;

function filled(text: string, saved: Readonly<Record<string, unknown>>, isUrl = false): string {
  return text.replaceAll(placeholder, (whole, name: string) => {
    if (!Object.hasOwn(saved, name)) return whole;
    const value = typeof saved[name] === 'string' ? saved[name] : JSON.stringify(saved[name]);
    return isUrl ? encodeURIComponent(value) : value;
  });
}

/** A value with the placeholders in its texts filled in; a text that is nothing else becomes the value itself. */
function filledIn(value: unknown, saved: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === 'string') {
    const only = /^\$\{(\w+)\}$/.exec(value)?.[1];
    return only !== undefined && Object.hasOwn(saved, only) ? saved[only] : filled(value, saved);
  }
  if (Array.isArray(value)) return value.map((item) => filledIn(item, saved));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, saved)]));
}
