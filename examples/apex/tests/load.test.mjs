import { strict as assert } from 'node:assert';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { load } from '../load.mjs';

async function withServer(answer, use) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test('a server that answers every request shows no outage', async () => {
  const seen = await withServer(
    (_request, response) => response.end('ok'),
    (url) => load({ url, rate: 100, seconds: 0.5 }),
  );
  assert.deepEqual([seen.requests, seen.failed, seen.downtimeMs, seen.answers], [50, 0, 0, { 200: 50 }]);
});

test('an outage is as long as no request sent in it was answered', async () => {
  const began = Date.now();
  const isDown = () => Date.now() - began > 200 && Date.now() - began < 500;
  const seen = await withServer(
    (_request, response) => ((response.statusCode = isDown() ? 503 : 200), response.end()),
    (url) => load({ url, rate: 100, seconds: 0.8 }),
  );
  assert(seen.downtimeMs > 230 && seen.downtimeMs < 370, `${seen.downtimeMs}`);
  assert.equal(seen.failed, seen.answers[503]);
});

test('a server that hangs slows nothing down and counts as failed', async () => {
  const seen = await withServer(
    () => {},
    (url) => load({ url, rate: 50, seconds: 0.4, timeoutMs: 100 }),
  );
  assert.deepEqual([seen.requests, seen.failed, seen.answers], [20, 20, { timeout: 20 }]);
});

/** An API that stores what it is sent, as the example's does: projects by number, jobs for those it has. */
function storing(state) {
  return (request, response) => {
    let body = '';
    request.on('data', (text) => (body += text));
    request.on('end', () => {
      const answer = (status, document) => {
        response.statusCode = state.away?.() ? 503 : status;
        response.end(JSON.stringify(document));
      };
      if (request.method === 'GET') return answer(200, {});
      const document = JSON.parse(body);
      if (request.url === '/api/v1/projects') {
        if (state.away?.()) return answer(503, {});
        state.projects.push(document.name);
        return answer(201, { id: state.projects.length });
      }
      if (state.projects[document.project_id - 1] === undefined) return answer(404, {});
      if (state.away?.()) return answer(503, {});
      state.jobs.push(document.project_id);
      return answer(202, { id: `job-${state.jobs.length}` });
    });
  };
}

test('the wanted share of the requests writes, and every row that was acknowledged is told', async () => {
  const state = { projects: [], jobs: [] };
  const told = [];
  const seen = await withServer(storing(state), (url) =>
    load({ url: `${url}read`, rate: 200, seconds: 0.5, write: 0.6, onAcknowledged: (row) => told.push(row) }),
  );
  assert.deepEqual([seen.requests, seen.failed, seen.written, seen.answers[200]], [100, 0, 60, 40]);
  assert.deepEqual(
    told.filter(({ kind }) => kind === 'project').map(({ id, name }) => [id, name]),
    state.projects.map((name, index) => [index + 1, name]),
  );
  assert.equal(new Set(state.projects).size, state.projects.length);
  assert.deepEqual(
    told.filter(({ kind }) => kind === 'job').map(({ id }) => id),
    state.jobs.map((_, index) => `job-${index + 1}`),
  );
  assert(state.jobs.length > 40, `${state.jobs.length} jobs`);
});

test('what was not acknowledged is not told', async () => {
  const began = Date.now();
  const state = { projects: [], jobs: [], away: () => Date.now() - began > 200 && Date.now() - began < 400 };
  const told = [];
  const seen = await withServer(storing(state), (url) =>
    load({ url, rate: 100, seconds: 0.6, write: 1, onAcknowledged: (row) => told.push(row) }),
  );
  assert(seen.failed > 10, `${seen.failed} failed`);
  assert.equal(told.length, seen.requests - seen.failed);
  assert.equal(told.length, state.projects.length + state.jobs.length);
});

test('a load whose project is gone stores another one', async () => {
  const state = { projects: [], jobs: [] };
  const forgotten = setTimeout(() => state.projects.fill(undefined), 250);
  const seen = await withServer(storing(state), (url) => load({ url, rate: 40, seconds: 0.5, write: 1 }));
  clearTimeout(forgotten);
  assert(seen.answers[404] >= 1, JSON.stringify(seen.answers));
  assert.notEqual(state.projects[state.jobs.at(-1) - 1], undefined);
});

test('nothing but loopback is ever loaded, and nothing without bounds', async () => {
  for (const url of [
    'http://10.0.0.1/',
    'http://example.com/',
    'https://127.0.0.1/',
    'http://127.0.0.1.example.com/',
  ]) {
    await assert.rejects(load({ url }), /loopback/);
  }
  await assert.rejects(load({ url: 'http://127.0.0.1/', write: 1.1 }), /write must be a share/);
  for (const bad of [{ rate: 501 }, { rate: 0 }, { rate: NaN }, { seconds: 601 }, { seconds: -1 }]) {
    await assert.rejects(load({ url: 'http://127.0.0.1/', ...bad }), /must be above 0 and at most/);
  }
});
