import { describe, expect, test } from 'vitest';

import type { ComposeModel, ComposeService } from '../../../src/compose/model';
import { planVolumes, type VolumePlan, volumeWarnings } from '../../../src/docker/volumes';
import { imageFacts, type PlanChanges, planOf, projectOf } from '../../support/compose-project';
import { inventoryOf, type InventoryParts } from '../../support/fake-engine';

function volumesOf(
  services: Readonly<Record<string, ComposeService>>,
  volumes: ComposeModel['volumes'] = {},
  inventory: InventoryParts = {},
  changes: PlanChanges = {},
): VolumePlan[] {
  const project = projectOf(services, { volumes });
  return planVolumes(project, planOf(project, changes).services, inventoryOf(inventory), new Set(['hunter22']));
}

const mounting = (...sources: string[]): ComposeService => ({
  volumes: sources.map((source, index) => ({ type: 'volume', source, target: `/data${index}` })),
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

  test.each([
    [{ o: 'username=shop,password=anything' }],
    [{ password: 'anything' }],
    [{ device: '//files/hunter22/share' }],
  ])('mask an option that tells a secret: %j', (driver_opts) => {
    for (const live of [[], [{ name: 'shop_data', options: driver_opts }]]) {
      const plans = volumesOf(
        { db: mounting('data') },
        { data: { name: 'shop_data', driver_opts } },
        { volumes: live },
      );
      expect(Object.values(plans[0]!.driverOpts!).map(String)).toEqual(['[secret]']);
    }
  });

  test('that are there already are taken as they are, whatever the file says, which is warned of', () => {
    const volumes = { data: { name: 'shop_data', driver_opts: { o: 'new' } } };
    const live = { volumes: [{ name: 'shop_data', driver: 'local', options: { o: 'old' }, labels: null }] };
    expect(volumesOf({ db: mounting('data') }, volumes, live)).toEqual([
      { name: 'shop_data', driver: 'local', driverOpts: { o: 'old' }, labels: [] },
    ]);
    expect(volumeWarnings(projectOf({}, { volumes }), inventoryOf(live))).toEqual([
      'volumes.data: the volume shop_data has another driver_opts than the file; it is used as it is, as a new one would be without its data',
    ]);
  });

  test('that are there as the file has them, or are external, raise no warning', () => {
    const volumes = { data: { name: 'shop_data' }, old: { name: 'old', external: true }, gone: null };
    const live = { volumes: [{ name: 'shop_data' }, { name: 'old', driver: 'nfs' }] };
    expect(volumeWarnings(projectOf({}, { volumes }), inventoryOf(live))).toEqual([]);
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
