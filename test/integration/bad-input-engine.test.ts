import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { run } from '../../src/process';
import { type BusyPort, busyPort, freePorts } from '../support/busy-port';
import { containerIds } from '../support/docker';
import { refusedPreview } from '../support/refusal';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-bad-engine';
const image = 'rewind-bad-engine/box:1';
const other = 'rewind-bad-engine/box:2';
const good = { services: { api: { image } } };

let stack: TestStack;

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain', [other]: 'newer' });
  stack = await TestStack.create(project);
});

beforeEach(() => stack.write('compose.yaml', good));

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image, other);
});

async function refused(content: object): ReturnType<typeof refusedPreview> {
  await stack.write('compose.yaml', content);
  return refusedPreview(stack);
}

describe('a container that is not of this stack but has the name of one of its containers', () => {
  const name = `${project}-api-1`;

  afterEach(async () => {
    await run(['docker', 'rm', '--force', name]);
  });

  test('is told to be docker compose’s: how to hand its project over', async () => {
    await stack.composeWithFiles('up', '--detach');
    const [problem, ...others] = await refusedPreview(stack);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'docker/foreign-container' });
    expect(problem!.message).toBe(
      `A container named ${name} is there already; it was made by docker compose (project ${project}), not by this stack.`,
    );
    expect(problem!.fix).toContain(`docker compose -p ${project} down`);
    await stack.compose('down');
  });

  test('is told to be made by hand', async () => {
    await run(['docker', 'create', '--name', name, image]);
    expect(await refusedPreview(stack)).toMatchObject([
      { code: 'docker/foreign-container', message: expect.stringContaining('made by hand') as string },
    ]);
  });

  test('is told to be another stack’s', async () => {
    await run(['docker', 'create', '--name', name, '--label', 'dev.rewind.stack=shop/production', image]);
    expect(await refusedPreview(stack)).toMatchObject([
      {
        code: 'docker/foreign-container',
        message: expect.stringContaining('made by the stack shop/production') as string,
      },
    ]);
  });
});

