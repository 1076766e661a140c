import type Docker from 'dockerode';
import { afterEach, expect, test } from 'vitest';

import { type Change, upperLayerChanges } from '../../src/docker/upper-layer';
import { execIn, inspectContainer } from '../support/docker';
import { docker } from '../support/drift';

// What is read of a container's layer is held against what the engine says when it compares every file. Where the engine
// keeps its layers in another way, or they may not be read, it is the engine that is asked.

const name = 'rewind-upper-layer';
const image = 'apex-db:15';

afterEach(() => docker('rm', '-f', '-v', name));

/** Without the folders above what has changed: the engine names them too. */
function told(changes: readonly Change[]): string[] {
  const above = changes.flatMap(({ Path: path }) => {
    const parts = path.split('/');
    return parts.map((_, at) => parts.slice(0, at).join('/'));
  });
  return changes
    .filter(({ Kind: kind, Path: path }) => kind !== 0 || !above.includes(path))
    .map(({ Kind: kind, Path: path }) => `${['changed', 'added', 'removed'][kind]} ${path}`)
    .filter((line) => !/ \/(dev|etc\/(hosts|hostname|resolv\.conf|mtab)|\.dockerenv)/.test(line))
    .sort();
}

async function started(...script: string[]): Promise<Docker.ContainerInspectInfo> {
  await docker(
    'run',
    '--detach',
    '--name',
    name,
    '--init',
    '--user',
    '0:0',
    '--entrypoint',
    'sleep',
    image,
    'infinity',
  );
  if (script.length > 0) expect(await execIn(name, 'sh', '-ec', script.join('\n'))).toBe('');
  return inspectContainer(name);
}

async function engineSays(): Promise<Change[]> {
  const lines = (await docker('diff', name)).split('\n').filter(Boolean);
  return lines.map((line) => ({ Kind: 'CAD'.indexOf(line[0]!), Path: line.slice(2) }));
}

const canBeRead = process.getuid?.() === 0 && (await docker('info', '--format', '{{.Driver}}')) === 'overlay2';

test.runIf(canBeRead)('a layer says what the engine says: files and folders that came, went and changed', async () => {
  const info = await started(
    'echo more >> /etc/passwd',
    'rm /etc/group',
    'rm -r /etc/apt',
    'touch /etc/issue',
    'chmod 700 /var/lib',
    'chown 1:1 /etc/shells',
    'mkdir -p /opt/new/deep && echo 1 > /opt/new/deep/file',
    'ln -s /etc/passwd /opt/link',
    'mkfifo /opt/fifo',
    'rm -r /usr/share/doc && echo a file > /usr/share/doc',
    'rm /bin/sh.distrib 2> /dev/null || true',
    'cp /etc/debian_version /tmp/it && mv /tmp/it /etc/debian_version',
    'echo gone > /opt/gone && rm /opt/gone',
    'chmod 600 /etc/services && chmod 644 /etc/services',
  );
  const read = await upperLayerChanges(info);
  expect(told(read!)).toEqual(told(await engineSays()));
  expect(told(read!)).toEqual(
    expect.arrayContaining([
      'added /opt/new/deep/file',
      'changed /etc/passwd',
      'changed /var/lib',
      'removed /etc/apt',
      'removed /etc/group',
    ]),
  );
});

test.runIf(canBeRead)('of a container that nobody has touched it says the same as the engine', async () => {
  expect(told((await upperLayerChanges(await started()))!)).toEqual(told(await engineSays()));
});

test('what only the attributes of a folder say is left to the engine', async () => {
  const info = await started('rm -r /etc/apt && mkdir -m 755 /etc/apt');
  expect(await upperLayerChanges(info)).toBeUndefined();
});

test('so is a container that does not run, and one whose layers are elsewhere', async () => {
  await started();
  await docker('kill', name);
  const info = await inspectContainer(name);
  expect(await upperLayerChanges(info)).toBeUndefined();
  const elsewhere = { Name: 'overlay2', Data: { UpperDir: '/none/diff', LowerDir: '/none/lower' } };
  const running = { ...info.State, Pid: process.pid };
  for (const driver of [elsewhere, { Name: 'overlayfs', Data: null }, undefined]) {
    expect(await upperLayerChanges({ ...info, State: running, GraphDriver: driver })).toBeUndefined();
  }
});
