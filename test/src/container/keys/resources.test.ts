import { describe, expect, test } from 'vitest';

import type { ComposeService } from '../../../../src/compose/model';
import { Sensitive } from '../../../../src/sensitive';
import { containerOf, engineFacts, planOf, projectOf, refusalsOf } from '../../../support/compose-project';

const MiB = 1024 * 1024;

test.each([
  [{ cpu_shares: 512 }, { cpuShares: 512 }],
  [{ cpuset: '0-1' }, { cpuSet: '0-1' }],
  [
    { cpu_period: '100000', cpu_quota: 50000 },
    { cpuPeriod: 100_000, cpuQuota: 50_000 },
  ],
  [{ shm_size: `${64 * MiB}` }, { shmSize: 64 }],
  [{ mem_limit: `${64 * MiB}` }, { memory: 64, memorySwap: 128 }],
  [
    { mem_limit: `${64 * MiB}`, memswap_limit: `${100 * MiB}` },
    { memory: 64, memorySwap: 100 },
  ],
  [
    { mem_limit: `${64 * MiB}`, memswap_limit: '-1' },
    { memory: 64, memorySwap: -1 },
  ],
  [{ mem_reservation: `${32 * MiB}` }, { memoryReservation: 32 }],
  [{ sysctls: { 'net.core.somaxconn': '1024' } }, { sysctls: { 'net.core.somaxconn': '1024' } }],
  [{ storage_opt: { size: '1G' } }, { storageOpts: { size: '1G' } }],
  [
    { logging: { driver: 'local', options: { 'max-size': '1m' } } },
    { logDriver: 'local', logOpts: { 'max-size': '1m' } },
  ],
  [
    { ulimits: { nproc: 100, nofile: { soft: 1, hard: 2 } } },
    {
      ulimits: [
        { name: 'nproc', soft: 100, hard: 100 },
        { name: 'nofile', soft: 1, hard: 2 },
      ],
    },
  ],
  [
    { blkio_config: { device_write_bps: [{ Path: '/dev/sda', Rate: '1048576' }] } },
    { deviceWriteBps: [{ path: '/dev/sda', rate: MiB }] },
  ],
  [
    { deploy: { resources: { limits: { memory: `${64 * MiB}` }, reservations: { memory: `${32 * MiB}` } } } },
    { memory: 64, memoryReservation: 32 },
  ],
  [
    { deploy: { restart_policy: { condition: 'on-failure', max_attempts: 3 } } },
    { restart: 'on-failure', maxRetryCount: 3 },
  ],
  [{ deploy: { restart_policy: { condition: 'none' } } }, { restart: 'no' }],
  [{ deploy: { restart_policy: {} } }, { restart: 'always' }],
  [{ restart: 'unless-stopped', deploy: { restart_policy: { condition: 'none' } } }, { restart: 'unless-stopped' }],
] as [ComposeService, object][])('%j becomes %j', (keys, expected) => {
  expect(containerOf(keys)).toMatchObject(expected);
});

test.each([
  [1, '1.0', false],
  [0.5, '0.5', false],
  ['1.50', '1.5', false],
  [0.25, '0.25', true],
  [10, '10.0', true],
])('cpus: %j is given to the provider as %s; it reads another spelling back: %j', (cpus, expected, differs) => {
  const { containers, readBackDiffers } = planOf(projectOf({ api: { image: 'x', cpus } })).services[0]!;
  expect(containers[0]!.cpus).toBe(expected);
  expect(readBackDiffers.includes('cpus')).toBe(differs);
});

test('cpus: 0 and memory 0 mean no limit', () => {
  const { cpus, memory, memorySwap } = containerOf({ cpus: 0, mem_limit: '0' });
  expect([cpus, memory, memorySwap]).toEqual([undefined, undefined, undefined]);
});

test('an engine that cannot limit swap reads it back as unlimited', () => {
  const engine = { ...engineFacts, swapLimit: false };
  expect(containerOf({ mem_limit: `${64 * MiB}` }, {}, { engine }).memorySwap).toBe(-1);
});

describe('what the provider cannot say is set on the running container', () => {
  const limitsOf = (keys: object) => planOf(projectOf({ api: { image: 'x', ...keys } })).services[0]!;

  test.each([
    [{ pids_limit: 100 }, { PidsLimit: 100 }],
    [{ pids_limit: -1 }, {}],
    [{ deploy: { resources: { limits: { pids: 50 } } } }, { PidsLimit: 50 }],
    [{ blkio_config: { weight: 300 } }, { BlkioWeight: 300 }],
    [{ mem_limit: '100000001' }, { Memory: 100_000_001 }],
    [{ mem_reservation: '100000001' }, { MemoryReservation: 100_000_001 }],
    [{ mem_limit: `${64 * MiB}` }, {}],
  ])('%j: %j', (keys, expected) => {
    expect(limitsOf(keys).limits).toEqual(expected);
  });

  test('a memory limit that is no whole number of MiB is rounded down until then', () => {
    expect(limitsOf({ mem_limit: '100000001' }).containers[0]!.memory).toBe(95);
  });
});

test('a size of shared memory that is no whole number of MiB is refused', () => {
  expect(refusalsOf({ shm_size: '1000000' })).toHaveLength(1);
});

test('weights of single devices are refused', () => {
  expect(refusalsOf({ blkio_config: { weight_device: [] } })).toMatchObject([
    { message: expect.stringContaining('blkio_config.weight_device') as string },
  ]);
});

test('an option of the log driver with a secret in it is masked', () => {
  const { logOpts } = containerOf({
    logging: { driver: 'splunk', options: { 'splunk-token': 'hunter22', tag: 'api' } },
    environment: { SPLUNK_TOKEN: 'hunter22' },
  });
  expect(logOpts!['splunk-token']).toBeInstanceOf(Sensitive);
  expect(logOpts!['tag']).toBe('api');
});

test('GPUs of deploy and of the service are requested', () => {
  const devices = [{ driver: 'nvidia', device_ids: ['0'], capabilities: ['gpu'] }];
  const spec = containerOf({ deploy: { resources: { reservations: { devices } } }, gpus: [{ count: -1 }] } as never);
  expect(spec.deviceRequests).toHaveLength(2);
  expect(spec.deviceRequests).toContainEqual({ driver: 'nvidia', count: 0, deviceIds: ['0'], capabilities: ['gpu'] });
  expect(spec.deviceRequests).toContainEqual({ driver: '', count: -1, capabilities: ['gpu'] });
});
