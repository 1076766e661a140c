import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Notifier } from '../../../src/notify/notifier';
import type { Notice } from '../../../src/notify/payload';
import type { NotifyTarget } from '../../../src/notify/settings';

const notice: Notice = {
  event: 'failure',
  stack: 'shop/dev',
  kind: 'deploy',
  what: 'deploy api=v2',
  by: 'me@here',
  at: '2026-11-27T03:00:00.000Z',
  seconds: 6,
  result: 'put-back',
  release: 3,
  failure: 'api did not get ready',
};
const all: NotifyTarget['on'] = ['start', 'success', 'failure', 'trigger'];

describe('others are told', () => {
  let server: Server;
  let url: string;
  let got: unknown[];
  let answers: number[];

  beforeEach(async () => {
    got = [];
    answers = [];
    server = createServer((request, response) => {
      void text(request).then((body) => {
        got.push(JSON.parse(body));
        response.writeHead(answers.shift() ?? 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/secret-path`;
  });

  afterEach(() => new Promise((resolve) => server.close(resolve)));

  async function told(target: NotifyTarget, what = notice): Promise<readonly string[]> {
    const notifier = new Notifier(Promise.resolve([target]));
    notifier.tell(what);
    return notifier.end();
  }

  test('as JSON, with everything that is known and the same in words', async () => {
    expect(await told({ url, format: 'json', on: all })).toEqual([]);
    expect(got).toEqual([
      {
        ...notice,
        text: 'shop/dev: deploy api=v2 has failed after 6.0 s; what ran before runs again. r3 runs.\napi did not get ready',
      },
    ]);
  });

  test.each([
    ['slack', { text: expect.stringContaining('deploy api=v2 has failed') as string }],
    ['teams', { type: 'message', attachments: [{ content: { type: 'AdaptiveCard' } }] }],
  ] as const)('in the shape that %s takes', async (format, shape) => {
    await told({ url, format, on: all });
    expect(got[0]).toMatchObject(shape);
  });

  test('of what they want to hear of alone', async () => {
    await told({ url, format: 'json', on: ['trigger'] });
    expect(got).toEqual([]);
  });

  test('again, if it did not arrive', async () => {
    answers = [503, 200];
    expect(await told({ url, format: 'json', on: all })).toEqual([]);
    expect(got).toHaveLength(2);
  });

  test('and what never arrives is said, without the address', async () => {
    answers = [500, 500, 500];
    const [lost] = await told({ url, format: 'json', on: all });
    expect(lost).toBe('rewind:notify[0] was not told of failure: the answer was 500');
  }, 15_000);

  test('by a command, which gets the same by its standard input', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rewind-notify-'));
    const file = join(folder, 'told');
    expect(await told({ command: ['sh', '-c', 'cat > "$0"', file], on: all })).toEqual([]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ event: 'failure', release: 3 });
    await rm(folder, { recursive: true });
  });

  test('but nothing waits for them, nor fails with them', async () => {
    const notifier = new Notifier(Promise.reject(new Error('cannot be decrypted')));
    notifier.tell(notice);
    expect(await notifier.end()).toEqual(['Nobody could be told (rewind:notify): cannot be decrypted']);
  });
});