describe('with a stack that runs, a preview is refused, with one error and without a change,', () => {
  let busy: BusyPort;
  const holder = `${project}-holder`;

  beforeAll(async () => {
    await stack.write('compose.yaml', good);
    await stack.up();
    busy = await busyPort();
  });

  afterAll(async () => {
    await busy.free();
    await run(['docker', 'rm', '--force', holder]);
  });

  test('if an image is missing: with the tags that are there', async () => {
    const told = await refused({ services: { api: { image: 'rewind-bad-engine/box:3' } } });
    expect(told).toMatchObject([{ code: 'docker/missing-image' }]);
    expect(told[0]!.message).toContain('The image rewind-bad-engine/box:3 of api is missing: it is not on this engine');
    expect(told[0]!.fix).toContain(`(${image}, ${other})`);
    expect(told[0]!.fix).toContain('pulumi config set --path rewind:tags.api <tag>');
  });

  test('if an image ID is not there', async () => {
    await stack.configure({ tags: { api: `sha256:${'0'.repeat(64)}` } });
    const told = await refusedPreview(stack);
    await stack.configure({ tags: undefined });
    expect(told).toMatchObject([
      { code: 'docker/missing-image', message: expect.stringContaining('sha256:000') as string },
    ]);
  });

  test('if another program has a port: with file and line, and the variable that moves it', async () => {
    const told = await refused({ services: { api: { image, ports: [`127.0.0.1:\${WEB_PORT:-${busy.port}}:80`] } } });
    expect(told).toMatchObject([{ code: 'docker/port-taken' }]);
    expect(told[0]!.message).toMatch(
      /^compose\.yaml:\d+: service api publishes 127\.0\.0\.1:\d+\/tcp, which another program/,
    );
    expect(told[0]!.fix).toContain('WEB_PORT');
  });

  test('if another container has a port: with its name', async () => {
    const [port] = await freePorts(1);
    await run(['docker', 'run', '--detach', '--name', holder, '--publish', `127.0.0.1:${port}:80`, image]);
    const told = await refused({ services: { api: { image, ports: [`127.0.0.1:${port}:80`] } } });
    expect(told).toMatchObject([{ code: 'docker/port-taken', message: expect.stringContaining(holder) as string }]);
    expect(told[0]!.fix).toContain(`docker stop ${holder}`);
    expect(told[0]!.fix).toContain('services.api.ports');
  });

  test('if two services want one port', async () => {
    const [port] = await freePorts(1);
    const told = await refused({
      services: { api: { image, ports: [`${port}:80`] }, web: { image, ports: [`${port}:80`] } },
    });
    expect(told).toMatchObject([{ code: 'docker/port-taken' }]);
    expect(told[0]!.message).toContain(`services api and web both publish ${port}/tcp`);
  });

  test('if an external network and an external volume are not there: with the commands that make them', async () => {
    const told = await refused({
      services: { api: { image, networks: ['outside'], volumes: ['data:/data'] } },
      networks: { outside: { external: true, name: `${project}-outside` } },
      volumes: { data: { external: true, name: `${project}-data` } },
    });
    expect(told).toMatchObject([
      { code: 'docker/missing-external', fix: `Create it: docker network create ${project}-outside.` },
      { code: 'docker/missing-external', fix: `Create it: docker volume create ${project}-data.` },
    ]);
    expect(told[0]!.message).toMatch(/^compose\.yaml:\d+: the external network /);
  });

  test('if several things are wrong: with all of them', async () => {
    const told = await refused({
      services: {
        api: { image: 'rewind-bad-engine/box:3', networks: ['outside'], ports: [`127.0.0.1:${busy.port}:80`] },
        web: { image, configs: ['colours'], post_start: [{ command: ['true'] }] },
      },
      networks: { outside: { external: true, name: `${project}-outside` } },
      configs: { colours: { file: './colours.ini' } },
    });
    expect(told.map(({ code }) => code).sort()).toEqual([
      'compose/missing-file',
      'compose/unsupported',
      'docker/missing-external',
      'docker/missing-image',
      'docker/port-taken',
    ]);
  });

  test.each([
    ['is not there', 'unix:///nowhere/docker.sock', 'Start Docker'],
    ['is a file and no socket', 'unix:///etc/hostname', 'Start Docker'],
    ['is a port that nobody listens on', 'tcp://127.0.0.1:1', 'Start Docker'],
    ['is no address', 'docker', 'unix:///path/to/docker.sock'],
  ])('if what DOCKER_HOST names %s', async (_what, DOCKER_HOST, fix) => {
    const told = await refusedPreview(stack, { DOCKER_HOST });
    expect(told).toMatchObject([{ code: 'docker/unreachable', fix: expect.stringContaining(fix) as string }]);
    expect(told[0]!.message).toContain(DOCKER_HOST);
  });

  test('if there is neither docker compose nor docker', async () => {
    const bin = join(stack.directory, 'bin');
    await mkdir(bin);
    for (const name of ['node', 'pulumi', 'pulumi-language-nodejs', 'pulumi-resource-pulumi-nodejs']) {
      const { stdout } = await run(['sh', '-c', `command -v ${name}`], { env: stack.env });
      await symlink(stdout, join(bin, name));
    }
    const told = await refusedPreview(stack, { PATH: bin, REWIND_COMPOSE: '' });
    expect(told).toMatchObject([{ code: 'docker/no-cli', fix: expect.stringContaining('rewind setup') as string }]);
  });

  test('if a file is where the store should be', async () => {
    await writeFile(join(stack.directory, 'taken'), '');
    await stack.configure({ store: 'file://./taken' });
    await stack.write('web.conf', 'colour = green\n');
    const told = await refused({ services: { api: { image, volumes: ['./web.conf:/etc/web.conf:ro'] } } });
    await stack.configure({ store: undefined });
    expect(told).toMatchObject([{ code: 'store/unusable', fix: expect.stringContaining('rewind:store') as string }]);
    expect(told[0]!.message).toContain(join(stack.directory, 'taken'));
  });

  test.runIf(process.getuid?.() === 0)('if the store cannot be written', async () => {
    const store = join(stack.directory, 'read-only');
    await mkdir(store);
    expect(await run(['mount', '-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', store])).toMatchObject({ exitCode: 0 });
    try {
      await stack.configure({ store: 'file://./read-only' });
      await stack.write('web.conf', 'colour = green\n');
      const told = await refused({ services: { api: { image, volumes: ['./web.conf:/etc/web.conf:ro'] } } });
      expect(told).toMatchObject([{ code: 'store/unusable', message: expect.stringContaining(store) as string }]);
    } finally {
      await stack.configure({ store: undefined });
      await run(['umount', store]);
    }
  });
});

test('a stack that was given nothing but bad input still runs as it did', async () => {
  expect(Object.keys(await containerIds(project))).toEqual([`${project}-api-1`]);
  expect(await stack.plannedSteps()).toEqual({});
});
