import { describe, expect, test } from 'vitest';

import type { ComposeModel, ComposeService } from '../../../src/compose/model';
import { type NetworkPlan, planNetworks, planVolumes, type VolumePlan } from '../../../src/docker/infrastructure';
import { imageFacts, type PlanChanges, planOf, projectOf } from '../../support/compose-project';
import { inventoryOf, type InventoryParts } from '../../support/fake-engine';

const using = (...names: string[]): ComposeService => ({
  networks: Object.fromEntries(names.map((name) => [name, null])),
});

function networksOf(
  networks: ComposeModel['networks'],
  service: ComposeService,
  inventory: InventoryParts = {},
): NetworkPlan[] {
  return planNetworks(projectOf({ api: service }, { networks }), inventoryOf(inventory));
}

function volumesOf(
  services: Readonly<Record<string, ComposeService>>,
  volumes: ComposeModel['volumes'] = {},
  inventory: InventoryParts = {},
  changes: PlanChanges = {},
): VolumePlan[] {
  const project = projectOf(services, { volumes });
  return planVolumes(project, planOf(project, changes).services, inventoryOf(inventory));
}

const mounting = (...sources: string[]): ComposeService => ({
  volumes: sources.map((source, index) => ({ type: 'volume', source, target: `/data${index}` })),
});

describe('the networks of a project', () => {
  test('are those that services use, but for external ones', () => {
    const plans = networksOf(
      {
        default: { name: 'shop_default' },
        back: { name: 'backbone', external: true },
        unused: { name: 'shop_unused' },
      },
      using('default', 'back'),
    );
    expect(plans.map(({ name }) => name)).toEqual(['shop_default']);
  });

  test('have the labels by which docker compose knows them, after their own, sorted', () => {
    const [plan] = networksOf({ front: { name: 'shop_front', labels: { team: 'web' } } }, using('front'));
    expect(plan!.labels).toEqual([
      { label: 'com.docker.compose.network', value: 'front' },
      { label: 'com.docker.compose.project', value: 'shop' },
      { label: 'team', value: 'web' },
    ]);
  });

  test('state everything that the engine would fill in, so that a refresh finds the same', () => {
    expect(networksOf({ front: { name: 'shop_front', ipam: {} } }, using('front'))).toMatchObject([
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
          {
            subnet: '172.28.0.0/16',
            ip_range: '172.28.5.0/24',
            gateway: '172.28.5.254',
            aux_addresses: { h: '172.28.1.5' },
          },
          { subnet: '2001:db8::/64' },
        ],
      },
    };
    expect(networksOf({ front: network }, using('front'))).toMatchObject([
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
          {
            subnet: '172.28.0.0/16',
            ipRange: '172.28.5.0/24',
            gateway: '172.28.5.254',
            auxAddress: { h: '172.28.1.5' },
          },
          { subnet: '2001:db8::/64' },
        ],
      },
    ]);
  });

  test('that are there already are known by their ID', () => {
    const plans = networksOf({ default: { name: 'shop_default' } }, using('default'), {
      networks: [{ name: 'shop_default', id: '0a1b' }, { name: 'other' }],
    });
    expect(plans[0]!.existing).toBe('0a1b');
  });
});

describe('the volumes of a project', () => {
  test('are those that containers mount, sorted, but for external ones', () => {
    const plans = volumesOf(
      { api: mounting('data', 'cache'), worker: mounting('data', 'shared') },
      {
        data: { name: 'shop_data' },
        cache: { name: 'shop_cache' },
        shared: { name: 'shared', external: true },
        unused: { name: 'shop_unused' },
      },
    );
    expect(plans.map(({ name }) => name)).toEqual(['shop_cache', 'shop_data']);
  });

  test('have the driver, options and labels of the file, and the labels of docker compose', () => {
    const volume = { name: 'shop_data', driver: 'nfs', driver_opts: { o: 'ro' }, labels: { team: 'db' } };
    expect(volumesOf({ db: mounting('data') }, { data: volume })).toEqual([
      {
        name: 'shop_data',
        driver: 'nfs',
        driverOpts: { o: 'ro' },
        labels: [
          { label: 'com.docker.compose.project', value: 'shop' },
          { label: 'com.docker.compose.volume', value: 'data' },
          { label: 'team', value: 'db' },
        ],
      },
    ]);
  });

  test('that are there already are taken as they are, whatever the file says', () => {
    const plans = volumesOf(
      { db: mounting('data') },
      { data: { name: 'shop_data', driver_opts: { o: 'new' } } },
      {
        volumes: [{ name: 'shop_data', driver: 'local', options: { o: 'old' }, labels: null }],
      },
    );
    expect(plans).toEqual([{ name: 'shop_data', driver: 'local', driverOpts: { o: 'old' }, labels: [] }]);
  });

  test('include those that the image declares and anonymous ones, under a lasting name per container', () => {
    const anonymous: ComposeService = { volumes: [{ type: 'volume', target: '/var/lib/x' }], scale: 2 };
    const image = { ...imageFacts, volumes: ['/data'] };
    expect(volumesOf({ db: anonymous }, {}, {}, { image }).map(({ name }) => name)).toEqual([
      'shop-db-1_data',
      'shop-db-1_var_lib_x',
      'shop-db-2_data',
      'shop-db-2_var_lib_x',
    ]);
  });
});
