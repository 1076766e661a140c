import { chmod, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { containerIds } from '../support/docker';
import { changesSince, type LiveState, liveEnvironment, liveImages, liveState } from '../support/live-state';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages, tagImage } from '../support/tagged-images';

// Three releases that differ in everything, and what is left of the files afterwards: each test goes on from the one
// before it.

const project = 'rewind-revert';
const box = (tag: string): string => `rewind-revert/box:${tag}`;
const container = (service: string, replica = 1): string => `${project}-${service}-${replica}`;
const comments = ['# Who changes this tells the team.', '# both go together'];

const first = {
  services: {
    api: {
      image: box('v1'),
      environment: { LOG_LEVEL: 'info', GONE: 'soon' },
      labels: { 'org.example.tier': 'one' },
      ports: ['127.0.0.1:18461:8080'],
      networks: ['back', 'old'],
      volumes: ['./conf/api.conf:/etc/api.conf:ro', './conf/start.sh:/usr/start.sh:ro', './conf/parts:/etc/parts:ro'],
      configs: [{ source: 'motd', target: '/etc/motd' }],
    },
    worker: { image: box('v1'), scale: 3, networks: ['back'], command: ['serve'] },
    leaving: { image: box('v1'), networks: ['old'] },
  },
  networks: { back: { internal: true }, old: {} },
  configs: { motd: { content: 'first words\n' } },
};

const second = {
  services: {
    api: {
      image: box('v1'),
      environment: { LOG_LEVEL: 'debug', CAME: 'later' },
      labels: { 'org.example.tier': 'two' },
      ports: ['127.0.0.1:18462:8080'],
      networks: { back: { aliases: ['backend'] }, front: {} },
      volumes: ['./conf/api.conf:/etc/api.conf:ro', './conf/start.sh:/usr/start.sh:ro', './conf/parts:/etc/parts:ro'],
      configs: [{ source: 'motd', target: '/etc/motd' }],
    },
    worker: { image: box('v1'), scale: 1, networks: ['back'], command: ['sh', '-c', 'exec serve'], mem_limit: '64m' },
    coming: { image: box('v1'), networks: ['front'] },
  },
  networks: { back: {}, front: {} },
  configs: { motd: { content: 'second words\n' } },
};

let stack: TestStack;
const then: Record<string, LiveState> = {};

const configText = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');
const config = async (): Promise<Record<string, unknown>> =>
  (parse(await configText()) as { config: Record<string, unknown> }).config;

/** Every file of the user's own, with its content. */
async function ownFiles(): Promise<Record<string, string>> {
  const names = (await readdir(stack.directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.rewind') && entry.name !== 'Pulumi.dev.yaml')
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(name, 'utf8')] as const)),
  );
}

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', first);
  await stack.write('conf/api.conf', 'workers 1\n');
  await stack.write('conf/start.sh', 'true\n');
  await chmod(join(stack.directory, 'conf/start.sh'), 0o755);
  await stack.write('conf/parts/a', 'a');
  await stack.configure({ env: { worker: { QUEUE_SIZE: '10' } } });
  await stack.configureSecret('secrets.api.API_TOKEN', 'token-of-the-first');
  await stack.write(
    'Pulumi.dev.yaml',
    `${comments[0]}\n${(await configText()).replace(/( +rewind:env:)/, `  ${comments[1]}\n$1`)}`,
  );
  await chmod(join(stack.directory, 'Pulumi.dev.yaml'), 0o664);
  await stack.rewind('deploy', '-m', 'the first');
  then['r1'] = await liveState(project);

  await stack.write('compose.yaml', second);
  await stack.write('conf/api.conf', 'workers 2\n');
  await chmod(join(stack.directory, 'conf/start.sh'), 0o644);
  await stack.write('conf/parts/b', 'b');
  await stack.pulumi('config', 'set', '--path', 'rewind:tags.worker', 'v2');
  await stack.pulumi('config', 'set', '--path', 'rewind:env.worker.QUEUE_SIZE', '20', '--plaintext');
  await stack.configureSecret('secrets.api.API_TOKEN', 'token-of-the-second');
  await stack.up('--message', 'the second, by bare pulumi');
  then['r2'] = await liveState(project);

  await stack.rewind('deploy', 'api=v2', '-m', 'the third');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

