import * as pulumi from '@pulumi/pulumi';
import { describe, expect, test, vi } from 'vitest';

import { ComposeStack, type ComposeStackArgs } from '../../components/compose-stack';
import type { PreparedData } from '../../src/actions/prepare-data';
import type { PreparedStack } from '../../src/actions/prepare-stack';
import type { ComposeModel, ComposeService } from '../../src/compose/model';
import { startOrder } from '../../src/compose/order';
import { projectSecrets } from '../../src/container/project-secrets';
import { planNetworks } from '../../src/docker/networks';
import { planVolumes } from '../../src/docker/volumes';
import { installDir } from '../../toolchain/places';
import { engineFacts, imageFacts, type PlanChanges, planOf, projectOf } from '../support/compose-project';
import { FakeContainers } from '../support/fake-containers';
import { inventoryOf, type InventoryParts } from '../support/fake-engine';
import { PulumiRecorder } from '../support/pulumi-recorder';

const after = (...names: string[]): ComposeService['depends_on'] =>
  Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' as const }]));

/** A stack that is being declared on an engine that a test controls. */
class Declared {
  readonly engine = new FakeContainers();
  readonly recorder: PulumiRecorder;
  readonly prepared: PreparedStack;
  readonly stack: ComposeStack;

  constructor(
    recorder: PulumiRecorder,
    services: Readonly<Record<string, ComposeService>>,
    rest: Partial<ComposeModel> = {},
    inventory: InventoryParts = {},
    changes: PlanChanges = {},
    data?: PreparedData,
    args: Partial<ComposeStackArgs> = {},
  ) {
    this.recorder = recorder;
    const project = projectOf(services, rest);
    const plan = planOf(project, changes);
    expect(plan.problems).toEqual([]);
    const secrets = projectSecrets(project, changes.declared ?? {});
    const found = inventoryOf(inventory);
    this.prepared = {
      source: project,
      project,
      engine: { docker: this.engine.docker, facts: engineFacts },
      services: plan.services,
      order: startOrder(project.model),
      networks: planNetworks(project, found, 'shop/dev'),
      volumes: planVolumes(project, plan.services, found, secrets),
      files: { kept: new Map(), hashes: { 'nginx.conf': 'sha256:abc' }, problems: [] },
      secrets,
      warnings: [],
      notices: [],
      ...(data && { data }),
    };
    const common = { prepared: this.prepared, stack: 'shop/dev', readyTimeoutSeconds: 5 };
    const op = { stack: 'shop/dev', store: 'file://./.rewind', directory: installDir, key: pulumi.secret('the-key') };
    this.stack = new ComposeStack('stack', { ...common, ...(data && { op }), ...args });
    this.stack.ready.catch(() => undefined);
  }

  static async declare(
    ...args: ConstructorParameters<typeof Declared> extends [unknown, ...infer Rest] ? Rest : never
  ): Promise<Declared> {
    return new Declared(await PulumiRecorder.start(), ...args);
  }

  /** Names of the containers that have been declared so far. */
  get containers(): string[] {
    return this.recorder.ofType('Container').map(({ name }) => name);
  }

  /** Lets containers run. */
  run(...names: string[]): void {
    for (const name of names) this.engine.set(`${name}-id`, { status: 'running' });
  }

  /** Lets every container run, and waits until the stack is ready. */
  async settle(): Promise<this> {
    this.run(...this.prepared.services.flatMap(({ containers }) => containers.map(({ name }) => name)));
    await this.stack.ready;
    return this;
  }

  /** Waits until the readiness of a container is being judged. */
  async lookedAt(name: string): Promise<void> {
    await vi.waitUntil(() => this.engine.looked.has(`${name}-id`), { timeout: 5000, interval: 5 });
  }

  /** Waits until containers have been declared. */
  async declared(...names: string[]): Promise<void> {
    await vi.waitUntil(() => names.every((name) => this.containers.includes(name)), { timeout: 5000, interval: 5 });
  }
}

