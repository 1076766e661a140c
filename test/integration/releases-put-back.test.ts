import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { freePorts } from '../support/busy-port';
import { changesSince, lifeSigns, type LiveState, liveImages, liveState } from '../support/live-state';
import { TestStack } from '../support/stack';
import { buildImage, imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// Whether a version gets ready is decided by a file in a folder that the service mounts: ok/1 lets version 1 do so.

const project = 'rewind-put-back';
const base = 'rewind-put-back/base:1';
const box = (tag: string): string => `rewind-put-back/box:${tag}`;
const tags = ['v1', 'v2', 'v3'].map(box);
const api = `${project}-api-1`;

const service = {
  image: box('v1'),
  volumes: ['./ok:/ok'],
  healthcheck: { test: ['CMD-SHELL', 'test -e /ok/$$VERSION'], interval: '1s', timeout: '1s', retries: 1 },
};
const page = { image: box('v1'), depends_on: { api: { condition: 'service_healthy' } } };
const compose = { services: { api: service, page } };

let stack: TestStack;
let store: string;
/** What the second release left: the first one is there to go back to. */
let then: LiveState;
let config: string;

const configText = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');

interface Row {
  readonly release?: number;
  readonly isNew: boolean;
  readonly result: string;
  readonly message?: string;
}

/** The latest updates, the newest first. */
const latest = async (count: number): Promise<string[]> =>
  (await stack.rewindJson<Row[]>(['history', '-n', String(count)])).map(
    ({ release, isNew, result, message = '' }) => `${result} ${isNew ? 'r' : '='}${release ?? ''} ${message}`,
  );

/** That everything is as the second release left it. */
async function expectAsBefore(): Promise<void> {
  expect(changesSince(then, await liveState(project))).toEqual([]);
  expect(await configText()).toBe(config);
  expect(await stack.plannedSteps()).toEqual({});
}

beforeAll(async () => {
  await makeTaggedImages({ [base]: 'plain' });
  for (const version of [1, 2, 3]) await buildImage(box(`v${version}`), `FROM ${base}`, `ENV VERSION=${version}`);
  stack = await TestStack.create(project);
  // On another disk than the project, where there is one.
  store = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'rewind-put-back-'));
  await stack.configure({ store: `file://${store}` });
  await stack.write('compose.yaml', compose);
  await stack.write('ok/1', '');
  await stack.write('ok/2', '');
  await stack.up();
  await stack.rewind('deploy', 'api=v2', '-m', 'the good one');
  then = await liveState(project);
  config = await configText();
});

afterAll(async () => {
  await stack.remove();
  await rm(store, { recursive: true });
  await removeTaggedImages(...tags, base);
});

describe('rewind deploy of a version that does not get ready', () => {
  test('puts back what ran before, says why and that it did, and ends with exit code 3', async () => {
    const { exitCode, stdout, stderr } = await stack.tryRewind(['deploy', 'api=v3', '-m', 'too early']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('deploy api=v3');
    expect(stdout).toMatch(/Service api (is unhealthy|did not become ready within 1 s)\.\n[^]*\[service\/not-ready\]/);
    expect(lines.filter((line) => line.startsWith('putting back'))).toEqual(['putting back r2']);
    expect(lines.at(-1)).toMatch(/^This has failed; r2, which ran before, runs again \(.*\)\.$/);
    await expectAsBefore();
  });

  test('is in the history with what was put back, and made no release', async () => {
    expect(await latest(3)).toEqual(['succeeded =2 put back r2', 'failed = too early', 'succeeded r2 the good one']);
  });
});

describe('rewind revert to a release that does not get ready any more', () => {
  test('puts back what ran before, and with --json says so as one document', async () => {
    await stack.removeFile('ok/1');
    expect(await stack.rewindJson(['revert', '--yes'], 3)).toEqual({
      stack: `${project}/dev`,
      state: 'put-back',
      seconds: expect.any(Number) as number,
      why: expect.stringContaining('Service api ') as string,
      release: expect.objectContaining({ number: 2, message: 'the good one' }) as object,
      verification: expect.objectContaining({ ok: true }) as object,
      operation: expect.any(Number) as number,
    });
    await expectAsBefore();
    expect(await latest(2)).toEqual(['succeeded =2 put back r2', 'failed = revert to r1']);
  });
});

describe('rewind deploy that cannot begin', () => {
  let before: Record<string, string>;
  beforeEach(async () => {
    before = await lifeSigns(project);
  });

  test('for want of an image changes nothing, says so, and ends with exit code 1', async () => {
    const { exitCode, stdout } = await stack.tryRewind(['deploy', 'api=v9']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`The image ${box('v9')} of api is missing`);
    expect(stdout.split('\n').slice(-2)).toEqual(['', 'Nothing has changed.']);
    expect(await lifeSigns(project)).toEqual(before);
    expect(await configText()).toBe(config);
  });

  test('for want of a service says as JSON that it was refused', async () => {
    expect(await stack.rewindJson(['deploy', 'nobody=v2'], 1)).toMatchObject({
      state: 'refused',
      why: expect.stringContaining('The services are: api, page.') as string,
    });
    expect(await lifeSigns(project)).toEqual(before);
    expect(await configText()).toBe(config);
  });
});

test('what ran before is put back even where the compose file describes it no more; the file stays as it is', async () => {
  const broken = { services: { api: { ...service, environment: { VERSION: '0' } }, more: { image: box('v1') } } };
  await stack.write('compose.yaml', broken);
  expect((await stack.tryRewind(['deploy'])).exitCode).toBe(3);
  expect(changesSince(then, await liveState(project))).toEqual([]);
  expect(parse(await readFile(join(stack.directory, 'compose.yaml'), 'utf8'))).toEqual(broken);
  // Else the next `pulumi up` would bring the broken one.
  expect(await stack.plannedSteps()).toEqual({});
  expect(parse(await configText())).toMatchObject({ config: { 'rewind:compose': { release: 2 } } });
});

test('a deploy that gets ready then goes back to the file', async () => {
  await stack.write('compose.yaml', compose);
  await stack.write('ok/3', '');
  expect(await stack.rewindJson(['deploy', 'api=v3'])).toMatchObject({ state: 'done', release: { number: 3 } });
  expect((await liveImages(project))[api]).toBe(await imageId(box('v3')));
});

test('a port that had moved to a service which does not get ready moves back', async () => {
  const [port] = await freePorts(1);
  const ports = [`127.0.0.1:${port}:80`];
  await stack.write('compose.yaml', { services: { api: service, page: { ...page, ports } } });
  expect(await stack.rewindJson(['deploy'])).toMatchObject({ state: 'done' });
  const before = await liveState(project);
  // What had the port waits for what takes it, so that it has only been stopped when the update fails.
  const broken = { services: { api: { ...service, environment: { VERSION: '0' }, ports }, page } };
  await stack.write('compose.yaml', broken);
  expect(await stack.rewindJson(['deploy'], 3)).toMatchObject({ state: 'put-back' });
  expect(changesSince(before, await liveState(project))).toEqual([]);
});
