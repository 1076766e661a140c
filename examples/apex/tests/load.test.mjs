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

test('nothing but loopback is ever loaded, and nothing without bounds', async () => {
  for (const url of [
    'http://10.0.0.1/',
    'http://example.com/',
    'https://127.0.0.1/',
    'http://127.0.0.1.example.com/',
  ]) {
    await assert.rejects(load({ url }), /loopback/);
  }
  for (const bad of [{ rate: 501 }, { rate: 0 }, { rate: NaN }, { seconds: 601 }, { seconds: -1 }]) {
    await assert.rejects(load({ url: 'http://127.0.0.1/', ...bad }), /must be above 0 and at most/);
  }
});
