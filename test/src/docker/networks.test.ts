import type Docker from 'dockerode';
import { describe, expect, test } from 'vitest';

import type { ComposeModel, ComposeNetwork, ComposeService } from '../../../src/compose/model';
import { clearTheNetworkName, networkProblems, type NetworkPlan, planNetworks } from '../../../src/docker/networks';
import type { Problem } from '../../../src/errors';
import { projectOf } from '../../support/compose-project';
import { engineError, inventoryOf, type InventoryParts } from '../../support/fake-engine';
import { problemsOf } from '../../support/problems';

const using = (...names: string[]): ComposeService => ({
  networks: Object.fromEntries(names.map((name) => [name, null])),
});

function networksOf(networks: ComposeModel['networks'], inventory: InventoryParts = {}): NetworkPlan[] {
  const service = using(...Object.keys(networks).filter((key) => key !== 'unused'));
  return planNetworks(projectOf({ api: service }, { networks }), inventoryOf(inventory), 'shop/dev');
}

function problemsWith(networks: ComposeModel['networks'], inventory: InventoryParts = {}): Problem[] {
  const service = using(...Object.keys(networks));
  return networkProblems(projectOf({ api: service }, { networks }), inventoryOf(inventory), 'shop/dev');
}

const labelOf = (plan: NetworkPlan, name: string): string | undefined =>
  plan.labels.find(({ label }) => label === name)?.value;
const hashLabel = 'com.docker.compose.config-hash';
const composed = { 'com.docker.compose.project': 'shop', 'com.docker.compose.network': 'front' };

describe('the networks of a project', () => {
  test('are those that services use, but for external ones', () => {
    const plans = networksOf({
      default: { name: 'shop_default' },
      plain: null,
      back: { name: 'backbone', external: true },
      unused: { name: 'shop_unused' },
    });
    expect(plans.map(({ name }) => name)).toEqual(['shop_default', 'shop_plain']);
  });

  test('have their own labels, those by which docker compose knows them, and that of the stack, sorted', () => {
    const [plan] = networksOf({ front: { name: 'shop_front', labels: { team: 'web' } } });
    expect(plan!.labels.filter(({ label }) => label !== hashLabel)).toEqual([
      { label: 'com.docker.compose.network', value: 'front' },
      { label: 'com.docker.compose.project', value: 'shop' },
      { label: 'dev.rewind.stack', value: 'shop/dev' },
      { label: 'team', value: 'web' },
    ]);
  });

  test('state everything that the engine would fill in, so that a refresh finds the same', () => {
    expect(networksOf({ front: { name: 'shop_front', ipam: {} } })).toMatchObject([
      {
        driver: 'bridge',
        options: undefined,
        internal: false,
        attachable: false,
        ipv6: false,
        ipamDriver: 'default',
        ipamOptions: undefined,
        ipamConfigs: undefined,
        existing: undefined,
      },
    ]);
  });

  test('carry over what the file says', () => {
    const pool = { subnet: '172.28.0.0/16', gateway: '172.28.5.254' };
    const network = {
      name: 'shop_front',
      driver: 'macvlan',
      driver_opts: { parent: 'eth0' },
      internal: true,
      attachable: true,
      enable_ipv6: true,
      ipam: {
        driver: 'custom',
        options: { a: 'b' },
        config: [
          { ...pool, ip_range: '172.28.5.0/24', aux_addresses: { h: '172.28.1.5' } },
          { subnet: '2001:db8::/64' },
        ],
      },
    };
    expect(networksOf({ front: network })).toMatchObject([
      {
        name: 'shop_front',
        driver: 'macvlan',
        options: { parent: 'eth0' },
        internal: true,
        attachable: true,
        ipv6: true,
        ipamDriver: 'custom',
        ipamOptions: { a: 'b' },
        ipamConfigs: [
          { ...pool, ipRange: '172.28.5.0/24', auxAddress: { h: '172.28.1.5' } },
          { subnet: '2001:db8::/64' },
        ],
      },
    ]);
  });
});

