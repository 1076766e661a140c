import type { Text } from '../sensitive';

/** The container of another service, by name of the service: its ID is known only once it runs. */
export interface ContainerOf {
  readonly service: string;
  /** What stands before the ID, e.g. `container:`. */
  readonly prefix: string;
}

/**
 * What the Docker provider is to make of one container of a service: the inputs of a docker.Container as plain
 * values. The fields are those of the provider
 * (https://www.pulumi.com/registry/packages/docker/api-docs/container/); a type of its own keeps this folder free of
 * Pulumi, and lets a value be marked as sensitive.
 */
export interface ContainerSpec {
  name: string;
  /** Immutable image ID (`sha256:…`), or undefined in a preview while it still has to be pulled or built. */
  image: string | undefined;
  command?: Text[];
  entrypoints?: Text[];
  envs?: Text[];
  labels: { label: string; value: Text }[];
  user?: string;
  workingDir?: string;
  hostname?: string;
  domainname?: string;
  tty?: boolean;
  stdinOpen?: boolean;
  init?: boolean;
  platform?: string;
  runtime?: string;
  restart: string;
  maxRetryCount: number;
  stopSignal?: string;
  stopTimeout?: number;
  destroyGraceSeconds?: number;
  healthcheck?: {
    tests?: Text[];
    interval?: string;
    timeout?: string;
    startPeriod?: string;
    startInterval?: string;
    retries?: number;
  };
  ports?: { internal: number; external?: number; ip?: string; protocol?: string }[];
  networkMode?: string | ContainerOf;
  networksAdvanced?: {
    name: string;
    aliases?: string[];
    ipv4Address?: string;
    ipv6Address?: string;
    linkLocalIps?: string[];
    macAddress?: string;
    driverOpts?: string[];
    gwPriority?: number;
  }[];
  hosts?: { host: string; ip: string }[];
  dns?: string[];
  dnsOpts?: string[];
  dnsSearches?: string[];
  mounts?: {
    type: string;
    target: string;
    source?: string;
    readOnly?: boolean;
    bindOptions?: { propagation: string };
    volumeOptions?: { noCopy?: boolean; subpath?: string };
    tmpfsOptions?: { sizeBytes?: number; mode?: number };
  }[];
  volumes?: {
    containerPath?: string;
    hostPath?: string;
    volumeName?: string;
    fromContainer?: string;
    readOnly?: boolean;
    selinuxRelabel?: string;
  }[];
  tmpfs?: Record<string, string>;
  uploads?: { file: string; content: Text; permissions?: string; owner?: string; group?: string }[];
  readOnly?: boolean;
  privileged?: boolean;
  capabilities?: { adds?: string[]; drops?: string[] };
  securityOpts?: string[];
  groupAdds?: string[];
  usernsMode?: string;
  pidMode?: string | ContainerOf;
  ipcMode?: string | ContainerOf;
  cgroupnsMode?: string;
  cgroupParent?: string;
  devices?: { hostPath: string; containerPath?: string; permissions?: string }[];
  deviceCgroupRules?: string[];
  deviceRequests?: {
    driver?: string;
    count?: number;
    deviceIds?: string[];
    capabilities?: string[];
    options?: Record<string, string>;
  }[];
  deviceReadBps?: { path: string; rate: number }[];
  deviceReadIops?: { path: string; rate: number }[];
  deviceWriteBps?: { path: string; rate: number }[];
  deviceWriteIops?: { path: string; rate: number }[];
  ulimits?: { name: string; soft: number; hard: number }[];
  sysctls?: Record<string, string>;
  shmSize?: number;
  /** MiB, like all memory sizes of the provider. */
  memory?: number;
  memoryReservation?: number;
  memorySwap?: number;
  cpus?: string;
  cpuShares?: number;
  cpuSet?: string;
  cpuPeriod?: number;
  cpuQuota?: number;
  logDriver?: string;
  logOpts?: Record<string, Text>;
  storageOpts?: Record<string, string>;
  mustRun?: boolean;
  removeVolumes?: boolean;
  attach?: boolean;
}

/**
 * Limits that the provider cannot express but the engine can set on a running container
 * (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerUpdate).
 */
export interface LiveLimits {
  PidsLimit?: number;
  BlkioWeight?: number;
  /** Bytes; only where the limit is no whole number of MiB. */
  Memory?: number;
  MemorySwap?: number;
  MemoryReservation?: number;
}

/** A service made ready for the engine: one container per replica, and what belongs to it. */
export interface ServicePlan {
  readonly service: string;
  /** The image as the configuration names it, e.g. `apex-api:v0.2.0`. */
  readonly reference: string;
  readonly containers: readonly ContainerSpec[];
  readonly limits: LiveLimits;
  /** Provider properties that the engine reads back in another form; a declared change shows in the config hash. */
  readonly readBackDiffers: readonly string[];
  readonly oneShot: boolean;
}
