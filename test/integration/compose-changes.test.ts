import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerIds, execIn, type Inspection, inspectContainers } from '../support/docker';
import { boxImages, makeBoxImages } from '../support/images';
import { TestStack } from '../support/stack';

const image = boxImages.plain;
const project = 'rewind-fixture-changes';

/** A change of one key: what a service has before and after it, and what its container then shows. */
interface Change {
  readonly before: object;
  readonly after: object;
  readonly shows: (container: Inspection) => unknown;
  readonly value: unknown;
}

/** Changes that an engine makes on the running container. */
const inPlace: Readonly<Record<string, Change>> = {
  memory: {
    before: { mem_limit: '64m' },
    after: { mem_limit: '256m' },
    shows: ({ HostConfig }) => HostConfig.Memory,
    value: 256 * 1024 * 1024,
  },
  'less-memory': {
    before: { deploy: { resources: { limits: { memory: '128M' } } } },
    after: { deploy: { resources: { limits: { memory: '64M' } } } },
    shows: ({ HostConfig }) => HostConfig.Memory,
    value: 64 * 1024 * 1024,
  },
  'odd-memory': {
    before: { mem_limit: 67108900 },
    after: { mem_limit: 77108900 },
    // The kernel counts in pages of 4 KiB; the engine keeps what it was told.
    shows: ({ HostConfig }) => HostConfig.Memory,
    value: 77108900,
  },
  restart: {
    before: { restart: 'no' },
    after: { restart: 'on-failure:5' },
    shows: ({ HostConfig }) => HostConfig.RestartPolicy,
    value: { Name: 'on-failure', MaximumRetryCount: 5 },
  },
  'new-restart': {
    before: {},
    after: { restart: 'always' },
    shows: ({ HostConfig }) => HostConfig.RestartPolicy?.Name,
    value: 'always',
  },
  'no-restart': {
    before: { restart: 'on-failure:5' },
    after: {},
    shows: ({ HostConfig }) => HostConfig.RestartPolicy,
    value: { Name: 'no', MaximumRetryCount: 0 },
  },
  shares: {
    before: { cpu_shares: 512 },
    after: { cpu_shares: 256 },
    shows: ({ HostConfig }) => HostConfig.CpuShares,
    value: 256,
  },
  pids: {
    before: { pids_limit: 50 },
    after: { pids_limit: 60 },
    shows: ({ HostConfig }) => HostConfig.PidsLimit,
    value: 60,
  },
};

/** Changes that only a new container can have, some of which the provider would take without acting on them. */
const replacing: Readonly<Record<string, Change>> = {
  tmpfs: {
    before: { tmpfs: ['/cache'] },
    after: { tmpfs: ['/cache:size=1m'] },
    shows: ({ HostConfig }): unknown => HostConfig.Tmpfs,
    value: { '/cache': 'size=1m' },
  },
  'no-tmpfs': {
    before: { tmpfs: ['/cache'] },
    after: {},
    shows: ({ HostConfig }): unknown => HostConfig.Tmpfs,
    value: undefined,
  },
  init: { before: {}, after: { init: true }, shows: ({ HostConfig }) => HostConfig.Init, value: true },
  period: {
    before: { cpu_period: 50000, cpu_quota: 25000 },
    after: { cpu_period: 100000, cpu_quota: 25000 },
    shows: ({ HostConfig }) => HostConfig.CpuPeriod,
    value: 100000,
  },
  cpus: {
    before: { cpus: 0.05 },
    after: { cpus: 0.07 },
    shows: ({ HostConfig }) => HostConfig.NanoCpus,
    value: 70_000_000,
  },
  hosts: {
    before: { extra_hosts: ['six=::1'] },
    after: { extra_hosts: ['six=::2'] },
    shows: ({ HostConfig }): unknown => HostConfig.ExtraHosts,
    value: ['six:::2'],
  },
  ports: {
    before: { ports: ['127.0.0.1:21301:80', '127.0.0.1:21302:80'] },
    after: { ports: ['127.0.0.1:21301:80', '127.0.0.1:21303:80'] },
    shows: ({ HostConfig }) => (HostConfig.PortBindings as Ports)['80/tcp']!.map(({ HostPort }) => HostPort),
    value: ['21301', '21303'],
  },
  command: {
    before: { command: ['sh', '-c', 'exec serve'] },
    after: {},
    shows: ({ Config }) => Config.Cmd,
    value: ['serve'],
  },
  entrypoint: {
    before: { entrypoint: ['serve'] },
    after: {},
    shows: ({ Config }) => Config.Entrypoint,
    value: null,
  },
  check: {
    before: { healthcheck: { test: 'true', interval: '1s' } },
    after: {},
    shows: ({ Config }): unknown => Config.Healthcheck,
    value: undefined,
  },
  labels: {
    before: { labels: { 'org.example.team': 'shop' } },
    after: {},
    shows: ({ Config }) => Config.Labels['org.example.team'],
    value: undefined,
  },
  environment: {
    before: { environment: { DEBUG: '1' } },
    after: {},
    shows: ({ Config }) => Config.Env,
    value: ['PATH=/bin'],
  },
  user: { before: { user: '1000' }, after: {}, shows: ({ Config }) => Config.User, value: '' },
  reservation: {
    before: { mem_limit: '128m', mem_reservation: '64m' },
    after: { mem_limit: '128m' },
    shows: ({ HostConfig }) => HostConfig.MemoryReservation,
    value: 0,
  },
  'no-limit': {
    before: { mem_limit: '64m', pids_limit: 50 },
    after: {},
    shows: ({ HostConfig }) => [HostConfig.Memory, HostConfig.PidsLimit ?? 0],
    value: [0, 0],
  },
};