const shop: Record<string, ComposeService> = {
  api: {
    image: 'api:v1',
    depends_on: after('db'),
    networks: { default: null },
    environment: { DB_PASSWORD: 'hunter22', LOG_LEVEL: 'debug' },
  },
  db: { image: 'db:1', networks: { default: null }, volumes: [{ type: 'volume', source: 'data', target: '/data' }] },
};
const rest: Partial<ComposeModel> = {
  networks: { default: { name: 'shop_default' } },
  volumes: { data: { name: 'shop_data' } },
};

describe('a stack', () => {
  test('is its networks, volumes and services, and a service is its containers', async () => {
    const { recorder } = await (await Declared.declare({ ...shop, web: { image: 'web:1', scale: 2 } }, rest)).settle();
    expect(recorder.resources.map(({ type, name, parent }) => `${parent} > ${type} ${name}`).sort()).toEqual([
      ' > rewind:compose:Stack stack',
      'api > docker:index/container:Container shop-api-1',
      'db > docker:index/container:Container shop-db-1',
      'stack > docker:index/network:Network shop_default',
      'stack > docker:index/volume:Volume shop_data',
      'stack > rewind:compose:Service api',
      'stack > rewind:compose:Service db',
      'stack > rewind:compose:Service web',
      'web > docker:index/container:Container shop-web-1',
      'web > docker:index/container:Container shop-web-2',
    ]);
  });

  test('tells the image of each service and the hashes of the configuration files', async () => {
    const { stack } = await (await Declared.declare(shop, rest)).settle();
    expect(stack.services).toEqual({
      api: { image: 'api:v1', imageId: imageFacts.id },
      db: { image: 'db:1', imageId: imageFacts.id },
    });
    expect(stack.files).toEqual({ 'nginx.conf': 'sha256:abc' });
  });

  test('of no services is nothing but itself', async () => {
    const { recorder } = await (await Declared.declare({})).settle();
    await vi.waitUntil(() => recorder.resources.length > 0, { timeout: 5000, interval: 5 });
    expect(recorder.resources.map(({ name }) => name)).toEqual(['stack']);
  });
});

describe('a volume', () => {
  test('outlives everything: no update deletes it', async () => {
    const { recorder } = await (await Declared.declare(shop, rest)).settle();
    expect(recorder.the('Volume', 'shop_data')).toMatchObject({ retainOnDelete: true, inputs: { name: 'shop_data' } });
  });

  test('has the password of its options as a secret', async () => {
    const volumes = { data: { name: 'shop_data', driver_opts: { o: 'username=a,password=b', type: 'cifs' } } };
    const { recorder } = await (await Declared.declare(shop, { ...rest, volumes })).settle();
    const { driverOpts } = recorder.the('Volume', 'shop_data').inputs as { driverOpts: object };
    expect(JSON.stringify(driverOpts)).toContain('{"secret":');
  });
});

describe('a network', () => {
  test('that is there is adopted, and one that has to be replaced makes way first', async () => {
    const labels = { 'com.docker.compose.project': 'shop' };
    const live = { networks: [{ Name: 'shop_default', Id: '0a1b', Labels: labels }] };
    const { recorder } = await (await Declared.declare(shop, rest, live)).settle();
    expect(recorder.the('Network', 'shop_default')).toMatchObject({
      importId: '0a1b',
      deleteBeforeReplace: true,
      beforeCreate: ['rewind-clear-the-network-name'],
    });
  });
});

