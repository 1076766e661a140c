import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { connect, connectAndAsk, engineAddress } from '../../../src/docker/engine';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

/** A folder of the docker command's configuration, with contexts by name. */
function dockerConfig(config: string | undefined, contexts: Readonly<Record<string, string>> = {}): string {
  return tempFolder({
    ...(config !== undefined && { 'config.json': config }),
    ...Object.fromEntries(
      Object.entries(contexts).map(([name, host]) => [
        `contexts/meta/${createHash('sha256').update(name).digest('hex')}/meta.json`,
        JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
      ]),
    ),
  });
}

describe('the engine is the one that the docker command would use', () => {
  test('DOCKER_HOST, whatever else is set', () => {
    const env = {
      DOCKER_HOST: 'tcp://10.0.0.5:2375',
      DOCKER_CONTEXT: 'remote',
      DOCKER_CONFIG: dockerConfig('{}', { remote: 'ssh://ops@shop' }),
    };
    expect(engineAddress(env)).toEqual({ host: 'tcp://10.0.0.5:2375', from: 'DOCKER_HOST' });
  });

  test('the context of DOCKER_CONTEXT, before the current one', () => {
    const folder = dockerConfig('{"currentContext": "here"}', { here: 'unix:///run/a.sock', remote: 'ssh://ops@shop' });
    expect(engineAddress({ DOCKER_CONFIG: folder, DOCKER_CONTEXT: 'remote' })).toEqual({
      host: 'ssh://ops@shop',
      from: 'context remote',
    });
    expect(engineAddress({ DOCKER_CONFIG: folder })).toEqual({ host: 'unix:///run/a.sock', from: 'context here' });
  });

  test.each([
    ['nothing is set', undefined, {}],
    ['the current context is the default', '{"currentContext": "default"}', {}],
    ['no context is current', '{"auths": {}}', {}],
    ['the current context is empty', '{"currentContext": ""}', {}],
    ['the default is asked for', '{"currentContext": "here"}', { DOCKER_CONTEXT: 'default' }],
    ['the variables are empty', '{}', { DOCKER_HOST: '', DOCKER_CONTEXT: '' }],
  ])('the default socket if %s', (_when, config, env) => {
    expect(engineAddress({ DOCKER_CONFIG: dockerConfig(config), ...env })).toEqual({
      host: undefined,
      from: 'default',
    });
  });

  test('an empty variable is as good as none: the current context holds', () => {
    const folder = dockerConfig('{"currentContext": "here"}', { here: 'unix:///run/a.sock' });
    expect(engineAddress({ DOCKER_CONFIG: folder, DOCKER_CONTEXT: '' }).from).toBe('context here');
  });

  test('an error if the context does not exist', async () => {
    const env = { DOCKER_CONFIG: dockerConfig('{}'), DOCKER_CONTEXT: 'gone' };
    expect(await problemsOf(() => engineAddress(env))).toMatchObject([
      { code: 'docker/unreachable', message: 'The Docker context gone does not exist.' },
    ]);
  });

  test('an error that names the file if the configuration of the docker command cannot be read', async () => {
    const folder = dockerConfig('{"currentContext": ');
    expect(await problemsOf(() => engineAddress({ DOCKER_CONFIG: folder }))).toMatchObject([
      { code: 'docker/unreachable', message: expect.stringContaining(join(folder, 'config.json')) as string },
    ]);
  });
});

describe('a connection', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** An engine on a socket of its own that answers like this. */
  async function listening(answers: Readonly<Record<string, unknown>>): Promise<string> {
    const socket = join(tempFolder(), 'docker.sock');
    server = createServer((request, response) => {
      const answer = answers[request.url!.replace(/^\/v[\d.]+/, '')];
      response.writeHead(answer === undefined ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? { message: 'broken' }));
    });
    await new Promise<void>((resolve) => server!.listen(socket, resolve));
    return `unix://${socket}`;
  }

  test('tells what matters of the engine', async () => {
    const host = await listening({
      '/version': { ApiVersion: '1.44', Os: 'linux', Arch: 'arm64' },
      '/info': { SwapLimit: true },
    });
    expect((await connectAndAsk({ DOCKER_HOST: host })).facts).toMatchObject({
      apiVersion: '1.44',
      swapLimit: true,
      local: true,
      platform: 'linux/arm64',
    });
  });

  test('asks an engine only once what it is, and whether it answers each time', async () => {
    const host = await listening({ '/version': { ApiVersion: '1.44' }, '/info': {}, '/_ping': 'OK' });
    const asked: string[] = [];
    server!.on('request', ({ url }: IncomingMessage) => asked.push(url!.replace(/^\/v[\d.]+/, '')));
    await Promise.all([connectAndAsk({ DOCKER_HOST: host }), connectAndAsk({ DOCKER_HOST: host })]);
    await connectAndAsk({ DOCKER_HOST: host });
    expect(asked.sort()).toEqual(['/_ping', '/_ping', '/info', '/version']);
    server!.close();
    server!.closeAllConnections();
    expect(await problemsOf(() => connectAndAsk({ DOCKER_HOST: host }))).toMatchObject([
      { code: 'docker/unreachable' },
    ]);
  });

  test('that has failed to tell is asked anew', async () => {
    const answers: Record<string, unknown> = { '/version': { ApiVersion: '1.44' } };
    const host = await listening(answers);
    await expect(connectAndAsk({ DOCKER_HOST: host })).rejects.toThrow('broken');
    answers['/info'] = {};
    expect((await connectAndAsk({ DOCKER_HOST: host })).facts.apiVersion).toBe('1.44');
  });

  test('to a socket on which nobody answers is an error that names it and says how to start Docker', async () => {
    const socket = join(tempFolder(), 'docker.sock');
    expect(await problemsOf(() => connect({ DOCKER_HOST: `unix://${socket}` }))).toMatchObject([
      {
        code: 'docker/unreachable',
        message: expect.stringContaining(`unix://${socket} (DOCKER_HOST)`) as string,
        fix: expect.stringContaining('Start Docker') as string,
      },
    ]);
  });

  test('to an engine that is broken is an error with what the engine says', async () => {
    const host = await listening({});
    expect(await problemsOf(() => connect({ DOCKER_HOST: host }))).toMatchObject([
      { code: 'docker/unreachable', message: expect.stringContaining('broken') as string },
    ]);
  });

  test.each(['localhost:2375', '/var/run/docker.sock', 'ftp://shop', 'tcp//shop'])(
    'to %s is an error, as that is no address of an engine',
    async (host) => {
      expect(await problemsOf(() => connect({ DOCKER_HOST: host }))).toMatchObject([
        {
          code: 'docker/unreachable',
          message: `"${host}" (DOCKER_HOST) is no address of a Docker engine.`,
          fix: 'Write it as unix:///path/to/docker.sock, tcp://host:port or ssh://user@host.',
        },
      ]);
    },
  );
});
