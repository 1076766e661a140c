import { describe, expect, test } from 'vitest';

import type { ComposePort, ComposeService, ComposeServiceNetwork } from '../../../../src/compose/model';
import { orderedNetworks } from '../../../../src/container/keys/network';
import { containerOf, engineFacts, planOf, projectOf, refusalsOf } from '../../../support/compose-project';

test.each([
  [{ dns: ['10.0.0.53'] }, { dns: ['10.0.0.53'] }],
  [{ dns_opt: ['use-vc'] }, { dnsOpts: ['use-vc'] }],
  [{ dns_search: ['example.com'] }, { dnsSearches: ['example.com'] }],
  [{ network_mode: 'host' }, { networkMode: 'host' }],
  [
    { extra_hosts: ['db=10.0.0.5', 'old:10.0.0.6'] },
    {
      hosts: [
        { host: 'db', ip: '10.0.0.5' },
        { host: 'old', ip: '10.0.0.6' },
      ],
    },
  ],
  [
    { extra_hosts: ['six=[fd00::1]', 'gw=host-gateway'] },
    {
      hosts: [
        { host: 'six', ip: 'fd00::1' },
        { host: 'gw', ip: 'host-gateway' },
      ],
    },
  ],
] as [ComposeService, object][])('%j becomes %j', (keys, expected) => {
  expect(containerOf(keys)).toMatchObject(expected);
});

describe.each([
  ['network_mode', 'networkMode'],
  ['pid', 'pidMode'],
  ['ipc', 'ipcMode'],
] as const)('%s', (key, input) => {
  const planned = (value: string, db: ComposeService) =>
    planOf(projectOf({ api: { image: 'api:1', [key]: value }, db: { image: 'db:1', ...db } }));

  test.each([
    ['service:db', { service: 'db', prefix: 'container:' }],
    ['container:other', 'container:other'],
    ['host', 'host'],
  ])('%s means %j', (value, expected) => {
    expect(planned(value, {}).services[0]!.containers[0]![input]).toEqual(expected);
  });

  test('of a service that is scaled to 0 is refused', () => {
    expect(planned('service:db', { scale: 0 }).problems).toMatchObject([
      {
        message: expect.stringContaining(`service api: ${key} is that of service db, which has no container`) as string,
      },
    ]);
  });
});

describe('ports', () => {
  const ports = (list: ComposePort[], ipv6 = false) =>
    containerOf({ ports: list }, {}, { engine: { ...engineFacts, ipv6 } }).ports;

  test.each([
    [
      { target: 80, published: '8000' },
      { internal: 80, external: 8000, ip: '0.0.0.0', protocol: 'tcp' },
    ],
    [
      { target: 80, published: '8000', host_ip: '127.0.0.1' },
      { internal: 80, external: 8000, ip: '127.0.0.1', protocol: 'tcp' },
    ],
    [
      { target: 53, published: '53', protocol: 'udp' },
      { internal: 53, external: 53, ip: '0.0.0.0', protocol: 'udp' },
    ],
    [{ target: 80 }, { internal: 80, ip: '0.0.0.0', protocol: 'tcp' }],
    [
      { target: 80, published: '' },
      { internal: 80, ip: '0.0.0.0', protocol: 'tcp' },
    ],
  ] as [ComposePort, object][])('%j becomes %j', (port, expected) => {
    expect(ports([port])).toEqual([expected]);
  });

  test('without an address are published on IPv6 too where the machine has it', () => {
    expect(ports([{ target: 80, published: '8000' }], true)!.map(({ ip }) => ip)).toEqual(['0.0.0.0', '::']);
    expect(ports([{ target: 80, host_ip: '127.0.0.1' }], true)!.map(({ ip }) => ip)).toEqual(['127.0.0.1']);
  });

  test('stand in the order of the container ports, as the engine reads them back', () => {
    const mapped = ports([{ target: 90 }, { target: 80, protocol: 'udp' }, { target: 80, protocol: 'tcp' }])!;
    expect(mapped.map(({ internal, protocol }) => `${internal}/${protocol}`)).toEqual(['80/tcp', '80/udp', '90/tcp']);
  });

  test('that are a range for one container port are refused', () => {
    expect(refusalsOf({ ports: [{ target: 80, published: '8000-8010' }] })).toMatchObject([
      { message: expect.stringContaining('ports publishes container port 80 on one of 8000-8010') as string },
    ]);
  });

  test('that are only exposed are warned of, unless they are published as well', () => {
    const keys = { expose: ['80', '90/udp'], ports: [{ target: 80, published: '8000' }] } as unknown as ComposeService;
    expect(planOf(projectOf({ api: keys })).warnings).toEqual([
      'service api: expose: 90/udp is not listed on the container; its networks reach it all the same',
    ]);
  });
});

describe('networks', () => {
  const networks = { front: { name: 'shop_front' }, back: { name: 'backbone', external: true } };
  const joined = (use: Record<string, ComposeServiceNetwork | null>, keys: ComposeService = {}) =>
    containerOf({ networks: use, ...keys }, { networks }, { engine: { ...engineFacts, apiVersion: '1.44' } })
      .networksAdvanced;

  test('go by their real name, and the container answers to its own name, its service and its aliases', () => {
    expect(joined({ front: { aliases: ['web', 'api'] }, back: null })).toEqual([
      { name: 'backbone', aliases: ['shop-api-1', 'api'] },
      { name: 'shop_front', aliases: ['shop-api-1', 'api', 'web'] },
    ]);
  });

  test('carry over addresses and options', () => {
    const use = {
      ipv4_address: '172.28.0.5',
      ipv6_address: 'fd00::5',
      link_local_ips: ['169.254.1.1'],
      mac_address: '02:42:ac:11:00:05',
      driver_opts: { a: 'b' },
      gw_priority: 1,
    };
    expect(joined({ front: use })).toMatchObject([
      {
        ipv4Address: '172.28.0.5',
        ipv6Address: 'fd00::5',
        linkLocalIps: ['169.254.1.1'],
        macAddress: '02:42:ac:11:00:05',
        driverOpts: ['a=b'],
        gwPriority: 1,
      },
    ]);
  });

  test('are joined in the order of their priority, then by name', () => {
    expect(
      orderedNetworks({ b: null, a: {}, last: { priority: -1 }, first: { priority: 10 } }).map(([key]) => key),
    ).toEqual(['first', 'a', 'b', 'last']);
  });

  test("have the container's MAC address on the main one", () => {
    const mac = { mac_address: '02:42:ac:11:00:02' } as unknown as ComposeService;
    expect(joined({ back: null, front: { priority: 5 } }, mac)!.map(({ macAddress }) => macAddress)).toEqual([
      '02:42:ac:11:00:02',
      undefined,
    ]);
  });

  test.each([
    [
      'a MAC address on an older engine',
      { mac_address: '02:42:ac:11:00:02' },
      /networks\.front\.mac_address needs Docker Engine 25/,
    ],
    ['the name of an interface', { interface_name: 'eth7' }, /networks\.front\.interface_name has no counterpart/],
  ])('refuse %s', (_what, use, message) => {
    expect(refusalsOf({ networks: { front: use } }, { networks })).toMatchObject([
      { message: expect.stringMatching(message) as string },
    ]);
  });
});

test('a link with another name than that of the service is refused, as only networks give aliases', () => {
  const links = (...list: string[]) => refusalsOf({ links: list });
  expect(links('db', 'cache:cache')).toEqual([]);
  expect(links('db:database')).toMatchObject([
    { message: expect.stringContaining('gives db the name database') as string },
  ]);
});