describe('a container', () => {
  test('is replaced by deleting it first, and the name is cleared before it is created', async () => {
    const { recorder } = await (await Declared.declare(shop, rest)).settle();
    expect(recorder.the('Container', 'shop-api-1')).toMatchObject({
      deleteBeforeReplace: true,
      retainOnDelete: false,
      protect: false,
      beforeCreate: ['rewind-clear-the-name'],
    });
  });

  test('has secret values as secrets, and plain ones as they are', async () => {
    const { recorder } = await (await Declared.declare(shop, rest)).settle();
    const { inputs } = recorder.the('Container', 'shop-api-1');
    const { envs, image } = inputs as { envs: unknown; image: unknown };
    expect(JSON.stringify(envs)).toContain('"secret":');
    expect(image).toBe(imageFacts.id);
    for (const resource of recorder.resources) {
      const shown = JSON.stringify(resource.inputs, (_key, value: unknown) =>
        typeof value === 'object' && value !== null && 'secret' in value ? '[secret]' : value,
      );
      expect(shown).not.toContain('hunter22');
    }
  });

  test('is replaced where the provider would only record a change, and not where the engine reads back another form', async () => {
    const services = { api: { image: 'x', platform: 'linux/arm64', cpus: 0.25 } as ComposeService };
    const { recorder } = await (await Declared.declare(services)).settle();
    const container = recorder.the('Container', 'shop-api-1');
    expect(container.replaceOnChanges).toEqual(
      expect.arrayContaining(['tmpfs', 'init', 'rm', 'cpuPeriod', 'cpuQuota']),
    );
    expect(container.ignoreChanges).toEqual(['cpus', 'platform']);
    expect(recorder.the('Service', 'api').inputs).toMatchObject({ cpus: '0.25', platform: 'linux/arm64' });
  });

  test('comes after its volumes and networks, and is replaced when a network is another one, be it of the same name', async () => {
    const { recorder } = await (await Declared.declare(shop, rest)).settle();
    const container = recorder.the('Container', 'shop-db-1');
    expect(container.dependencies).toEqual(expect.arrayContaining(['shop_data', 'shop_default']));
    expect(container.replacementTrigger).toEqual(['shop_default-id']);
  });

  test('shares the namespace of another by its ID, which is known only then', async () => {
    const services: Record<string, ComposeService> = {
      api: { image: 'x' },
      sidecar: { image: 'x', network_mode: 'service:api', depends_on: { api: { condition: 'service_started' } } },
    };
    const { recorder } = await (await Declared.declare(services)).settle();
    const sidecar = recorder.the('Container', 'shop-sidecar-1');
    expect(sidecar.inputs['networkMode']).toBe('container:shop-api-1-id');
    expect(sidecar.dependencies).toContain('shop-api-1');
  });

  test('has limits that the provider cannot express set before its readiness is judged', async () => {
    const declared = await Declared.declare({ api: { image: 'x', pids_limit: 100 } });
    await declared.settle();
    expect(declared.engine.updated).toEqual({ 'shop-api-1-id': { PidsLimit: 100 } });
  });
});

describe('a service that depends on another', () => {
  test('is declared only when that one is ready, and depends on its containers', async () => {
    const declared = await Declared.declare(shop, rest);
    await declared.declared('shop-db-1');
    await declared.lookedAt('shop-db-1');
    expect(declared.containers).toEqual(['shop-db-1']);
    declared.run('shop-db-1');
    await declared.declared('shop-api-1');
    expect(declared.recorder.the('Container', 'shop-api-1').dependencies).toContain('shop-db-1');
    await declared.settle();
  });

  test('is declared at once if it is enough that the other has started', async () => {
    const services: Record<string, ComposeService> = {
      api: { image: 'x', depends_on: { db: { condition: 'service_started' } } },
      db: { image: 'x' },
    };
    const declared = await Declared.declare(services);
    await declared.declared('shop-db-1', 'shop-api-1');
    await declared.settle();
  });

  test('waits for a one-shot job to end', async () => {
    const services: Record<string, ComposeService> = {
      api: { image: 'x', depends_on: { migrate: { condition: 'service_completed_successfully' } } },
      migrate: { image: 'x' },
    };
    const declared = await Declared.declare(services);
    await declared.declared('shop-migrate-1');
    declared.run('shop-migrate-1');
    await declared.lookedAt('shop-migrate-1');
    expect(declared.containers).toEqual(['shop-migrate-1']);
    declared.engine.set('shop-migrate-1-id', { status: 'exited' });
    await declared.declared('shop-api-1');
    declared.run('shop-api-1');
    await declared.stack.ready;
  });

  test('is replaced with it if the file says restart: true', async () => {
    const depends_on = { db: { condition: 'service_started', restart: true } } as const;
    const { recorder } = await (
      await Declared.declare({ api: { image: 'x', depends_on }, db: { image: 'x' } })
    ).settle();
    expect(recorder.the('Container', 'shop-api-1').replaceWith).toEqual(['shop-db-1']);
    expect(recorder.the('Container', 'shop-db-1').replaceWith).toEqual([]);
  });

  test('goes on without one that is not required and does not get ready', async () => {
    const depends_on = { cache: { condition: 'service_healthy', required: false } } as const;
    const declared = await Declared.declare({ api: { image: 'x', depends_on }, cache: { image: 'x' } });
    await declared.declared('shop-cache-1');
    declared.engine.set('shop-cache-1-id', { status: 'exited', exitCode: 1 });
    await declared.declared('shop-api-1');
    declared.run('shop-api-1');
    await expect(declared.stack.ready).rejects.toThrow('Service cache ended with exit code 1.');
  });
});

