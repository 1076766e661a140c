import { describe, expect, test } from 'vitest';

import type { ComposeFileObject, ComposeGrant, ComposeMount } from '../../../../src/compose/model';
import { Sensitive } from '../../../../src/sensitive';
import type { KeptFile } from '../../../../src/store/files';
import {
  containerOf,
  engineFacts,
  imageFacts,
  type PlanChanges,
  planOf,
  projectOf,
  refusalsOf,
} from '../../../support/compose-project';

const volumes = { data: { name: 'shop_data' } };
const mounted = (mount: ComposeMount, changes: PlanChanges = {}) => {
  const spec = containerOf({ volumes: [mount] }, { volumes }, changes);
  return { ...(spec.mounts && { mounts: spec.mounts }), ...(spec.volumes && { volumes: spec.volumes }) };
};
const kept = (source: string): PlanChanges => ({
  kept: new Map<string, KeptFile>([
    [source, { source, hash: 'sha256:abc', permissions: '0644', path: '/store/files/abc.0644/nginx.conf' }],
  ]),
});

describe('a volume', () => {
  test.each([
    [
      { source: 'data', target: '/data' },
      { source: 'shop_data', target: '/data', readOnly: false },
    ],
    [
      { source: 'data', target: '/data', read_only: true },
      { source: 'shop_data', target: '/data', readOnly: true },
    ],
    [{ target: '/var/lib/x' }, { source: 'shop-api-1_var_lib_x', target: '/var/lib/x', readOnly: false }],
  ])('%j becomes %j', (mount, expected) => {
    expect(mounted({ type: 'volume', ...mount })).toEqual({ mounts: [{ type: 'volume', ...expected }] });
  });

  test.each([
    ['nocopy', { nocopy: true }, { noCopy: true }],
    ['subpath', { subpath: 'sub' }, { subpath: 'sub' }],
  ])('with %s needs Docker Engine 26', (name, volume, volumeOptions) => {
    const mount = { type: 'volume', source: 'data', target: '/data', volume };
    expect(refusalsOf({ volumes: [mount] }, { volumes })).toMatchObject([
      {
        message: expect.stringContaining(
          `mounts /data with ${name}, which the provider supports from Docker Engine 26`,
        ) as string,
      },
    ]);
    expect(mounted(mount, { engine: { ...engineFacts, apiVersion: '1.45' } }).mounts).toMatchObject([
      { volumeOptions },
    ]);
  });

  test('of the image that nothing is mounted on lasts under a name of its container', () => {
    const image = { ...imageFacts, volumes: ['/data', '/cache', '/'] };
    const spec = containerOf(
      { volumes: [{ type: 'bind', source: '/srv', target: '/data' }], tmpfs: ['/cache'] },
      {},
      { image },
    );
    expect(spec.mounts).toEqual([{ type: 'volume', source: 'shop-api-1_root', target: '/', readOnly: false }]);
  });
});

describe('a bind mount', () => {
  const bind = { type: 'bind', source: '/srv/shop/nginx.conf', target: '/etc/nginx.conf' };

  test('lets the engine create a folder that is not there, as docker compose does', () => {
    expect(mounted(bind)).toEqual({
      volumes: [{ hostPath: '/srv/shop/nginx.conf', containerPath: '/etc/nginx.conf', readOnly: false }],
    });
  });

  test('without creating it is one that fails if it is not there', () => {
    expect(mounted({ ...bind, read_only: true, bind: { create_host_path: false } })).toEqual({
      mounts: [{ type: 'bind', source: bind.source, target: bind.target, readOnly: true }],
    });
  });

  test('of a configuration file is one of its copy in the store', () => {
    expect(mounted(bind, kept(bind.source))).toEqual({
      mounts: [{ type: 'bind', source: '/store/files/abc.0644/nginx.conf', target: bind.target, readOnly: false }],
    });
  });

  test('carries over propagation and the SELinux label', () => {
    expect(mounted({ ...bind, bind: { propagation: 'rslave' } }).mounts).toMatchObject([
      { bindOptions: { propagation: 'rslave' } },
    ]);
    expect(mounted({ ...bind, bind: { selinux: 'z' } }).volumes).toMatchObject([{ selinuxRelabel: 'z' }]);
  });

  test('that is not recursive is refused', () => {
    expect(refusalsOf({ volumes: [{ ...bind, bind: { recursive: 'disabled' } }] })).toHaveLength(1);
    expect(refusalsOf({ volumes: [{ ...bind, bind: { recursive: 'enabled' } }] })).toEqual([]);
  });
});

