import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { engine, execIn, inspectContainer } from '../support/docker';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';
import { buildImage, imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// A web service whose versions differ in what they answer: `bad` is healthy, and answers otherwise than it should.

const project = 'rewind-operations';
const base = `${project}/base:1`;
const web = (tag: string): string => `${project}/web:${tag}`;
const api = `${project}-api-1`;
const ok = { bad: 'false', v1: 'true', v2: 'true', loud: 'true' };

const compose = {
  services: {
    cache: { image: base },
    api: {
      image: web('v1'),
      init: true,
      depends_on: { cache: { condition: 'service_started' } },
      healthcheck: { test: ['CMD', 'test', '-e', '/www/status.json'], interval: '1s', retries: 2 },
    },
    page: { image: web('v1'), init: true, depends_on: { api: { condition: 'service_healthy' } } },
  },
};

interface Operation {
  readonly number: number;
  readonly kind: string;
  readonly result: string;
  readonly what: string;
  readonly phases: readonly { readonly name: string }[];
  readonly before?: { readonly release?: number };
  readonly after?: { readonly release?: number };
  readonly verification?: { readonly ok: boolean };
}

let stack: TestStack;
let hooks: Server;
let told: { readonly event: string; readonly text: string }[];

const operations = (): Promise<Operation[]> => stack.rewindJson<Operation[]>(['report', '--list']);
const running = async (): Promise<string> => (await inspectContainer(api)).Image;

beforeAll(async () => {
  await makeTaggedImages({ [base]: 'plain' });
  for (const [tag, value] of Object.entries(ok)) {
    const loud = tag === 'loud' ? 'echo "panic: no memory"; ' : '';
    await buildImage(
      web(tag),
      `FROM ${base}`,
      `RUN mkdir /www && echo '{"version": "${tag}", "ok": ${value}}' > /www/status.json`,
      `CMD ["sh", "-c", "${loud.replaceAll('"', String.raw`\"`)}exec httpd -f -p 80 -h /www"]`,
    );
  }
  told = [];
  hooks = createServer((request, response) => {
    void text(request).then((body) => {
      told.push(JSON.parse(body) as (typeof told)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.configure({
    verify: {
      http: [{ name: 'the API is well', service: 'api', port: 80, path: '/status.json', json: { '$.ok': true } }],
    },
    notify: [{ url: `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/hook` }],
  });
  for (const service of ['api', 'page']) await stack.configureSecret(`secrets.${service}.API_TOKEN`, 'the-first-token');
  await stack.configureSecret('verify.http[0].headers.Authorization', 'Bearer the-probe-token');
});

afterAll(async () => {
  hooks.close();
  await stack.remove();
  await removeTaggedImages(base, ...Object.keys(ok).map(web));
});

beforeEach(() => {
  told.length = 0;
});

describe('a deploy', () => {
  test('is verified, written down, and told of', async () => {
    expect(await stack.rewind('deploy', '-m', 'the first')).toMatch(/r1 runs, verified by \d+ probes/);
    const [operation] = await operations();
    expect(operation).toMatchObject({
      what: 'deploy',
      result: 'done',
      after: { release: 1 },
      verification: { ok: true },
    });
    expect(operation!.phases.map(({ name }) => name)).toEqual(['plan', 'switch', 'verify', 'record']);
    expect(told.map(({ event }) => event)).toEqual(['start', 'success']);
  });

  test('that fails its verification is put back by itself, and the history shows both', async () => {
    const { exitCode, stdout } = await stack.tryRewind(['deploy', 'api=bad']);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('the API is well: $.ok: there is false instead of true');
    expect(await running()).toBe(await imageId(web('v1')));
    expect(await stack.plannedSteps()).toEqual({});
    expect((await operations()).at(-1)).toMatchObject({ result: 'put-back', before: { release: 1 } });
    const history = await stack.rewindJson<{ release: number; revertOf?: number }[]>(['history']);
    expect(history.slice(0, 2)).toMatchObject([{ release: 3, revertOf: 1 }, { release: 2 }]);
    expect(told.map(({ event }) => event)).toEqual(['start', 'failure']);
    expect(told[1]!.text).toContain('what ran before runs again');
  });

  test('that fails its verification is left as it is, if that is asked for; verify says the same', async () => {
    const { exitCode, stdout } = await stack.tryRewind(['deploy', 'api=bad', '--no-auto-revert']);
    expect(exitCode).toBe(6);
    expect(stdout).toContain('left as it is');
    expect(await running()).toBe(await imageId(web('bad')));
    const verified = await stack.tryRewind(['verify', '--level', 'functional']);
    expect(verified.exitCode).toBe(1);
    expect(verified.stdout).toMatch(/1 of \d+ probes failed: api/);
    await stack.rewind('revert', '--yes');
    expect(await stack.rewind('verify', '--level', 'functional')).toContain('is as it should be');
  });

  test('of a service that logs that something is badly wrong fails, by bare pulumi up, too', async () => {
    await stack.configure({ tags: { api: 'loud' }, images: undefined, compose: undefined });
    const { ok: isDone, output } = await stack.tryUp();
    expect(isDone).toBe(false);
    expect(output).toMatch(/api has logged nothing critical.*panic: no memory.*\[service\/unverified\]/s);
    await stack.rewind('revert', 'r1', '--yes');
    expect(await running()).toBe(await imageId(web('v1')));
  });
});

describe('an operation that was killed', () => {
  /** Kills a deploy of v2 while its container is made. */
  async function killed(): Promise<void> {
    await RunningRewind.hinder(
      stack,
      ['deploy', 'api=v2'],
      (rewind) => rewind.untilItSays('api: starting'),
      (rewind) => rewind.kill(),
    );
    expect(await stack.rewind('status')).toMatch(/Interrupted: deploy api=v2 by .*in the phase switch.*rewind resume/s);
  }

  test('is finished by resume', async () => {
    await killed();
    expect(await stack.rewind('resume')).toContain('runs, verified');
    expect(await running()).toBe(await imageId(web('v2')));
    expect(await stack.rewind('status')).toContain('Nothing is under way.');
    await stack.rewind('deploy', 'api=v1');
  });

  test('is taken back by abort', async () => {
    await killed();
    await stack.rewind('abort');
    expect(await running()).toBe(await imageId(web('v1')));
    expect(await stack.plannedSteps()).toEqual({});
    expect(await stack.rewind('status')).toContain('Nothing is under way.');
  });

  test('leaves nothing to resume when it has come to its end', async () => {
    const { exitCode, stderr } = await stack.tryRewind(['resume']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('[operation/none]');
  });
});

describe('a revert', () => {
  test('of the images alone leaves the configuration of today', async () => {
    await stack.configure({ env: { api: { LOG_LEVEL: 'debug' } } });
    await stack.rewind('deploy', 'api=v2');
    await stack.rewind('revert', 'r1', '--only', 'images', '--yes');
    expect(await running()).toBe(await imageId(web('v1')));
    expect((await inspectContainer(api)).Config.Env).toContain('LOG_LEVEL=debug');
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('of the configuration alone leaves the images of today', async () => {
    await stack.rewind('deploy', 'api=v2');
    await stack.rewind('revert', 'r1', '--only', 'config', '--yes', '--quick');
    expect(await running()).toBe(await imageId(web('v2')));
    expect((await inspectContainer(api)).Config.Env).not.toContain('LOG_LEVEL=debug');
    expect(await stack.plannedSteps()).toEqual({});
    await stack.rewind('revert', 'r1', '--yes');
  });

  test('after a leak gives the secrets that are named a new value, which they share and nobody is shown', async () => {
    const token = async (service: string): Promise<string> =>
      (await inspectContainer(`${project}-${service}-1`)).Config.Env.find((it) => it.startsWith('API_TOKEN='))!.slice(
        10,
      );
    await stack.rewind('deploy', 'api=v2');
    const names = 'api.API_TOKEN,page.API_TOKEN';
    const { stderr } = await stack.tryRewind(['revert', '--yes', '--rotate', 'api.NONE']);
    expect(stderr).toContain(`api.NONE is no secret that can be rotated.`);
    const { advice } = await stack.rewindJson<{ advice: { command: string } }>([
      ...['assess', '--security', 'it was in a public log', '--rotate', names],
    ]);
    expect(advice.command).toMatch(new RegExp(`^rewind revert r\\d+ --rotate ${names}$`));
    const out = await stack.rewind('revert', '--yes', '--rotate', names);
    const now = await token('api');
    expect(now).toMatch(/^[\w-]{43}$/);
    expect(await token('page')).toBe(now);
    expect(await running()).toBe(await imageId(web('v1')));
    expect(await stack.plannedSteps()).toEqual({});
    expect(out + (await stack.rewind('report'))).not.toContain(now);
  });
});

test('a deploy that is watched goes back by itself when its service fails, once', async () => {
  const rewind = RunningRewind.start(stack, 'deploy', 'api=v2', '--watch', '2m');
  await rewind.untilItSays('Watching');
  await execIn(api, 'rm', '/www/status.json');
  expect(await rewind.end()).toBe(3);
  expect(rewind.output).toMatch(/Going back to r\d+/);
  expect(await running()).toBe(await imageId(web('v1')));
  expect(told.map(({ event }) => event)).toContain('trigger');
});

describe('the report', () => {
  test('is one page for whoever writes the post-mortem, without a secret', async () => {
    const file = join(stack.directory, 'report.html');
    await stack.rewind('report', '--format', 'html', '--output', file);
    const page = await readFile(file, 'utf8');
    expect(page).toContain('Timeline');
    expect(page).toContain(api);
  });

  test('says what came from the compose file, with what may be secret masked', async () => {
    const environment = { LOG_LEVEL: 'debug', PAGE_TOKEN: 'the-page-token' };
    const page = { ...compose.services.page, environment };
    await stack.write('compose.yaml', { services: { ...compose.services, page } });
    await stack.rewind('deploy');
    const text = await stack.rewind('report');
    expect(text).toContain('page: env LOG_LEVEL: not set → debug');
    expect(text).toContain('page: env PAGE_TOKEN: not set → [secret]');
  });

  test('notices a record that was changed', async () => {
    const file = join(stack.directory, '.rewind', 'stacks', project, 'dev', 'operations', 'o1.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"done"', '"broken"'));
    expect(await stack.rewind('report', '--list')).toMatch(/o1 +.*DAMAGED: .*was changed/);
  });
});

describe('a restart', () => {
  const startedAt = async (service: string): Promise<string> =>
    (await inspectContainer(`${project}-${service}-1`)).State.StartedAt;

  test('without a name leaves up what the application stands on', async () => {
    const before = await startedAt('cache');
    expect(await stack.rewind('restart')).toContain('2 services run again');
    expect(await startedAt('cache')).toBe(before);
  });

  test('of one service leaves the others alone', async () => {
    const before = await startedAt('api');
    expect(await stack.rewind('restart', 'page')).toContain('1 service runs again');
    expect(await startedAt('api')).toBe(before);
    const { kind, what, result } = (await operations()).at(-1)!;
    expect({ kind, what, result }).toEqual({ kind: 'restart', what: 'restart of page', result: 'done' });
  });

  test('of what is unhealthy leaves the rest alone', async () => {
    expect(await stack.rewind('restart', '--unhealthy')).toContain('Nothing is unhealthy.');
    const before = await startedAt('api');
    await (await engine()).getContainer(`${project}-page-1`).stop({ t: 0 });
    expect(await stack.rewind('restart', '--unhealthy')).toContain('1 service runs again');
    expect((await inspectContainer(`${project}-page-1`)).State.Running).toBe(true);
    expect(await startedAt('api')).toBe(before);
  });

  test('empties the cache if that is asked for and agreed to, and leaves it up', async () => {
    const cache = `${project}-cache-1`;
    const cached = (): Promise<string> => execIn(cache, 'ls', '/tmp/cached');
    await stack.configure({
      cache: { service: 'cache', flush: ['sh', '-c', 'rm /tmp/cached/*'], show: ['ls', '/tmp/cached'] },
    });
    await execIn(cache, 'sh', '-c', 'mkdir /tmp/cached; touch /tmp/cached/page');
    const before = [await startedAt('cache'), await startedAt('api')];
    expect((await stack.tryRewind(['restart', '--flush-cache'])).exitCode).not.toBe(0);
    expect([await startedAt('cache'), await startedAt('api')]).toEqual(before);
    expect(await cached()).toBe('page');
    expect(await stack.rewind('restart', '--flush-cache', '--yes')).toContain('cache: emptied');
    expect(await cached()).toBe('');
    expect(await startedAt('cache')).toBe(before[0]);
    expect(await startedAt('api')).not.toBe(before[1]);
  });
});

test('no secret was shown', () => {
  expect(stack.printed.filter((text) => /the-first-token|the-probe-token|the-page-token/.test(text))).toEqual([]);
});
