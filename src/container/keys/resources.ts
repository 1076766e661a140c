import { bytes, mebibyte } from '../../compose/units';
import { taintOption } from '../../sensitive';
import type { KeyMapping, MappingContext } from '../mapping';
import type { ContainerSpec, LiveLimits } from '../spec';
import { addDeviceRequests, type DeviceRequest } from './security';

/** Sets a memory size: MiB through the provider; bytes that are no whole MiB afterwards, on the running container. */
function setMemory(
  value: string | number,
  field: 'memory' | 'memoryReservation' | 'memorySwap',
  live: 'Memory' | 'MemoryReservation' | 'MemorySwap',
  spec: ContainerSpec,
  limits: LiveLimits,
): void {
  const size = bytes(value);
  if (size === undefined || size === 0) return;
  spec[field] = size < 0 ? -1 : Math.floor(size / mebibyte);
  if (size > 0 && size % mebibyte !== 0) limits[live] = size;
}

function setCpus(value: number | string, spec: ContainerSpec, context: MappingContext): void {
  const cpus = Number(value);
  if (cpus === 0) return;
  const [whole, fraction] = String(cpus).split('.');
  // The provider reads "1" and "0.5" back faithfully; it rounds hundredths and writes 10 as "10.".
  const faithful = fraction === undefined ? !whole!.endsWith('0') : fraction.length === 1;
  if (!faithful) context.readBackDiffers.add('cpus');
  spec.cpus = fraction === undefined ? `${whole}.0` : String(cpus);
}

/** Sets how many processes a container may have; 0 and -1 mean no limit, which is what a new container has. */
function setPidsLimit(limit: number, context: MappingContext): void {
  if (limit > 0) context.limits.PidsLimit = limit;
}

interface Ulimit {
  readonly soft?: number;
  readonly hard?: number;
}

function setUlimits(value: Readonly<Record<string, number | Ulimit>>, spec: ContainerSpec): void {
  spec.ulimits = Object.entries(value).map(([name, limit]) =>
    typeof limit === 'number'
      ? { name, soft: limit, hard: limit }
      : { name, soft: limit.soft ?? limit.hard ?? 0, hard: limit.hard ?? limit.soft ?? 0 },
  );
}

/** docker compose prints these two with capitals. */
interface DeviceRate {
  readonly Path: string;
  readonly Rate: string | number;
}

interface BlkioConfig {
  readonly weight?: number;
  readonly weight_device?: unknown;
  readonly device_read_bps?: readonly DeviceRate[];
  readonly device_read_iops?: readonly DeviceRate[];
  readonly device_write_bps?: readonly DeviceRate[];
  readonly device_write_iops?: readonly DeviceRate[];
}

function setBlkio(value: BlkioConfig, spec: ContainerSpec, context: MappingContext): void {
  if (value.weight !== undefined) context.limits.BlkioWeight = value.weight;
  if (value.weight_device !== undefined) {
    context.refuse(
      'blkio_config.weight_device',
      'has no counterpart in the Docker provider',
      'Use blkio_config.weight.',
    );
  }
  const rates = (list?: readonly DeviceRate[]): { path: string; rate: number }[] | undefined =>
    list?.map(({ Path, Rate }) => ({ path: Path, rate: bytes(Rate) ?? 0 }));
  const fields = { deviceReadBps: rates(value.device_read_bps), deviceReadIops: rates(value.device_read_iops) };
  const writes = { deviceWriteBps: rates(value.device_write_bps), deviceWriteIops: rates(value.device_write_iops) };
  Object.assign(spec, Object.fromEntries(Object.entries({ ...fields, ...writes }).filter(([, v]) => v !== undefined)));
}

interface Deploy {
  readonly resources?: {
    readonly limits?: { readonly cpus?: number | string; readonly memory?: string; readonly pids?: number };
    readonly reservations?: { readonly memory?: string; readonly devices?: readonly DeviceRequest[] };
  };
  readonly restart_policy?: { readonly condition?: string; readonly max_attempts?: number };
}

function setDeploy(deploy: Deploy, spec: ContainerSpec, context: MappingContext): void {
  const { limits = {}, reservations = {} } = deploy.resources ?? {};
  if (limits.cpus !== undefined) setCpus(limits.cpus, spec, context);
  if (limits.memory !== undefined) setMemory(limits.memory, 'memory', 'Memory', spec, context.limits);
  if (limits.pids !== undefined) setPidsLimit(limits.pids, context);
  if (reservations.memory !== undefined) {
    setMemory(reservations.memory, 'memoryReservation', 'MemoryReservation', spec, context.limits);
  }
  if (reservations.devices) addDeviceRequests(reservations.devices, spec, false);
  const policy = deploy.restart_policy;
  if (policy && context.definition.restart === undefined) {
    spec.restart = policy.condition === 'none' ? 'no' : policy.condition === 'on-failure' ? 'on-failure' : 'always';
    if (policy.max_attempts !== undefined) spec.maxRetryCount = policy.max_attempts;
  }
}

