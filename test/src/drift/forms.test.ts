import { expect, test } from 'vitest';

import { declaredForm } from '../../../src/drift/declared-form';
import { addresses, capabilities, securityOptions, size } from '../../../src/drift/form';
import { SecretValues } from '../../../src/container/project-secrets';
import { worthTelling } from '../../../src/drift/changed-files';
import { isMeant } from '../../../src/drift/finding';
import { withRules } from '../../../src/drift/ignore';
import { shown } from '../../../src/drift/shown';
import { Sensitive } from '../../../src/sensitive';
import { containerOf, projectOf } from '../../support/compose-project';

const formOf = (keys: Parameters<typeof containerOf>[0], image = {}): Record<string, string> =>
  Object.fromEntries(
    [
      ...declaredForm({
        spec: containerOf(keys),
        limits: {},
        image,
        defaults: { logDriver: 'json-file', runtime: 'runc' },
        nameOf: (service) => `shop-${service}-1`,
        mountsOf: () => [],
      }),
    ].map(([path, text]) => [path, String(text)]),
  );

test('a container has from its image what its service does not say', () => {
  const image = { Cmd: ['serve'], Entrypoint: ['init'], Env: ['PATH=/bin', 'A=1', 'B=2'], User: 'app' };
  const form = formOf({ environment: { A: '3', B: null } }, image);
  expect(form).toMatchObject({
    command: 'serve',
    entrypoint: 'init',
    user: 'app',
    'env.PATH': '/bin',
    'env.A': '[secret]',
  });
  expect(form).not.toHaveProperty('env.B');
});

test('an entrypoint of its own takes the command of the image away', () => {
  const form = formOf({ entrypoint: ['sh'] }, { Cmd: ['serve'], Entrypoint: ['init'] });
  expect(form).toMatchObject({ entrypoint: 'sh' });
  expect(form).not.toHaveProperty('command');
});

test('what is as an engine makes it by itself has no entry', () => {
  const form = formOf({
    restart: 'no',
    stop_signal: 'SIGTERM',
    ipc: 'private',
    runtime: 'runc',
    working_dir: '/',
    shm_size: '67108864',
  });
  expect(Object.keys(form).filter((path) => !path.startsWith('label.'))).toEqual(['image']);
});

test.each([
  [[{ ip: '', port: '80' }], '0.0.0.0:80'],
  [
    [
      { ip: '0.0.0.0', port: '80' },
      { ip: '::', port: '80' },
    ],
    '0.0.0.0:80',
  ],
  [[{ ip: '127.0.0.1', port: '' }], '127.0.0.1:any'],
])('addresses %j are one spelling', (bindings, text) => {
  expect(addresses(bindings)).toBe(text);
});

test('capabilities, sizes and options of the kernel have one spelling each', () => {
  expect(capabilities(['cap_chown', 'NET_RAW'])).toBe(capabilities(['NET_RAW', 'CHOWN']));
  expect([size(64 * 1024 ** 2), size(1024 ** 3), size(-1), size(1000)]).toEqual([
    '64 MiB',
    '1 GiB',
    'unlimited',
    '1000 bytes',
  ]);
  expect(securityOptions(['no-new-privileges'], false)).toBe(securityOptions(['no-new-privileges:true'], false));
  expect(securityOptions(['label=disable'], true)).toBe('');
});

test('files that were changed are told without their folders, mounts, and what programs write in passing', () => {
  const change = (Path: string, Kind: number): { Path: string; Kind: number } => ({ Path, Kind });
  const changes = [
    change('/etc', 0),
    change('/etc/motd', 1),
    change('/tmp/x', 1),
    change('/run/app.pid', 1),
    change('/srv', 0),
    change('/srv/data', 1),
    change('/app/__pycache__/a.pyc', 1),
    change('/var/log/app.log', 1),
    change('/usr/bin/tool', 2),
  ];
  const info = { Mounts: [{ Destination: '/srv/data' }], HostConfig: {} } as unknown as Parameters<
    typeof worthTelling
  >[1];
  expect(worthTelling(changes, info).map(({ Path }) => Path)).toEqual(['/etc/motd', '/usr/bin/tool']);
  const made = [change('/opt', 0), change('/opt/work', 1), change('/sbin/docker-init', 1)];
  expect(worthTelling(made, info, '/opt/work')).toEqual([]);
});

test('the name that a container has for itself is none that differs in its networks', () => {
  const form = formOf({ hostname: 'queue', networks: { front: { aliases: ['queue', 'jobs'] } } });
  expect(Object.entries(form).filter(([path]) => path.startsWith('network.'))).toEqual([
    [expect.any(String), expect.not.stringContaining('queue')],
  ]);
});

test.each([
  ['container/api-1/env.DEBUG', true],
  ['container/api-1', true],
  ['containers', true],
  ['api', true],
  ['container/api-*/env.*', true],
  ['container/api', false],
  ['volumes', false],
  ['*/exists', false],
])('%s means the finding: %s', (text, is) => {
  expect(isMeant({ id: 'container/api-1/env.DEBUG', group: 'api' }, text)).toBe(is);
});

test('a rule holds to the end of its day', () => {
  const finding = {
    id: 'container/api-1/user',
    group: 'api',
    what: 'user',
    severity: 'changed',
    fix: 'replace',
  } as const;
  const rule = { what: 'container/*', reason: 'known', until: '2026-11-27' };
  const at = (day: string): ReturnType<typeof withRules> => withRules([finding], { ignore: [rule] }, new Date(day));
  expect(at('2026-11-27T23:59:00Z')).toMatchObject({ findings: [], ignored: [{ reason: 'known' }], ended: [] });
  expect(at('2026-11-28T00:00:00Z')).toMatchObject({ findings: [finding], ignored: [], ended: [rule] });
});

test('a value is shown only where it is harmless', () => {
  const scene = {
    released: { project: projectOf({}), secrets: new SecretValues(), shown: { api: ['REGION_NAME'] }, hidden: {} },
    secrets: new Set(['hush-hush']),
  };
  const of = (path: string, text: string | Sensitive): string | undefined => shown(scene, 'api', path, text);
  expect(of('env.LOG_LEVEL', 'debug')).toBe('debug');
  expect(of('env.ANYTHING', 'x')).toBe('[secret]');
  expect(of('env.REGION_NAME', 'north')).toBe('north');
  expect(of('command', 'run --password=abc')).toBe('[secret]');
  expect(of('command', 'run hush-hush')).toBe('run [secret]');
  expect(of('command', new Sensitive('run'))).toBe('[secret]');
});