describe('a service that does not get ready', () => {
  test('fails the update with its message, once, and what depends on it is not created', async () => {
    const services: Record<string, ComposeService> = {
      ...shop,
      web: { image: 'x', depends_on: after('api') },
      other: { image: 'x' },
    };
    const declared = await Declared.declare(services, rest);
    await declared.declared('shop-db-1', 'shop-other-1');
    declared.run('shop-other-1');
    declared.engine.set('shop-db-1-id', { status: 'exited', exitCode: 3, logs: 'disk full' });
    const failure = await declared.stack.ready.catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ message: expect.stringContaining('    disk full') as string });
    expect(failure!.constructor.name).toBe('RunError');
    expect(failure!.message.match(/Service db ended with exit code 3\./g)).toHaveLength(1);
    expect(declared.containers.sort()).toEqual(['shop-db-1', 'shop-other-1']);
  });

  test('is told together with the others that do not', async () => {
    const declared = await Declared.declare({ api: { image: 'x' }, web: { image: 'x' } });
    for (const name of ['shop-api-1', 'shop-web-1'])
      declared.engine.set(`${name}-id`, { status: 'exited', exitCode: 1 });
    await expect(declared.stack.ready).rejects.toThrow(/Service api ended[^]*Service web ended/);
  });

  test('is told without the secrets that it has logged', async () => {
    const declared = await Declared.declare(shop, rest);
    await declared.declared('shop-db-1');
    declared.engine.set('shop-db-1-id', { status: 'exited', exitCode: 1, logs: 'cannot connect with hunter22' });
    await expect(declared.stack.ready).rejects.toThrow('cannot connect with [secret]');
  });
});

describe('a stack whose data goes with it', () => {
  const settings = { service: 'db', alembic: { service: 'api' } };
  const target = { revisions: ['0002'], migrations: ['0001 Goods', '0002 Wind zones'] };
  const data: PreparedData = { settings, users: ['api'], target, images: [] };
  const commands = ({ recorder }: Declared): string[] => recorder.ofType('Command').map(({ name }) => name);

  test('has the change of the data between the database and what uses it, after a snapshot, and a check at the end', async () => {
    const declared = await Declared.declare(shop, rest, {}, {}, data);
    await declared.declared('shop-db-1');
    expect(commands(declared)).toEqual([]);
    await declared.settle();
    expect(commands(declared)).toEqual(['db-snapshot', 'db-migration', 'db-verification']);
    const { recorder } = declared;
    expect(recorder.the('Command', 'db-snapshot')).toMatchObject({
      parent: 'db-snapshot',
      dependencies: ['shop-db-1'],
    });
    expect(recorder.the('Command', 'db-migration').dependencies).toContain('db-snapshot');
    expect(recorder.the('Migration', 'db-migration').parent).toBe('db-quiesce');
    expect(recorder.the('Quiesce', 'db-quiesce').inputs).toMatchObject({ service: 'db', stops: ['api'] });
    expect(recorder.the('Container', 'shop-api-1').dependencies).toContain('db-migration');
    expect(recorder.the('Command', 'db-verification').dependencies).toEqual(
      expect.arrayContaining(['shop-api-1', 'shop-db-1']),
    );
  });

  test('describes where the data is to be, the same on every machine, with the key as a secret', async () => {
    const { recorder } = await (await Declared.declare(shop, rest, {}, {}, data)).settle();
    expect(recorder.the('Command', 'db-migration').inputs).toEqual({
      create: `until [ -e Pulumi.yaml ] || [ -e Pulumi.yml ] || [ "$PWD" = / ]; do cd ..; done\nnode dist/op.js migrate --stack shop/dev`,
      environment: { REVISION: '0002', MIGRATIONS: '0001 Goods\n0002 Wind zones\n' },
      stdin: { secret: 'the-key' },
      logging: 'none',
      addPreviousOutputInEnv: false,
    });
  });

  test('has a restore, where there is one, beside the snapshot and before the change', async () => {
    const restore = { source: { snapshot: 's-1' }, at: 'then' };
    const { recorder } = await (await Declared.declare(shop, rest, {}, {}, { ...data, restore })).settle();
    expect(recorder.the('Command', 'db-restore')).toMatchObject({
      dependencies: ['shop-db-1'],
      inputs: { environment: { RESTORE: 's-1', RESTORE_AT: 'then' } },
    });
    const migration = recorder.the('Command', 'db-migration');
    expect(migration.dependencies).toEqual(expect.arrayContaining(['db-snapshot', 'db-restore']));
    expect(migration.inputs).toMatchObject({ environment: { RESTORE: 's-1' } });
  });

  test('does not change it where the database does not get ready', async () => {
    const declared = await Declared.declare(shop, rest, {}, {}, data);
    await declared.declared('shop-db-1');
    declared.engine.set('shop-db-1-id', { status: 'exited', exitCode: 3 });
    await expect(declared.stack.ready).rejects.toThrow('Service db ended with exit code 3.');
    expect(commands(declared)).toEqual([]);
  });
});