describe('rewind revert goes back one release', () => {
  let files: Record<string, string>;

  test('even though the compose file, a mounted file and a tag have changed in the meantime', async () => {
    await stack.write('compose.yaml', { services: { other: { image: box('v3') } } });
    await stack.write('conf/api.conf', 'workers 99\n');
    await tagImage(box('v2'), box('v1'));
    files = await ownFiles();
    const out = await stack.rewind('revert', '--yes', '-m', 'the third is slow');
    expect(out.split('\n')[0]).toBe('revert to r2');
    expect(out.split('\n').at(-1)).toMatch(/^r4 runs, verified by \d+ probes \(.*\)\.$/);
  });

  test('to containers, networks and files that are what they were then', async () => {
    expect(changesSince(then['r2']!, await liveState(project))).toEqual([]);
    expect((await liveImages(project))[container('api')]).not.toBe(await imageId(box('v1')));
  });

  test('so that a preview shows no change, and a bare pulumi up does not undo it', async () => {
    expect(await stack.plannedSteps()).toEqual({});
    const before = await containerIds(project);
    await stack.up();
    expect(await containerIds(project)).toEqual(before);
  });

  test('and says in the stack configuration what runs', async () => {
    const { [container('api')]: v1, [container('worker')]: v2 } = await liveImages(project);
    expect(await config()).toMatchObject({
      'rewind:compose': { release: 2 },
      'rewind:images': { [box('v1')]: v1, [box('v2')]: v2 },
      'rewind:tags': { worker: 'v2' },
      'rewind:env': { worker: { QUEUE_SIZE: '20' } },
    });
  });

  test('without touching a file of the user, or the comments and the mode of the stack configuration', async () => {
    expect(await ownFiles()).toEqual(files);
    for (const comment of comments) expect(await configText()).toContain(`${comment}\n`);
    expect((await stat(join(stack.directory, 'Pulumi.dev.yaml'))).mode & 0o777).toBe(0o664);
  });
});

describe('the next rewind revert goes back one further, not forth', () => {
  test('even though the compose file and the mounted files are gone', async () => {
    await stack.removeFile('compose.yaml');
    await stack.removeFile('conf/api.conf');
    await stack.removeFile('conf/parts/a');
    expect(await stack.rewindJson(['revert', '--yes'])).toMatchObject({
      state: 'done',
      release: { number: 5, kind: 'revert', revertOf: 1 },
    });
  });

  test('to what ran then, scaled as it was and with the services and networks of then', async () => {
    expect(changesSince(then['r1']!, await liveState(project))).toEqual([]);
    expect(await stack.plannedSteps()).toEqual({});
    expect((await liveEnvironment(container('api')))['API_TOKEN']).toBe('token-of-the-first');
    expect((await config())['rewind:tags']).toBeUndefined();
  });

  test('and to nothing else, when there is nothing earlier', async () => {
    expect(await stack.tryRewind(['revert', '--yes'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('There is no release before r5, which is r1 brought back.') as string,
    });
  });
});

describe('rewind deploy after a revert', () => {
  test('says that it goes back to the compose file, and does', async () => {
    await stack.write('compose.yaml', second);
    await stack.write('conf/api.conf', 'workers 3\n');
    const out = await stack.rewind('deploy', 'worker=v2');
    expect(out.split('\n')[0]).toBe(
      'The stack runs the kept model of r1; this goes back to the compose file (rewind plan r1 says how they differ).',
    );
    expect(out.split('\n').at(-1)).toMatch(/^r6 runs, verified by \d+ probes \(.*\)\.$/);
    const { mounted, containers, networks } = await liveState(project);
    expect(Object.keys(containers)).toEqual(['api', 'coming', 'worker'].map((service) => container(service)));
    expect(Object.keys(networks)).toEqual(Object.keys(then['r2']!.networks));
    expect(mounted[`${container('api')}:/etc/api.conf`]).toContain('workers 3');
    expect(await config()).not.toHaveProperty(['rewind:compose']);
    expect(await stack.plannedSteps()).toEqual({});
  });

  test('makes fewer containers of another image in one go, and more again', async () => {
    const workers = async (): Promise<string[]> =>
      Object.entries(await liveImages(project)).flatMap(([name, image]) => (name.includes('-worker-') ? [image] : []));
    const scaled = (scale: number): object => ({
      ...second,
      services: { ...second.services, worker: { ...second.services.worker, scale } },
    });
    const [v1, v2] = await Promise.all([imageId(box('v1')), imageId(box('v2'))]);
    await stack.write('compose.yaml', scaled(3));
    await stack.rewind('deploy');
    expect(await workers()).toEqual([v2, v2, v2]);
    await stack.write('compose.yaml', scaled(1));
    await stack.rewind('deploy', 'worker=v1');
    expect(await workers()).toEqual([v1]);
    await stack.rewind('revert', '--yes');
    expect(await workers()).toEqual([v2, v2, v2]);
    await stack.rewind('revert', '--yes');
    expect(await workers()).toEqual([v2]);
  });

  test('takes the image that a tag stands for by now', async () => {
    expect((await liveImages(project))[container('api')]).toBe(await imageId(box('v2')));
  });
});