type Ports = Record<string, { HostPort: string }[]>;

const changes = { ...inPlace, ...replacing };

function servicesWith(state: 'before' | 'after'): object {
  const changing = Object.entries(changes).map(([name, change]): [string, object] => [
    name,
    { image, ...change[state] },
  ]);
  return Object.fromEntries<object>([...changing, ['unchanged', { image }]]);
}

describe('a changed compose file', () => {
  let stack: TestStack;
  let before: Record<string, string>;
  let steps: Record<string, string>;
  let preview: string;
  let after: Record<string, Inspection>;

  beforeAll(async () => {
    await makeBoxImages();
    stack = await TestStack.create(project);
    await stack.write('compose.yaml', { services: servicesWith('before') });
    await stack.up();
    before = await containerIds(project);
    await stack.write('compose.yaml', { services: servicesWith('after') });
    steps = await stack.plannedSteps();
    preview = await stack.preview();
    await stack.up();
    after = await inspectContainers(project);
  });

  afterAll(() => stack.remove());

  test.each(Object.keys(changes))('takes effect: %s', (name) => {
    const { shows, value } = changes[name]!;
    expect(shows(after[`${project}-${name}-1`]!)).toEqual(value);
  });

  test.each(Object.keys(inPlace))('needs no new container: %s', (name) => {
    expect(after[`${project}-${name}-1`]!.Id).toBe(before[`${project}-${name}-1`]);
  });

  test.each(Object.keys(replacing))('makes a new container: %s', (name) => {
    expect(after[`${project}-${name}-1`]!.Id).not.toBe(before[`${project}-${name}-1`]);
    expect(steps[`${project}-${name}-1`]).toMatch(/replace/);
  });

  test('leaves the services alone that it does not change', () => {
    expect(after[`${project}-unchanged-1`]!.Id).toBe(before[`${project}-unchanged-1`]);
    expect(Object.keys(steps)).not.toContain('unchanged');
    expect(Object.keys(steps)).not.toContain(`${project}-unchanged-1`);
  });

  test('shows in the preview what changes, also where the provider does not', () => {
    expect(preview).toMatch(/PidsLimit\s*: 50 => 60/);
    expect(preview).toMatch(/memory\s*: 64 => 256/);
    expect(preview).toMatch(/cpus\s*: "0\.05" => "0\.07"/);
    expect(preview).toMatch(/ip\s*: "::1" => "::2"/);
    expect(preview).toMatch(/external\s*: 21302 => 21303/);
  });

  test('leaves nothing to do', async () => {
    await stack.preview('--refresh', '--expect-no-changes');
  });

  test('can be undone', async () => {
    await stack.write('compose.yaml', { services: servicesWith('before') });
    await stack.up();
    await stack.preview('--expect-no-changes');
    expect((await inspectContainers(project))[`${project}-memory-1`]!.HostConfig.Memory).toBe(64 * 1024 * 1024);
  });
});