test.each([
  [{}, {}],
  [{ tmpfs: { size: '1048576', mode: 0o1777 } }, { tmpfsOptions: { sizeBytes: 1_048_576, mode: 0o1777 } }],
  [{ read_only: true }, { readOnly: true }],
])('a tmpfs mount with %j becomes %j', (more, expected) => {
  expect(mounted({ type: 'tmpfs', target: '/tmp', ...more }).mounts).toEqual([
    { type: 'tmpfs', target: '/tmp', ...expected },
  ]);
});

test.each(['npipe', 'cluster', 'image'])('a mount of type %s is refused', (type) => {
  expect(refusalsOf({ volumes: [{ type, source: 'x', target: '/x' }] })).toMatchObject([
    { message: expect.stringContaining(`mounts /x with type ${type}`) as string },
  ]);
});

test('tmpfs keeps its options', () => {
  expect(containerOf({ tmpfs: ['/tmp', '/run:size=64m,mode=1777'] }).tmpfs).toEqual({
    '/tmp': '',
    '/run': 'size=64m,mode=1777',
  });
});

test('volumes_from means the first container of a service, or a container by its name', () => {
  expect(containerOf({ volumes_from: ['db', 'cache:ro', 'container:other:ro'] }).volumes).toEqual([
    { fromContainer: 'shop-db-1' },
    { fromContainer: 'shop-cache-1:ro' },
    { fromContainer: 'other:ro' },
  ]);
});

describe('a config or secret', () => {
  const grant = (
    kind: 'configs' | 'secrets',
    use: Partial<ComposeGrant>,
    object: Partial<ComposeFileObject>,
    environment: Record<string, string> = {},
    keys: object = {},
  ) => {
    const project = projectOf(
      { api: { image: 'x', [kind]: [{ source: 'it', ...use }], ...keys } },
      { [kind]: { it: { name: 'shop_it', ...object } } },
      { environment },
    );
    const { services, problems, warnings } = planOf(project, kept('/srv/shop/it.txt'));
    return {
      spec: services[0]!.containers[0]!,
      problems: problems.map(({ code, message }) => `${code} ${/service.*/.exec(message)![0]}`),
      warnings,
    };
  };
  const file = { file: '/srv/shop/it.txt' };

  test.each([
    ['configs', {}, '/it'],
    ['configs', { target: '/etc/it.conf' }, '/etc/it.conf'],
    ['configs', { target: 'it.conf' }, '/it.conf'],
    ['secrets', {}, '/run/secrets/it'],
    ['secrets', { target: 'other' }, '/run/secrets/other'],
    ['secrets', { target: '/etc/key' }, '/etc/key'],
  ] as const)('%s with %j is found at %s', (kind, use, target) => {
    expect(grant(kind, use, file).spec.mounts).toEqual([
      { type: 'bind', source: '/store/files/abc.0644/nginx.conf', target, readOnly: true },
    ]);
  });

  test('from a file cannot change its owner and mode, which is warned of', () => {
    expect(grant('secrets', { uid: '1000', mode: '0400' }, file).warnings).toEqual([
      'service api: secrets.it: uid, mode has no effect on a file that is mounted',
    ]);
  });

  test('from content or the environment is copied in before the start', () => {
    expect(grant('configs', {}, { content: 'hello' }).spec.uploads).toEqual([
      { file: '/it', content: 'hello', permissions: '0444' },
    ]);
    const { uploads } = grant(
      'secrets',
      { uid: '1000', gid: '2000', mode: '440' },
      { environment: 'KEY' },
      { KEY: 'k' },
    ).spec;
    expect(uploads).toMatchObject([{ file: '/run/secrets/it', permissions: '0440', owner: '1000', group: '2000' }]);
    expect((uploads![0]!.content as Sensitive).reveal()).toBe('k');
  });

  test('with a secret in its content is masked', () => {
    const keys = { environment: { DB_PASSWORD: 'hunter22' } };
    const { spec } = grant('configs', {}, { content: 'password=hunter22' }, {}, keys);
    expect(spec.uploads![0]!.content).toBeInstanceOf(Sensitive);
  });

  test.each([
    [
      'is external',
      { external: true },
      {},
      'compose/unsupported service api: configs.it is external, which needs a Swarm.',
    ],
    [
      'has a driver',
      { driver: 'x' },
      {},
      'compose/unsupported service api: configs.it is external, which needs a Swarm.',
    ],
    [
      'comes from a variable without a value',
      { environment: 'KEY' },
      {},
      'compose/unset-variable service api: configs.it takes its content from the variable KEY, which has no value.',
    ],
    ['is empty', { content: '' }, {}, 'compose/unsupported service api: configs.it is empty.'],
    [
      'is content for a read-only root',
      { content: 'x' },
      { read_only: true },
      'compose/unsupported service api: configs.it cannot be copied into a service with a read-only root.',
    ],
  ])('that %s is refused', (_what, object, keys, expected) => {
    expect(grant('configs', {}, object, {}, keys).problems).toEqual([expected]);
  });
});
