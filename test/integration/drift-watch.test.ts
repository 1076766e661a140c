import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Finding } from '../../src/drift/finding';
import { briefly, docker, driftOf } from '../support/drift';
import { engine, eventually, inspectContainer } from '../support/docker';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { RunningRewind } from '../support/running-rewind';
import { TestStack } from '../support/stack';

// One stack that is watched for as long as the tests run: each goes on from where the one before left.

const project = 'rewind-drift-watch';
const web = `${project}-web-1`;
const app = (tag: string): string => `rewind-drift-watch/app:${tag}`;

/** Events that the memory is measured over: the tests' own, so that it takes seconds. */
const events = Number(process.env['REWIND_WATCH_EVENTS'] ?? 1000);
const mostMegabytes = 120;

interface Line {
  readonly event: string;
  readonly url?: string;
  /** Of what was put right: how that ended. */
  readonly state?: string;
  readonly appeared?: readonly Finding[];
  readonly gone?: readonly Finding[];
}

let stack: TestStack;
let watch: RunningRewind;
let url: string;

const lines = (): Line[] =>
  watch.stdout
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text) => JSON.parse(text) as Line);

/** Until the watch tells of something: by itself it would look again in an hour. */
async function told(isIt: (line: Line) => boolean, from: number): Promise<void> {
  await eventually(() => Promise.resolve(lines().slice(from).some(isIt)), 'the watch to tell of it', 30_000);
}

const of = (id: string, what: 'appeared' | 'gone') => (line: Line) => line[what]?.some((it) => it.id === id) ?? false;

beforeAll(async () => {
  await makeTaggedImages({ [app('1')]: 'plain', [app('2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', { services: { web: { image: app('1') }, other: { image: app('1') } } });
  await stack.configure({
    notify: [{ command: ['sh', '-c', `cat >> ${join(stack.directory, 'told.jsonl')}`], on: ['drift'] }],
  });
  await stack.rewind('deploy');
  watch = RunningRewind.start(stack, 'watch', '--json', '--port', '0', '--interval', '1h');
  await eventually(() => Promise.resolve(lines().length > 0), 'the watch', 60_000);
  url = lines()[0]!.url!;
  await eventually(async () => (await fetch(`${url}/healthz`)).status === 200, 'the first look', 60_000);
});

afterAll(async () => {
  await watch.killAlone();
  await stack.remove();
  await removeTaggedImages(app('1'), app('2'));
});

describe('rewind watch', () => {
  test('tells of what happens to a container, and of its end', async () => {
    let from = lines().length;
    await docker('kill', web);
    await told(of('container/web-1/state', 'appeared'), from);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/findings\{.*severity="broken"\} 1/);
    from = lines().length;
    await docker('start', web);
    await told(of('container/web-1/state', 'gone'), from);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/findings\{.*severity="broken"\} 0/);
  });

  test('has told others, once of each', async () => {
    const read = async (): Promise<string[]> =>
      (await readFile(join(stack.directory, 'told.jsonl'), 'utf8')).split(/(?<=\})(?=\{)/);
    await eventually(async () => (await read()).length === 2, 'both notices', 60_000);
    expect((await read()).map((text) => JSON.parse(text) as unknown)).toMatchObject([
      { event: 'drift', stack: `${project}/dev`, result: 'drift', failure: expect.stringContaining(web) as string },
      { event: 'drift', result: 'none' },
    ]);
  });

  test('says nothing of a restart, nor of a deploy', async () => {
    const from = lines().length;
    await docker('restart', '--time', '1', web);
    await stack.rewind('deploy', 'web=2');
    // It has seen all of it, and has looked since.
    const seen = async (): Promise<number> =>
      Number(/^rewind_drift_release\{.*\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
    await eventually(async () => (await seen()) === 2, 'the release', 60_000);
    expect(lines().slice(from)).toEqual([]);
  });

  test(`keeps its memory over ${events} events`, async () => {
    const container = (await engine()).getContainer(web);
    // An update that changes nothing is told like any other.
    for (let event = 0; event < events; event++) await container.update({ CpuShares: 0 });
    const status = await readFile(`/proc/${watch.pid}/status`, 'utf8');
    const megabytes = (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024) / 1e6;
    expect(megabytes).toBeLessThan(mostMegabytes);
    const seen = Number(
      /^rewind_drift_events_total\{.*\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())![1],
    );
    expect(seen).toBeGreaterThanOrEqual(events);
  });

  test('ends when it is asked to', async () => {
    watch.signal('SIGTERM');
    expect(await watch.end()).toBe(0);
    expect(lines().at(-1)).toMatchObject({ event: 'end' });
  });
});

describe('rewind watch --fix', () => {
  test('puts right what it finds, and the same finding only once in a while', async () => {
    watch = RunningRewind.start(stack, 'watch', '--json', '--fix', '--port', 'off', '--interval', '1h');
    await eventually(() => Promise.resolve(lines().length > 0), 'the watch', 60_000);
    const runs = async (): Promise<boolean> => (await inspectContainer(web)).State.Running;
    await docker('kill', web);
    await eventually(runs, 'the container to be started', 60_000);
    await told(({ event, state }) => event === 'fix' && state === 'done', 0);
    await told(of('container/web-1/state', 'gone'), 0);
    expect(briefly(await driftOf(stack))).toEqual({});
    // Somebody wants it so.
    const from = lines().length;
    await docker('kill', web);
    await told(of('container/web-1/state', 'appeared'), from);
    await setTimeout(2000);
    expect(await runs()).toBe(false);
    await docker('start', web);
    await told(of('container/web-1/state', 'gone'), from);
  });

  test('puts right what is new meanwhile', async () => {
    const from = lines().length;
    await docker('rm', '--force', `${project}-other-1`);
    await told(({ event, state }) => event === 'fix' && state === 'done', from);
    expect(briefly(await driftOf(stack))).toEqual({});
  });

  test('ends when it is asked to', async () => {
    watch.signal('SIGTERM');
    expect(await watch.end()).toBe(0);
    expect(lines().at(-1)).toMatchObject({ event: 'end' });
  });
});