describe('the schema of the database', () => {
  const services: Record<string, ComposeService> = { ...shop, other: { image: 'x' } };
  const database = { service: 'db', alembic: { service: 'api', table: 'versions' } };

  test('is looked at when every service is ready, not before', async () => {
    const declared = await Declared.declare(services, rest, {}, {}, undefined, { database });
    declared.run('shop-db-1', 'shop-api-1');
    await declared.declared('shop-api-1', 'shop-other-1');
    await declared.lookedAt('shop-other-1');
    expect(declared.recorder.ofType('SchemaState')).toEqual([]);
    await declared.settle();
    await vi.waitUntil(() => declared.recorder.ofType('SchemaState').length > 0, { timeout: 5000, interval: 5 });
  });

  test('is told by what finds it on any machine, with the images that may change it, and is never deleted', async () => {
    const { recorder } = await (await Declared.declare(services, rest, {}, {}, undefined, { database })).settle();
    await vi.waitUntil(() => recorder.ofType('SchemaState').length > 0, { timeout: 5000, interval: 5 });
    const { type, inputs, parent, retainOnDelete, dependencies } = recorder.the('SchemaState', 'db');
    expect(type).toBe('pulumi-nodejs:dynamic/rewind:SchemaState');
    expect({ parent, retainOnDelete, dependencies }).toEqual({
      parent: 'stack',
      retainOnDelete: true,
      dependencies: ['shop-api-1', 'shop-db-1'],
    });
    const image = imageFacts.id.slice(0, 19);
    expect(inputs).toEqual({
      stack: 'shop/dev',
      service: 'db',
      versionTable: { table: 'versions' },
      images: { api: image, db: image },
      status: 'reachable',
      __provider:
        'exports.handler = () => require("node:module").createRequire(process.cwd() + "/")("rewind/schema-state");',
    });
  });

  test('is no part of a stack without a database that Rewind knows of', async () => {
    const { recorder } = await (await Declared.declare(services, rest)).settle();
    expect(recorder.ofType('SchemaState')).toEqual([]);
  });
});

describe('a preview', () => {
  test('declares everything at once, looks at no container, and does not know an image that still has to be made', async () => {
    const recorder = await PulumiRecorder.start({ preview: true });
    const declared = new Declared(recorder, shop, rest, {}, { images: new Map([['db', imageFacts]]) });
    await declared.stack.ready;
    await declared.declared('shop-db-1', 'shop-api-1');
    expect(declared.engine.looked.size).toBe(0);
    expect(recorder.the('Container', 'shop-api-1').inputs['image']).toEqual({ unknown: true });
    expect(recorder.the('Container', 'shop-db-1').inputs['image']).toBe(imageFacts.id);
    expect(declared.stack.services['api']).toEqual({ image: 'api:v1', imageId: undefined });
  });
});
