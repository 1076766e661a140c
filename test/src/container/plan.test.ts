import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ComposeModel, ComposeService } from '../../../src/compose/model';
import { configHash, containerNames } from '../../../src/container/plan';
import type { ContainerSpec } from '../../../src/container/spec';
import { Sensitive } from '../../../src/sensitive';
import { containerOf, imageFacts, type PlanChanges, planOf, projectOf } from '../../support/compose-project';
import { tempFolder } from '../../support/temp-folder';

const labelOf = (spec: ContainerSpec, name: string): string | undefined => {
  const value = spec.labels.find(({ label }) => label === name)?.value;
  return value === undefined ? undefined : String(value);
};
const hashOf = (keys: object, rest: Partial<ComposeModel> = {}, changes: PlanChanges = {}): string =>
  labelOf(containerOf(keys as ComposeService, rest, changes), 'com.docker.compose.config-hash')!;

describe('the containers of a service', () => {
  test.each([
    [1, undefined, ['shop-api-1']],
    [3, undefined, ['shop-api-1', 'shop-api-2', 'shop-api-3']],
    [0, undefined, []],
    [1, 'the-api', ['the-api']],
  ])('that has %d of them under the name %s are called %j', (replicas, fixed, expected) => {
    expect(containerNames('shop', 'api', replicas, fixed)).toEqual(expected);
  });

  test('are as many as the file asks for, with volumes of their own where they have no name', () => {
    const volumes = [{ type: 'volume', target: '/data' }];
    const { containers } = planOf(projectOf({ api: { image: 'x', scale: 2, volumes } })).services[0]!;
    expect(containers.map(({ name, mounts }) => [name, mounts![0]!.source])).toEqual([
      ['shop-api-1', 'shop-api-1_data'],
      ['shop-api-2', 'shop-api-2_data'],
    ]);
  });

  test('cannot be several under one fixed name; the line of the file is told', () => {
    const folder = tempFolder({ 'compose.yaml': 'services:\n  api:\n    container_name: the-api\n' });
    const project = projectOf(
      { api: { image: 'x', container_name: 'the-api', scale: 2 } },
      {},
      { files: [`${folder}/compose.yaml`] },
    );
    const { problems } = planOf(project);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.message).toMatch(
      /compose\.yaml:3: service api has 2 containers but one fixed container_name\.$/,
    );
  });

  test('have the immutable ID of the image, or none yet while it still has to be made', () => {
    expect(containerOf({}).image).toBe(imageFacts.id);
    expect(containerOf({}, {}, { images: new Map() }).image).toBeUndefined();
  });

  test('never take volumes along when they are removed', () => {
    expect(containerOf({}).removeVolumes).toBe(false);
  });
});

test('services are planned in the order of their names, each with the image that the file names', () => {
  const { services } = planOf(projectOf({ web: { image: 'web:1' }, api: { build: {} } }));
  expect(services.map(({ service, reference }) => [service, reference])).toEqual([
    ['api', 'shop-api'],
    ['web', 'web:1'],
  ]);
});

describe('the labels of a container', () => {
  test('are those by which docker compose knows it, and the stack', () => {
    const depends_on = {
      web: { condition: 'service_started', restart: true },
      db: { condition: 'service_healthy' },
      gone: { condition: 'service_started', required: false },
    } as const;
    const { services } = planOf(projectOf({ api: { image: 'x', depends_on, scale: 2 }, db: {}, web: {} }));
    const labels = Object.fromEntries(services[0]!.containers[1]!.labels.map(({ label, value }) => [label, value]));
    expect(labels).toEqual({
      'com.docker.compose.config-hash': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      'com.docker.compose.container-number': '2',
      'com.docker.compose.depends_on': 'db:service_healthy:false,web:service_started:true',
      'com.docker.compose.oneoff': 'False',
      'com.docker.compose.project': 'shop',
      'com.docker.compose.project.config_files': '/srv/shop/compose.yaml',
      'com.docker.compose.project.working_dir': '/srv/shop',
      'com.docker.compose.service': 'api',
      'dev.rewind.stack': 'shop/dev',
    });
  });

  test('are sorted by name, as the engine reads them back', () => {
    const names = containerOf({ labels: { z: '1', a: '2', 'com.example': '3' } }).labels.map(({ label }) => label);
    expect(names).toEqual([...names].sort());
    expect(names).toContain('z');
  });
});

