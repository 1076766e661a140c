import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DockerFindings, planDocker } from '../../toolchain/docker';
import { pingSocket, type Silence } from '../../toolchain/docker-ping';
import { engineSilent } from '../../toolchain/docker-problems';
import { serviceCommands } from '../../toolchain/docker-start';
import { type Host, parseOsRelease } from '../../toolchain/host';
import { tempFolder } from './temp-folder';

const debianRoot: Host = {
  platform: 'linux',
  isRoot: true,
  distributions: ['debian'],
  name: 'Debian GNU/Linux 12 (bookworm)',
  hasSystemd: false,
  hasInitScript: true,
};
const user: Host = { ...debianRoot, isRoot: false };
const fedoraRoot: Host = { ...debianRoot, distributions: ['fedora'], name: 'Fedora Linux 42' };
const mac: Host = { ...user, platform: 'darwin', distributions: [], name: 'darwin', hasInitScript: false };

const byDefault = { host: undefined, from: 'default' };
const silent = (silence: Silence) => ({ silence, detail: 'connect failed' });
const running = { version: '27.0.1' };

const findings = (change: Partial<DockerFindings>): DockerFindings => ({
  host: debianRoot,
  address: byDefault,
  docker: '/usr/bin/docker',
  dockerd: '/usr/sbin/dockerd',
  answer: running,
  ...change,
});

describe('Docker is', () => {
  test.each<[string, Partial<DockerFindings>, string]>([
    ['used if it answers', {}, 'use'],
    [
      'used if it answers, wherever it is',
      { address: { host: 'ssh://e', from: 'context e' }, dockerd: undefined },
      'use',
    ],
    ['started if it is installed and down', { answer: silent('no-socket') }, 'start'],
    ['started if it has left a dead socket behind', { answer: silent('dead-socket') }, 'start'],
    [
      'installed on Debian if nothing is there',
      { answer: silent('no-socket'), docker: undefined, dockerd: undefined },
      'install',
    ],
    [
      'installed on Ubuntu',
      {
        host: { ...debianRoot, distributions: ['ubuntu', 'debian'] },
        answer: silent('no-socket'),
        docker: undefined,
        dockerd: undefined,
      },
      'install',
    ],
    ['installed if only the command is there', { answer: silent('no-socket'), dockerd: undefined }, 'install'],
  ])('%s', (_, change, plan) => {
    expect(planDocker(findings(change))).toBe(plan);
  });
});

describe('one error tells what to do', () => {
  const nothing = { answer: silent('no-socket'), docker: undefined, dockerd: undefined };
  test.each<[string, Partial<DockerFindings>, RegExp, RegExp]>([
    [
      'no Docker, not root',
      { ...nothing, host: user },
      /no docker command on PATH/,
      /As root the set-up installs it.*apt-get install docker\.io.*usermod/,
    ],
    [
      'no Docker, another distribution',
      { ...nothing, host: fedoraRoot },
      /no docker command/,
      /Docker Engine 20\.10 or newer for Fedora Linux 42: https:/,
    ],
    ['no Docker, macOS', { ...nothing, host: mac }, /no docker command/, /Docker Desktop/],
    [
      'an engine without the command',
      { docker: undefined },
      /A Docker engine 27\.0\.1 answers, but there is no docker command/,
      /docker-cli/,
    ],
    [
      'not running, not root, systemd',
      { host: { ...user, hasSystemd: true }, answer: silent('no-socket') },
      /unix:\/\/\/var\/run\/docker\.sock: there is no such socket/,
      /sudo systemctl enable --now docker/,
    ],
    [
      'not running, not root, no systemd',
      { host: user, answer: silent('dead-socket') },
      /nothing listens on it/,
      /sudo service docker start/,
    ],
    ['not running, macOS', { host: mac, answer: silent('no-socket') }, /no such socket/, /Start Docker Desktop/],
    [
      'not in the docker group',
      { host: user, answer: silent('forbidden') },
      /your user may not use the socket/,
      /usermod -aG docker "\$USER".*log out/,
    ],
    [
      'DOCKER_HOST names a dead socket, even for root',
      { address: { host: 'unix:///x.sock', from: 'DOCKER_HOST' }, answer: silent('no-socket') },
      /unix:\/\/\/x\.sock \(from DOCKER_HOST\)/,
      /correct DOCKER_HOST, or unset it/,
    ],
    [
      'a context’s engine does not answer',
      { address: { host: 'ssh://prod', from: 'context prod' }, answer: silent('no-answer') },
      /ssh:\/\/prod \(from context prod\): connect failed/,
      /docker context use default/,
    ],
    ['the engine hangs', { answer: silent('no-answer') }, /connect failed/, /hangs or is overloaded/],
  ])('%s', (_, change, message, fix) => {
    expect(() => planDocker(findings(change))).toThrow(
      expect.objectContaining({
        code: 'setup/docker',
        message: expect.stringMatching(message) as string,
        fix: expect.stringMatching(fix) as string,
      }),
    );
  });

  test('which ends in one full stop, or in what the engine ended with', () => {
    expect(engineSilent(user, byDefault, 'no-answer', 'Is it running?').message).toMatch(/running\?$/);
    expect(engineSilent(user, byDefault, 'no-answer', 'Cannot connect.').message).toMatch(/[^.]\.$/);
  });
});

test('the service manager is systemd where it runs, else the init script, else none', () => {
  expect(serviceCommands({ ...debianRoot, hasSystemd: true })).toEqual([['systemctl', 'start', 'docker']]);
  expect(serviceCommands(debianRoot)).toEqual([['service', 'docker', 'start']]);
  expect(serviceCommands({ ...debianRoot, hasInitScript: false })).toEqual([]);
});

test('the distribution is read from /etc/os-release', () => {
  expect(parseOsRelease('PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nID_LIKE=\'debian\'\n# note\n')).toEqual({
    PRETTY_NAME: 'Ubuntu 24.04 LTS',
    ID: 'ubuntu',
    ID_LIKE: 'debian',
  });
});

describe('asking a socket', () => {
  const socket = () => path.join(tempFolder(), 's.sock');

  test('an engine tells its version', async () => {
    const file = socket();
    const server = http.createServer((_, response) => response.end('{"Version":"20.10.24"}')).listen(file);
    await expect(pingSocket(file)).resolves.toEqual({ version: '20.10.24' });
    server.close();
  });

  test('no socket', async () => {
    await expect(pingSocket(socket())).resolves.toMatchObject({ silence: 'no-socket' });
  });

  test('a socket that nobody listens on', async () => {
    const file = socket();
    const script = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
    const { execFileSync } = await import('node:child_process');
    expect(() => execFileSync(process.execPath, ['-e', script])).toThrow();
    await expect(pingSocket(file)).resolves.toMatchObject({ silence: 'dead-socket' });
  });

  test('something that is no Docker engine', async () => {
    const file = socket();
    const server = net.createServer((client) => client.end('220 mail ready\r\n')).listen(file);
    await expect(pingSocket(file)).resolves.toMatchObject({ silence: 'no-answer' });
    server.close();
  });
});
