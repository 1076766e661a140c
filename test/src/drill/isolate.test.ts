import { describe, expect, test } from 'vitest';

import type { ComposeModel } from '../../../src/compose/model';
import { isolate, type Isolated } from '../../../src/drill/isolate';

const model: ComposeModel = {
  name: 'shop',
  services: {
    api: {
      image: 'api:v2',
      container_name: 'the-api',
      ports: [{ target: 8000, published: '80' }],
      labels: { 'traefik.enable': 'true' },
      logging: { driver: 'syslog' },
      networks: { back: { aliases: ['backend'], ipv4_address: '10.1.0.7' }, outside: null },
      depends_on: { db: { condition: 'service_healthy' }, mail: { condition: 'service_started' } },
      volumes: [
        { type: 'volume', source: 'data', target: '/data' },
        { type: 'bind', source: '/srv/shop/api.conf', target: '/etc/api.conf' },
        { type: 'bind', source: '/srv/uploads', target: '/uploads' },
        { type: 'bind', source: '/srv/fonts', target: '/fonts', read_only: true },
        { type: 'bind', source: '/var/run/docker.sock', target: '/var/run/docker.sock', read_only: true },
      ],
    },
    db: { image: 'postgres:15', network_mode: 'host' },
    mail: { image: 'mail:1' },
  },
  networks: {
    back: { name: 'shop_back', ipam: { config: [{ subnet: '10.1.0.0/24' }] } },
    outside: { name: 'proxy', external: true },
  },
  volumes: { data: { name: 'shop-data', external: true } },
  configs: {},
  secrets: {},
};

const copied = (): Isolated =>
  isolate(model, {
    name: 'shop-drill',
    without: ['mail'],
    images: { api: 'sha256:1', db: 'sha256:2' },
    kept: new Set(['/srv/shop/api.conf']),
  });

describe('a copy for a drill', () => {
  test('has a name of its own, images by ID, and nothing by which others find it', () => {
    const { services, name } = copied().model;
    expect(name).toBe('shop-drill');
    expect(services['api']).toMatchObject({ image: 'sha256:1' });
    for (const key of ['ports', 'container_name', 'labels', 'logging']) expect(services['api']).not.toHaveProperty(key);
  });

  test('leaves services out, also where others start after them', () => {
    const { services } = copied().model;
    expect(Object.keys(services)).toEqual(['api', 'db']);
    expect(services['api']?.depends_on).toEqual({ db: { condition: 'service_healthy' } });
  });

  test('has networks of its own that lead nowhere outside', () => {
    const { networks, services } = copied().model;
    expect(networks).toEqual({
      default: { name: 'shop-drill_default', internal: true },
      back: { name: 'shop-drill_back', internal: true },
      outside: { name: 'shop-drill_outside', internal: true },
    });
    expect(services['api']?.networks).toEqual({ back: { aliases: ['backend'] }, outside: null });
    expect(services['db']).toEqual({ image: 'sha256:2', networks: { default: null } });
  });

  test('shares nothing that can be written to, and says what is not there', () => {
    const { model: copy, notes } = copied();
    expect(copy.volumes['data']).toEqual({ name: 'shop-drill_data' });
    const sources = copy.services['api']!.volumes!.map(({ type, source }) => `${type} ${source}`);
    expect(sources).toEqual([
      'volume data',
      'bind /srv/shop/api.conf',
      'volume drill-api-2',
      'bind /srv/fonts',
      'volume drill-api-4',
    ]);
    expect(notes).toEqual([
      'api finds nothing in /uploads: /srv/uploads is not shared with it',
      'api finds nothing in /var/run/docker.sock: /var/run/docker.sock is not shared with it',
      'db does not share the network of this machine',
    ]);
  });

  test('leaves the original as it was', () => {
    const before = JSON.stringify(model);
    copied();
    expect(JSON.stringify(model)).toBe(before);
  });
});