/** Keys about CPU, memory and other limits. */
export const resourceKeys: readonly KeyMapping[] = [
  {
    key: 'deploy',
    support: 'carried',
    to: 'cpus, memory, memoryReservation, deviceRequests, restart, replicas',
    note: 'resources, replicas and restart_policy; what only Swarm acts on (placement, update_config, …) docker compose ignores too',
    apply: setDeploy,
  },
  { key: 'scale', support: 'carried', to: 'the number of containers' },
  { key: 'cpus', support: 'carried', to: 'cpus', apply: setCpus },
  {
    key: 'cpu_shares',
    support: 'carried',
    to: 'cpuShares',
    apply: (v: number, spec) => void (spec.cpuShares = v),
  },
  { key: 'cpuset', support: 'carried', to: 'cpuSet', apply: (v: string, spec) => void (spec.cpuSet = v) },
  {
    key: 'cpu_period',
    support: 'carried',
    to: 'cpuPeriod',
    apply: (v: string | number, spec) => void (spec.cpuPeriod = Number(v)),
  },
  {
    key: 'cpu_quota',
    support: 'carried',
    to: 'cpuQuota',
    apply: (v: string | number, spec) => void (spec.cpuQuota = Number(v)),
  },
  {
    key: 'mem_limit',
    support: 'carried',
    to: 'memory',
    note: 'the provider counts MiB; other sizes are set to the byte once the container runs',
    apply: (v: string, spec, context) => {
      setMemory(v, 'memory', 'Memory', spec, context.limits);
    },
  },
  {
    key: 'mem_reservation',
    support: 'carried',
    to: 'memoryReservation',
    apply: (v: string, spec, context) => {
      setMemory(v, 'memoryReservation', 'MemoryReservation', spec, context.limits);
    },
  },
  {
    key: 'memswap_limit',
    support: 'carried',
    to: 'memorySwap',
    apply: (v: string, spec, context) => {
      setMemory(v, 'memorySwap', 'MemorySwap', spec, context.limits);
    },
  },
  {
    key: 'shm_size',
    support: 'partly',
    to: 'shmSize',
    note: 'whole MiB only',
    apply(value: string, spec, context) {
      const size = bytes(value) ?? 0;
      if (size % mebibyte !== 0) {
        context.refuse(
          'shm_size',
          `is ${value} bytes, which is no whole number of MiB`,
          'Round it, e.g. shm_size: 64m.',
        );
      }
      spec.shmSize = Math.floor(size / mebibyte);
    },
  },
  {
    key: 'pids_limit',
    support: 'carried',
    to: 'the running container',
    note: 'the provider lacks it; set through the engine as soon as the container runs',
    apply: (v: number, _spec, context) => {
      setPidsLimit(v, context);
    },
  },
  {
    key: 'blkio_config',
    support: 'partly',
    to: 'deviceReadBps …; weight on the running container',
    note: 'weight_device is refused',
    apply: setBlkio,
  },
  { key: 'ulimits', support: 'carried', to: 'ulimits', apply: setUlimits },
  {
    key: 'sysctls',
    support: 'carried',
    to: 'sysctls',
    apply: (v: Record<string, string>, spec) => void (spec.sysctls = { ...v }),
  },
  {
    key: 'storage_opt',
    support: 'carried',
    to: 'storageOpts',
    apply: (v: Record<string, string>, spec) => void (spec.storageOpts = { ...v }),
  },
  {
    key: 'logging',
    support: 'carried',
    to: 'logDriver, logOpts',
    apply(value: { driver?: string; options?: Record<string, string> }, spec, { secrets }) {
      if (value.driver !== undefined) spec.logDriver = value.driver;
      if (!value.options) return;
      spec.logOpts = Object.fromEntries(
        Object.entries(value.options).map(([option, text]) => [option, taintOption(option, text, secrets)]),
      );
    },
  },
  ...(
    [
      ['oom_score_adj', 'Give the service a memory limit instead.'],
      ['oom_kill_disable', 'Give the service a memory limit instead.'],
      ['mem_swappiness', 'Use memswap_limit.'],
      ['cpu_rt_runtime', 'Use cpus or cpu_shares.'],
      ['cpu_rt_period', 'Use cpus or cpu_shares.'],
      ['cpu_count', 'Use cpus.'],
      ['cpu_percent', 'Use cpus.'],
    ] as const
  ).map(([key, fix]): KeyMapping => ({
    key,
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse(key, 'has no counterpart in the Docker provider', fix);
    },
  })),
];
