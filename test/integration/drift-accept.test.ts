import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { run } from '../../src/process';
import { remakeContainer } from '../support/by-hand';
import { briefly, docker, driftOf } from '../support/drift';
import { inspectContainer } from '../support/docker';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { TestStack } from '../support/stack';

// One stack: what somebody has changed by hand is taken for what is to be, and the next release has it. The tests go on from
// where the one before left; a schema is taken over in drift-database.test.ts.

const project = 'rewind-drift-accept';
const web = `${project}-web-1`;
const app = (tag: string): string => `rewind-drift-accept/app:${tag}`;
const secret = 'word-nobody-may-see';
const command = ['sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];

const compose = `# The shop.
services:
  web:
    image: ${app('1')} # set by the build
    environment:
      LOG_LEVEL: info
    labels: { org.example.team: shop }
    cpus: 0.5
    mem_limit: 64m
    restart: unless-stopped
  other:
    image: ${app('1')}
`;

let stack: TestStack;

const configuration = async (): Promise<Record<string, unknown>> =>
  (parse(await readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8')) as { config: Record<string, unknown> })
    .config;

beforeAll(async () => {
  await makeTaggedImages({ [app('1')]: 'plain', [app('2')]: 'newer' });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(app('1'), app('2'));
});

describe('rewind drift --accept', () => {
  let id: string;
  let patch: string;

  test('asks first, and without anybody to ask writes nothing', async () => {
    await docker('update', '--cpus', '0.7', web);
    const before = await configuration();
    const { exitCode, stderr } = await stack.tryRewind(['drift', '--accept']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('add --yes');
    expect(await configuration()).toEqual(before);
  });

  test('writes variables, secrets and images into the stack configuration, and the rest as a change of the compose file', async () => {
    await remakeContainer(web, (it) => {
      it.Env = [...it.Env.filter((text) => !text.startsWith('LOG_LEVEL=')), 'LOG_LEVEL=debug', `API_TOKEN=${secret}`];
      it.Image = app('2');
      it.Labels['org.example.team'] = 'other';
      it.Cmd = command;
    });
    ({ Id: id } = await inspectContainer(web));
    const printed = await stack.rewind('drift', '--accept', '--yes');
    expect(printed).not.toContain(secret);
    const config = await configuration();
    expect(config['rewind:env']).toEqual({ web: { LOG_LEVEL: 'debug' } });
    expect(config['rewind:secrets']).toMatchObject({ web: { API_TOKEN: { secure: expect.any(String) as string } } });
    expect(JSON.stringify(config)).not.toContain(secret);
    expect(config['rewind:tags']).toEqual({ web: (await inspectContainer(web)).Image });
    patch = printed.slice(printed.indexOf('--- '));
    expect(await readFile(join(stack.directory, 'compose.yaml'), 'utf8')).toBe(compose);
  });

  test('has changed nothing that runs', async () => {
    expect((await inspectContainer(web)).Id).toBe(id);
    expect((await inspectContainer(web)).State.Running).toBe(true);
  });

  test('prints a change that git apply takes, with the comments of the file as they were', async () => {
    await writeFile(join(stack.directory, 'change.patch'), patch);
    const { exitCode, stderr } = await run(['git', 'apply', 'change.patch'], { cwd: stack.directory });
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    const text = await readFile(join(stack.directory, 'compose.yaml'), 'utf8');
    expect(text).toContain('# The shop.');
    expect(text).toContain('# set by the build');
    expect(parse(text)).toMatchObject({
      services: { web: { command, cpus: 0.7, labels: { 'org.example.team': 'other' } } },
    });
  });

  test('is followed by a release that has all of it, after which nothing differs', async () => {
    await stack.rewind('deploy');
    expect(briefly(await driftOf(stack))).toEqual({});
    const { Config, HostConfig, Image } = await inspectContainer(web);
    expect(Config.Env).toEqual(expect.arrayContaining(['LOG_LEVEL=debug', `API_TOKEN=${secret}`]));
    expect(Config.Cmd).toEqual(command);
    expect(Config.Labels['org.example.team']).toBe('other');
    expect(HostConfig.NanoCpus).toBe(7e8);
    expect(Image).toBe((await inspectContainer(web)).Image);
    await expect(docker('image', 'inspect', '--format', '{{.Id}}', app('2'))).resolves.toBe(Image);
  });

  test('is undone by a revert', async () => {
    await stack.revert('r1');
    const { Config, HostConfig } = await inspectContainer(web);
    expect(Config.Env).toContain('LOG_LEVEL=info');
    expect(Config.Env.join()).not.toContain('API_TOKEN');
    expect(Config.Labels['org.example.team']).toBe('shop');
    expect(HostConfig.NanoCpus).toBe(5e8);
  });

  test('says of what it cannot take over what to do instead', async () => {
    await docker('stop', `${project}-other-1`);
    const { exitCode, stdout } = await stack.tryRewind(['drift', '--accept', '--yes']);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('take the service out of the compose file');
    await stack.rewind('drift', '--fix', '--yes');
  });
});