describe('a network that is there already', () => {
  const live = (more: Partial<Docker.NetworkInspectInfo> = {}): InventoryParts => ({
    networks: [{ Name: 'shop_front', Id: '0a1b', Labels: composed, ...more }],
  });
  const front = (more: Partial<ComposeNetwork> = {}): Record<string, ComposeNetwork> => ({
    front: { name: 'shop_front', ...more },
  });

  test('of docker compose is adopted with the labels that it has, if it is what the file asks for', () => {
    const [plan] = networksOf(front(), live());
    expect(plan!.existing).toBe('0a1b');
    expect(plan!.labels.map(({ label }) => label)).toEqual(Object.keys(composed).sort());
  });

  test('may have a gateway that the engine chose, and options that newer engines add', () => {
    const ipam = { config: [{ subnet: '172.28.0.0/16' }] };
    const IPAM = { Driver: 'default', Config: [{ Subnet: '172.28.0.0/16', Gateway: '172.28.0.1' }] };
    const Options = { 'com.docker.network.enable_ipv6': 'false' };
    expect(networksOf(front({ ipam }), live({ IPAM, Options }))[0]!.existing).toBe('0a1b');
  });

  test.each([
    ['driver', { driver: 'macvlan' }],
    ['options', { driver_opts: { mtu: '1400' } }],
    ['seclusion', { internal: true }],
    ['subnet', { ipam: { config: [{ subnet: '10.9.0.0/16' }] } }],
    ['label', { labels: { team: 'web' } }],
  ])('of docker compose makes way for a new one if the file asks for another %s', (_what, more) => {
    const [plan] = networksOf(front(more), live());
    expect(plan!.existing).toBeUndefined();
    expect(labelOf(plan!, 'dev.rewind.stack')).toBe('shop/dev');
  });

  test('of this stack stays as long as the file asks for the same', () => {
    const hash = labelOf(networksOf(front())[0]!, hashLabel)!;
    const ours = live({ Labels: { ...composed, 'dev.rewind.stack': 'shop/dev', [hashLabel]: hash } });
    expect(networksOf(front(), ours)[0]!.existing).toBe('0a1b');
    expect(networksOf(front({ internal: true }), ours)[0]!.existing).toBeUndefined();
    expect(problemsWith(front(), ours)).toEqual([]);
  });

  test.each([
    ['of another project', { 'com.docker.compose.project': 'other' }, 'it is not of the project shop'],
    ['of nobody', {}, 'it is not of the project shop'],
    ['of another stack', { ...composed, 'dev.rewind.stack': 'shop/test' }, 'it is not of this stack but of shop/test'],
  ])('and is %s is an obstacle', (_whose, Labels, why) => {
    expect(problemsWith(front(), live({ Labels }))).toMatchObject([
      { code: 'docker/foreign-network', message: expect.stringContaining(why) as string },
    ]);
  });
});

test('a network without IPv4 cannot be made, which is said with the way round', () => {
  expect(problemsWith({ front: { name: 'shop_front', enable_ipv4: false } })).toMatchObject([
    {
      code: 'compose/unsupported',
      fix: 'Create the network by hand (docker network create --ipv4=false shop_front) and declare it external.',
    },
  ]);
});

describe('the name of a network that is about to be created', () => {
  /** An engine with one network, which may be in use; and what was removed from it. */
  function engine(Labels: Record<string, string>, inUse = false): { docker: Docker; removed: string[] } {
    const removed: string[] = [];
    const docker = {
      listNetworks: () => Promise.resolve([{ Name: 'shop_front', Id: '0a1b', Labels }]),
      getNetwork: (id: string) => ({
        remove: () => {
          if (inUse) return Promise.reject(engineError(403, 'has active endpoints'));
          removed.push(id);
          return Promise.resolve();
        },
      }),
    } as unknown as Docker;
    return { docker, removed };
  }

  test('is freed from one of the same project', async () => {
    const { docker, removed } = engine(composed);
    await clearTheNetworkName(docker, 'shop_front', 'shop');
    expect(removed).toEqual(['0a1b']);
  });

  test('is free if no network has it; a longer name is another', async () => {
    const { docker, removed } = engine(composed);
    await clearTheNetworkName(docker, 'shop_fron', 'shop');
    expect(removed).toEqual([]);
  });

  test.each([
    ['of another project', {}, false, 'is not of the project shop'],
    ['in use', composed, true, 'is in use'],
  ])('is left to one that is %s', async (_what, labels, inUse, why) => {
    const { docker, removed } = engine(labels, inUse);
    expect(await problemsOf(() => clearTheNetworkName(docker, 'shop_front', 'shop'))).toMatchObject([
      {
        code: 'docker/foreign-network',
        message: `The network shop_front has to be made anew, but the one that is there ${why}.`,
      },
    ]);
    expect(removed).toEqual([]);
  });
});