describe('the config hash, which makes a new container,', () => {
  test.each([
    ['a command', { command: ['serve'] }],
    ['an entrypoint', { entrypoint: ['x'] }],
    ['a harmless variable', { environment: { LOG_LEVEL: 'debug' } }],
    ['the presence of a secret variable', { environment: { DB_PASSWORD: 'x' } }],
    ['a label', { labels: { a: 'b' } }],
    ['tmpfs', { tmpfs: ['/tmp'] }],
    ['init', { init: true }],
    ['a mount', { volumes: [{ type: 'volume', target: '/data' }] }],
    ['a port', { ports: [{ target: 80, published: '8000' }] }],
    ['a health check', { healthcheck: { test: ['CMD', 'x'] } }],
    ['a user', { user: '1000' }],
    ['a sysctl', { sysctls: { a: 'b' } }],
    ['a CPU limit', { cpus: 1 }],
    ['that there is a memory limit at all', { mem_limit: '67108864' }],
    ['that there is a limit of processes at all', { pids_limit: 100 }],
  ])('changes with %s', (_what, keys) => {
    expect(hashOf(keys)).not.toBe(hashOf({}));
  });

  test.each([
    ['the size of a memory limit', { mem_limit: '67108864' }, { mem_limit: '134217728' }],
    ['the share of CPU time', { cpu_shares: 1 }, { cpu_shares: 2 }],
    ['the CPUs to run on', { cpuset: '0' }, { cpuset: '1' }],
    ['the restart policy', { restart: 'always' }, { restart: 'unless-stopped' }],
    ['the limit of processes', { pids_limit: 100 }, { pids_limit: 200 }],
    ['the time to stop, unless it is that of the engine', {}, { scale: 1 }],
    [
      'another value of a secret variable',
      { environment: { DB_PASSWORD: 'one' } },
      { environment: { DB_PASSWORD: 'two' } },
    ],
    ['the services that it starts after', {}, { depends_on: {} }],
    [
      'the order of variables, labels and options',
      {
        environment: { A_PORT: '1', B_PORT: '2' },
        labels: { a: '1', b: '2' },
        logging: { options: { a: '1', b: '2' } },
      },
      {
        environment: { B_PORT: '2', A_PORT: '1' },
        labels: { b: '2', a: '1' },
        logging: { options: { b: '2', a: '1' } },
      },
    ],
  ])('does not change with %s', (_what, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  test('does not change with the image: a new image makes a new container by itself', () => {
    const image = { ...imageFacts, id: `sha256:${'b'.repeat(64)}` };
    expect(hashOf({}, {}, { image })).toBe(hashOf({}));
  });

  test('is of text alone: nothing of a secret goes in', () => {
    const spec = (text: string): ContainerSpec => ({ ...containerOf({}), envs: [new Sensitive(text)] });
    expect(configHash(spec('A=one'), {})).toBe(configHash(spec('B=something else'), {}));
  });
});

describe('secrets', () => {
  /** Text that cannot come about by chance. */
  const secret = fc
    .stringMatching(/^[A-Za-z0-9!?*-]{8,24}$/)
    .filter((text) => /[A-Z]/.test(text) && /[!?*]/.test(text));

  /** A service that has a secret in every place where one may stand. */
  const service = (text: string): ComposeService => ({
    image: 'x',
    command: ['serve', '--password', text, `--url=redis://:${text}@cache`],
    entrypoint: ['sh', '-c', `echo ${text}`],
    environment: {
      ADMIN_PASSWORD: text,
      DB_HOST: `${text}.example.com`,
      DATABASE_URL: `postgres://u:${text}@db`,
      OTHER: text,
    },
    labels: { auth: `admin:${text}` },
    healthcheck: { test: ['CMD', 'check', text] },
    logging: { driver: 'splunk', options: { 'splunk-token': text, url: `https://x/?t=${text}` } },
    configs: [{ source: 'app' }],
    secrets: [{ source: 'key' }],
  });
  const rest = (text: string): Partial<ComposeModel> => ({
    configs: { app: { name: 'a', content: `password = ${text}` } },
    secrets: { key: { name: 'k', environment: 'KEY' } },
  });

  test('occur nowhere in a plan as it is shown, wherever they stand in the file', () => {
    fc.assert(
      fc.property(secret, (text) => {
        const project = projectOf({ api: service(text) }, rest(text), { environment: { KEY: text } });
        const plan = planOf(project);
        expect(plan.problems).toEqual([]);
        expect(JSON.stringify(plan)).not.toContain(text);
      }),
    );
  });

  test('occur nowhere either if they are known only as a variable of the file, or by rewind:secrets', () => {
    fc.assert(
      fc.property(secret, (text) => {
        const keys: ComposeService = { image: 'x', command: ['redis-server', '--requirepass', text] };
        const interpolated = projectOf({ cache: keys }, {}, { secretVariables: { REDIS_PASSWORD: text } });
        expect(JSON.stringify(planOf(interpolated))).not.toContain(text);
        const declared = { cache: { ANYTHING: text } };
        expect(JSON.stringify(planOf(projectOf({ cache: keys }), { declared }))).not.toContain(text);
      }),
    );
  });

  test('reach the provider as they are', () => {
    const { command } = planOf(projectOf({ api: service('Hunter22!!') }, rest('x'), { environment: { KEY: 'x' } }))
      .services[0]!.containers[0]!;
    expect(command!.map((word) => (word instanceof Sensitive ? word.reveal() : word))).toEqual([
      'serve',
      '--password',
      'Hunter22!!',
      '--url=redis://:Hunter22!!@cache',
    ]);
  });

  test('are not told by a problem', () => {
    const keys = {
      image: 'x',
      command: [],
      environment: { DB_PASSWORD: 'Hunter22!!' },
      annotations: { a: 'Hunter22!!' },
    };
    const { problems } = planOf(projectOf({ api: keys }));
    expect(problems).toHaveLength(2);
    expect(JSON.stringify(problems)).not.toContain('Hunter22!!');
  });
});

test('the problems and warnings of all services are told at once, each service once however many containers it has', () => {
  const keys = { image: 'x', scale: 3, annotations: {}, expose: ['80'] } as unknown as ComposeService;
  const { problems, warnings } = planOf(projectOf({ api: keys, web: keys }));
  expect([problems.length, warnings.length]).toEqual([2, 2]);
});
