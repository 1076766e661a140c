import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { stringify } from 'yaml';

import { loadComposeProject } from '../src/compose/load';
import type { ComposeModel, ComposeService } from '../src/compose/model';
import { run } from '../src/process';
import { changing, composeFile, type ExampleStack, migrating, must, portVariables } from './example-stacks';
import { makeProject } from './project';

const stack = 'rewind-bench-swarm';

/**
 * The example on a Swarm of one node, ports published in host mode: forward by `docker service update`, back by
 * `docker service rollback`. The Swarm is made for it and left again, unless there was one.
 *
 * @returns undefined where Swarm does not work
 */
export async function swarmStack(first: number): Promise<ExampleStack | undefined> {
  const { folder } = await makeProject('rollback-swarm');
  const joined = (await run(['docker', 'info', '--format', '{{.Swarm.LocalNodeState}}'])).stdout.trim() === 'active';
  if (!joined) {
    const made = await run(['docker', 'swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1']);
    if (made.exitCode !== 0) return undefined;
  }
  const remove = async (): Promise<void> => {
    await run(['docker', 'stack', 'rm', stack]);
    for (let left = 'x'; left !== '';) {
      await sleep(200);
      const label = `label=com.docker.stack.namespace=${stack}`;
      left = (await run(['docker', 'ps', '--all', '--quiet', '--filter', label])).stdout.trim();
    }
    const volumes = await run(['docker', 'volume', 'ls', '--quiet', '--filter', `name=${stack}_`]);
    for (const name of volumes.stdout.split('\n').filter(Boolean)) await run(['docker', 'volume', 'rm', name]);
    await removeNetwork();
    if (!joined) await run(['docker', 'swarm', 'leave', '--force']);
    await removeNetwork();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const file = join(folder, 'stack.yaml');
    Object.assign(process.env, portVariables(first));
    const { model } = await loadComposeProject({ files: [composeFile], directory: folder });
    // The model is resolved: what is left of its dollars is for the containers.
    await writeFile(file, stringify(stackOf(model)).replaceAll('$', '$$$$'));
    await makeNetwork();
    await must(['docker', 'stack', 'deploy', '--resolve-image', 'never', '--compose-file', file, stack]);
    // All but the job, which ends.
    await allRunning(Object.keys(model.services).length - 1);
  } catch (error) {
    await remove();
    throw error;
  }
  const each = async (...args: string[]): Promise<void> => {
    await Promise.all(
      Object.entries(changing).map(([service, image]) =>
        must(['docker', 'service', ...args.map((arg) => arg.replace('IMAGE', image)), `${stack}_${service}`]),
      ),
    );
  };
  return {
    label: `com.docker.stack.namespace=${stack}`,
    apiPort: first,
    forward: () => each('update', '--detach=false', '--quiet', '--no-resolve-image', '--image', 'IMAGE:v0.2.0'),
    back: () => each('rollback', '--detach=false', '--quiet'),
    remove,
  };
}

/**
 * A network of this node: Swarm's own ones need a kernel with vxlan and ip_vs, which a machine for CI may not have. It
 * knows no names, so services find each other at its gateway, where each publishes its port.
 */
const network = { name: `${stack}-net`, subnet: '10.213.77.0/24', gateway: '10.213.77.1' } as const;

/** Ports at which services of the example find each other. */
const inner: Readonly<Record<string, number>> = { db: 5432, cache: 6379, object: 9000, search: 7700, signcalc: 8100 };

async function makeNetwork(): Promise<void> {
  const { name, subnet, gateway } = network;
  await must([
    'docker',
    'network',
    'create',
    '--config-only',
    '--subnet',
    subnet,
    '--gateway',
    gateway,
    `${name}-config`,
  ]);
  const local = ['--driver', 'bridge', '--scope', 'swarm', '--config-from', `${name}-config`];
  await must(['docker', 'network', 'create', ...local, name]);
}

async function removeNetwork(): Promise<void> {
  for (const name of [network.name, `${network.name}-config`]) await run(['docker', 'network', 'rm', name]);
}

/** What of a service a stack file may say, and Swarm acts on. */
const carried = [
  'command',
  'entrypoint',
  'environment',
  'healthcheck',
  'init',
  'read_only',
  'stop_grace_period',
  'user',
];

/** The compose model as a stack file. Swarm knows no order: whoever comes too early is started again. */
function stackOf(model: ComposeModel): object {
  const services = Object.entries(model.services);
  return {
    version: '3.8',
    networks: { [network.name]: { external: true } },
    volumes: Object.fromEntries(Object.keys(model.volumes).map((name) => [name, {}])),
    services: Object.fromEntries(services.map(([name, service]) => [name, serviceOf(name, service)])),
  };
}

function serviceOf(name: string, service: ComposeService): object {
  const image = imageOf(name, service);
  // A stack file cannot say whose a tmpfs is: where that matters, the image's own folder is written to instead.
  const asked = (service['tmpfs'] as readonly string[] | undefined) ?? [];
  const tmpfs = asked.filter((entry) => !entry.includes('uid='));
  const without = tmpfs.length < asked.length ? ['read_only'] : [];
  const published = [
    ...(service.ports ?? []).map((port) => [port.target, Number(port.published)]),
    ...(name in inner ? [[inner[name], inner[name]]] : []),
  ];
  const kept = carried.filter((key) => !without.includes(key) && service[key] !== undefined && service[key] !== null);
  return {
    image,
    ...Object.fromEntries(kept.map((key) => [key, service[key]])),
    networks: [network.name],
    extra_hosts: ['api', ...Object.keys(inner)].map((it) => `${it}:${network.gateway}`),
    volumes: [
      ...(service.volumes ?? [])
        .filter(({ type }) => type !== 'tmpfs')
        .map(({ type, source, target, read_only: readOnly = false }) => ({
          type,
          source,
          target,
          read_only: readOnly,
        })),
      ...tmpfs.map((entry) => ({ type: 'tmpfs', target: entry.split(':')[0] })),
    ],
    ports: published.map(([target, port]) => ({ target, published: port, protocol: 'tcp', mode: 'host' })),
    deploy: {
      endpoint_mode: 'dnsrr',
      replicas: 1,
      update_config: { order: 'stop-first' },
      restart_policy: { condition: service.restart === 'no' ? 'on-failure' : 'any', delay: '1s' },
    },
  };
}

function imageOf(name: string, service: ComposeService): string | undefined {
  if (name === migrating.service) return migrating.image;
  return name in changing ? `${changing[name as keyof typeof changing]}:v0.1.0` : service.image;
}

async function allRunning(count: number): Promise<void> {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline;) {
    await sleep(500);
    const list = await must(['docker', 'stack', 'services', '--format', '{{.Replicas}}', stack]);
    if (list.split('\n').filter((line) => line.startsWith('1/1')).length >= count) return;
  }
  throw new Error('the stack does not come up on Swarm');
}