describe('a changed configuration file', () => {
  let stack: TestStack;
  const name = 'rewind-fixture-files';
  const ids = (): Promise<Record<string, string>> => containerIds(name);
  const read = (service: string, path: string): Promise<string> => execIn(`${name}-${service}-1`, 'cat', path);

  const composeFile = (greeting: string): object => ({
    services: {
      bound: { image, volumes: ['./conf/app.conf:/etc/app.conf:ro', './conf:/etc/conf:ro'] },
      other: { image, volumes: ['./other.conf:/etc/other.conf'] },
      configured: { image, configs: [{ source: 'file', target: '/etc/file.conf' }] },
      inline: { image, configs: [{ source: 'inline', target: '/etc/inline.conf' }] },
      trusted: { image, secrets: ['key'] },
      apart: { image },
    },
    configs: { file: { file: './config.conf' }, inline: { content: greeting } },
    secrets: { key: { file: './key.txt' } },
  });

  /** Services whose container is another one after what is done. */
  async function replacedBy(act: () => Promise<void>): Promise<string[]> {
    const before = await ids();
    await act();
    await stack.up();
    const after = await ids();
    return Object.keys(after)
      .filter((container) => after[container] !== before[container])
      .map((container) => container.slice(name.length + 1, -2));
  }

  beforeAll(async () => {
    await makeBoxImages();
    stack = await TestStack.create(name);
    await stack.write('conf/app.conf', 'colour = red\n');
    await stack.write('other.conf', 'other = 1\n');
    await stack.write('config.conf', 'config = 1\n');
    await stack.write('key.txt', 'first-key-4711');
    await stack.write('compose.yaml', composeFile('hello'));
    await stack.up();
  });

  afterAll(() => stack.remove());

  test('does not reach a running container by itself', async () => {
    await stack.write('conf/app.conf', 'colour = green\n');
    expect(await read('bound', '/etc/app.conf')).toBe('colour = red');
  });

  test('replaces just the services that mount it', async () => {
    expect(await replacedBy(() => stack.write('conf/app.conf', 'colour = blue\n'))).toEqual(['bound']);
    expect(await read('bound', '/etc/app.conf')).toBe('colour = blue');
    expect(await read('bound', '/etc/conf/app.conf')).toBe('colour = blue');
  });

  test('replaces just the services that have it as config, from a file or in place', async () => {
    expect(await replacedBy(() => stack.write('config.conf', 'config = 2\n'))).toEqual(['configured']);
    expect(await read('configured', '/etc/file.conf')).toBe('config = 2');
    expect(await replacedBy(() => stack.write('compose.yaml', composeFile('good day')))).toEqual(['inline']);
    expect(await read('inline', '/etc/inline.conf')).toBe('good day');
  });

  test('replaces just the services that have it as secret', async () => {
    expect(await replacedBy(() => stack.write('key.txt', 'second-key-4711'))).toEqual(['trusted']);
    expect(await read('trusted', '/run/secrets/key')).toBe('second-key-4711');
  });

  test('comes back by its hash, though the file is not there any more', async () => {
    const files = (await stack.output('files')) as Record<string, string>;
    const blue = files['conf/app.conf']!;
    await replacedBy(() => stack.write('conf/app.conf', 'colour = black\n'));
    expect(await read('bound', '/etc/app.conf')).toBe('colour = black');
    await stack.removeFile('conf/app.conf');
    expect(await replacedBy(() => stack.configure({ files: { 'conf/app.conf': blue } }))).toEqual(['bound']);
    expect(await read('bound', '/etc/app.conf')).toBe('colour = blue');
    await stack.preview('--refresh', '--expect-no-changes');
  });

  test('is an error at preview time if the store does not have the content asked for', async () => {
    await stack.configure({ files: { 'conf/app.conf': `sha256:${'0'.repeat(64)}` } });
    const { ok, output } = await stack.tryPreview();
    expect(ok).toBe(false);
    expect(output).toContain('conf/app.conf');
    expect(output).toContain('[config/file-pin]');
    await stack.configure({ files: undefined });
    await stack.write('conf/app.conf', 'colour = blue\n');
  });
});
