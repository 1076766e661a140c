import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ask, check, walk } from '../../../src/verify/http';
import { type ProbeFailed } from '../../../src/verify/probe';

/** A service that keeps notes, as an application would. */
const notes = new Map<string, unknown>();
/** So many requests to come are answered with an error. */
let busy = 0;
let asked = 0;
let server: Server;
let endpoint: { host: string; port: number };
const never = new AbortController().signal;
const plain = { method: 'GET', headers: {}, body: undefined, withinMs: 1000 } as const;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    asked++;
    void bodyOf(request).then((body) => {
      if (busy > 0) {
        busy--;
        reply(503, { why: 'busy' });
        return;
      }
      if (request.url === '/slow') return;
      if (request.method === 'POST') {
        const id = `note ${notes.size + 1}`;
        notes.set(id, body);
        reply(201, { id });
        return;
      }
      const id = decodeURIComponent(request.url!.slice('/notes/'.length));
      if (notes.has(id)) reply(200, { id, note: notes.get(id) });
      else reply(404, { why: 'no such note' });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const failure = async (work: () => unknown): Promise<ProbeFailed> => {
  try {
    await work();
  } catch (error) {
    return error as ProbeFailed;
  }
  throw new Error('it did not fail');
};

describe('a request', () => {
  test('that is not answered in time fails, and says after what time', async () => {
    const { message } = await failure(() => ask(endpoint, { ...plain, path: '/slow', withinMs: 80 }, never));
    expect(message).toBe('no answer within 80 ms');
  });

  test('to a port where nobody listens says so', async () => {
    const { message } = await failure(() => ask({ host: '127.0.0.1', port: 1 }, { ...plain, path: '/' }, never));
    expect(message).toMatch(/connection refused|bad port/);
  });
});

describe('an answer', () => {
  const answer = (status: number, body: unknown) => ({ status, text: JSON.stringify(body), milliseconds: 1 });

  test.each([
    [{ status: 200 }, 'status 404 instead of 200'],
    [{ status: [200, 204] }, 'status 404 instead of 200 or 204'],
    [{}, 'status 404 instead of 200 to 299'],
    [{ status: 404, contains: 'yes' }, 'the answer does not have "yes"'],
    [{ status: 404, json: { '$.list[0].name': 'b' } }, '$.list[0].name: there is "a" instead of "b"'],
    [{ status: 404, has: ['$.none'] }, '$.none: there is nothing'],
  ])('is held against %j', async (expected, why) => {
    const { message, evidence } = await failure(() => {
      check(answer(404, { list: [{ name: 'a' }] }), expected);
    });
    expect(message).toBe(why);
    expect(evidence).toContain('"name":"a"');
  });

  test('passes by status, text and values at any depth, objects among them', () => {
    check(answer(200, { list: [{ name: 'a', size: [1, 2] }] }), {
      contains: 'name',
      json: { '$.list[*].name': 'a', '$..size': [1, 2] },
      has: ['$.list'],
    });
  });

  test('that is no JSON is said to be none', async () => {
    const { message } = await failure(() => {
      check({ status: 200, text: '<html>', milliseconds: 1 }, { has: ['$'] });
    });
    expect(message).toBe('the answer is no JSON');
  });
});

describe('a workflow', () => {
  const step = { service: 'notes', ...plain, withinMs: 1000, has: [], save: {} };
  const where = () => Promise.resolve(endpoint);

  test('hands on what it has saved, in paths, bodies and expectations', async () => {
    const steps = [
      { ...step, method: 'POST' as const, path: '/notes', body: { text: 'one' }, status: 201, save: { id: '$.id' } },
      { ...step, path: '/notes/${id}', json: { '$.note.text': 'one', '$.id': '${id}' } },
    ];
    expect(await walk({ name: 'notes', steps }, where, never)).toHaveLength(2);
  });

  test('names the step that fails, and is not begun again once something may have changed', async () => {
    const steps = [
      { ...step, method: 'POST' as const, path: '/notes', body: {}, status: 201 },
      { ...step, path: '/notes/none' },
    ];
    const { message, mayPass } = await failure(() => walk({ name: 'notes', steps }, where, never));
    expect(message).toBe('step 2, GET /notes/none: status 404 instead of 200 to 299');
    expect(mayPass).toBe(false);
  });

  test('asks a busy service again where a step only reads, and nothing else', async () => {
    const steps = [{ ...step, method: 'POST' as const, path: '/notes', body: {}, save: { id: '$.id' } }];
    const reading = { ...step, path: '/notes/${id}' };
    const where = (): Promise<typeof endpoint> => {
      if (asked === 1) busy = 2;
      return Promise.resolve(endpoint);
    };
    asked = 0;
    expect(await walk({ name: 'notes', steps: [...steps, reading] }, where, never)).toHaveLength(2);
    expect(asked).toBe(4);
    [busy, asked] = [1, 0];
    const { message } = await failure(() => walk({ name: 'notes', steps }, () => Promise.resolve(endpoint), never));
    expect(message).toBe('step 1, POST /notes: status 503 instead of 200 to 299');
    expect(asked).toBe(1);
  });
});
