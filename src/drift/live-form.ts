import type Docker from 'dockerode';

import type { EngineDefaults } from './engine-defaults';
import { attachment, milliseconds, mount, temporary, tmpfs } from './declared-form';
import type { ImageConfig } from './image-config';
import {
  addresses,
  canonical,
  capabilities,
  type Form,
  FormBuilder,
  securityOptions,
  size,
  unordered,
  variable,
  words,
} from './form';

/** A container as the engine tells of it. */
export type Inspected = Docker.ContainerInspectInfo;

// Fields that the types of dockerode leave out.
interface MoreConfig {
  readonly Healthcheck?: ImageConfig['Healthcheck'];
  readonly StopTimeout?: number | null;
  readonly StopSignal?: string;
}

interface Rate {
  readonly Path: string;
  readonly Rate: number;
}

/** What a container is, as a form. */
export function liveForm(info: Inspected, defaults: EngineDefaults): Form {
  const form = new FormBuilder();
  process(info, defaults, form);
  health(info, form);
  network(info, defaults, form);
  mounts(info, form);
  security(info, defaults, form);
  limits(info, defaults, form);
  return form.form;
}

function process(info: Inspected, { runtime }: EngineDefaults, form: FormBuilder): void {
  const { Config: config, HostConfig: host, Image: image, Id: id } = info;
  const more = config as MoreConfig;
  form.set('image', image);
  // The engine gives one word, or none, where the types know of lists only.
  form.set('entrypoint', words([config.Entrypoint ?? []].flat()));
  form.set('command', words(config.Cmd));
  form.set('user', config.User);
  form.set('working directory', config.WorkingDir.replace(/^\/$/, ''));
  const mode = host.NetworkMode ?? '';
  // Of itself a container is called by its ID, and in another's network as that is.
  if (config.Hostname !== id.slice(0, 12) && mode !== 'host' && !mode.startsWith('container:'))
    form.set('host name', config.Hostname);
  form.set('domain name', config.Domainname);
  form.set('terminal', config.Tty ? 'yes' : undefined);
  form.set('standard input', config.OpenStdin ? 'yes' : undefined);
  form.set('init', host.Init ? 'yes' : undefined);
  form.set('runtime', host.Runtime === runtime ? undefined : host.Runtime);
  form.set('stop signal', (more.StopSignal ?? '').replace(/^SIGTERM$/, ''));
  form.set('stop timeout', more.StopTimeout || undefined);
  const { Name: policy = '', MaximumRetryCount: count = 0 } = host.RestartPolicy ?? {};
  const retries = policy === 'on-failure' && count > 0 ? `:${count}` : '';
  form.set('restart policy', policy === 'no' ? undefined : `${policy}${retries}`);
  form.setAll(
    'env',
    ((config.Env as string[] | null) ?? []).flatMap((text) => {
      const pair = variable(text);
      return pair ? [pair] : [];
    }),
  );
  form.setAll('label', Object.entries((config.Labels as Record<string, string> | null) ?? {}));
}

function health({ Config: config }: Inspected, form: FormBuilder): void {
  const check = (config as MoreConfig).Healthcheck;
  form.set('healthcheck.test', words(check?.Test));
  if (check?.Test?.[0] === undefined || check.Test[0] === 'NONE') return;
  form.set('healthcheck.interval', milliseconds((check.Interval ?? 0) / 1e6));
  form.set('healthcheck.timeout', milliseconds((check.Timeout ?? 0) / 1e6));
  form.set('healthcheck.start period', milliseconds((check.StartPeriod ?? 0) / 1e6));
  form.set('healthcheck.start interval', milliseconds((check.StartInterval ?? 0) / 1e6));
  form.set('healthcheck.retries', check.Retries || undefined);
}

function network(info: Inspected, { nameOf }: EngineDefaults, form: FormBuilder): void {
  const { HostConfig: host, NetworkSettings: settings, Config: config, Id: id } = info;
  const mode = shared(host.NetworkMode ?? '', nameOf);
  if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) form.set('network mode', mode);
  for (const [name, endpoint] of Object.entries(settings.Networks)) {
    if (['bridge', 'host', 'none'].includes(name)) {
      form.set(`network.${name}`, 'attached');
      continue;
    }
    const { Aliases: aliases, IPAMConfig: asked } = endpoint as {
      Aliases?: string[] | null;
      IPAMConfig?: { IPv4Address?: string; IPv6Address?: string } | null;
    };
    const given = (aliases ?? []).filter((alias) => alias !== id.slice(0, 12) && alias !== config.Hostname);
    form.set(`network.${name}`, attachment(given, asked?.IPv4Address, asked?.IPv6Address));
  }
  const bindings = (host.PortBindings ?? {}) as Record<string, { HostIp?: string; HostPort?: string }[] | null>;
  for (const [port, list] of Object.entries(bindings)) {
    form.set(
      `port.${port}`,
      addresses((list ?? []).map(({ HostIp = '', HostPort = '' }) => ({ ip: HostIp, port: HostPort }))),
    );
  }
  form.set('hosts', unordered(host.ExtraHosts as string[] | null));
  form.set('dns', (host.Dns as string[] | null)?.join(', '));
  form.set('dns options', (host.DnsOptions as string[] | null)?.join(', '));
  form.set('dns search', (host.DnsSearch as string[] | null)?.join(', '));
}

function shared(mode: string, nameOf: (id: string) => string): string {
  return mode.startsWith('container:') ? `container:${nameOf(mode.slice('container:'.length))}` : mode;
}

function mounts(info: Inspected, form: FormBuilder): void {
  const asked = new Map((info.HostConfig.Mounts ?? []).map((it) => [it.Target, it]));
  for (const {
    Type: type,
    Name: name,
    Source: source,
    Destination: path,
    RW: writable,
    Propagation: propagation,
  } of info.Mounts) {
    if ((type as string) === 'tmpfs') continue;
    form.set(
      `mount.${path}`,
      mount(type, type === 'volume' ? (name ?? '') : source, writable, type === 'bind' ? propagation : undefined),
    );
  }
  for (const [path, { Type: type, ReadOnly: readOnly, TmpfsOptions: options }] of asked) {
    if (type === 'tmpfs') form.set(`tmpfs.${path}`, temporary(options?.SizeBytes, options?.Mode, readOnly));
  }
  for (const [path, options] of Object.entries((info.HostConfig.Tmpfs as Record<string, string> | null) ?? {}))
    form.set(`tmpfs.${path}`, tmpfs(options));
}

function security({ HostConfig: host }: Inspected, { nameOf }: EngineDefaults, form: FormBuilder): void {
  form.set('capabilities added', capabilities(host.CapAdd as string[] | null));
  form.set('capabilities dropped', capabilities(host.CapDrop as string[] | null));
  form.set('privileged', host.Privileged ? 'yes' : undefined);
  form.set('read-only root', host.ReadonlyRootfs ? 'yes' : undefined);
  form.set('groups', unordered(host.GroupAdd));
  form.set('user namespace', host.UsernsMode);
  form.set('process namespace', shared(host.PidMode ?? '', nameOf));
  const ipc = shared(host.IpcMode ?? '', nameOf);
  form.set('ipc namespace', ipc === 'private' || ipc === 'shareable' ? undefined : ipc);
  form.set('cgroup namespace', (host as { CgroupnsMode?: string }).CgroupnsMode);
  form.set('cgroup parent', host.CgroupParent);
  const shares = (host.Privileged ?? false) || host.PidMode === 'host' || host.IpcMode === 'host';
  form.set('security options', securityOptions(host.SecurityOpt as string[] | null, shares));
  const devices = (host.Devices ?? []) as { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[];
  for (const device of devices)
    form.set(`device.${device.PathInContainer}`, `${device.PathOnHost} ${device.CgroupPermissions}`);
  form.set('device rules', unordered((host as { DeviceCgroupRules?: string[] | null }).DeviceCgroupRules));
  const requests = ((host as { DeviceRequests?: unknown }).DeviceRequests ?? []) as {
    Driver?: string;
    Count?: number;
    DeviceIDs?: string[] | null;
    Capabilities?: string[][] | null;
  }[];
  if (requests.length > 0) {
    form.set(
      'device requests',
      canonical(
        requests.map(({ Driver: driver = '', Count: count = 0, DeviceIDs: deviceIds, Capabilities: can }) => ({
          driver,
          count,
          deviceIds: deviceIds ?? [],
          can: (can ?? []).flat(),
        })),
      ),
    );
  }
}

function limits({ HostConfig: host }: Inspected, { logDriver }: EngineDefaults, form: FormBuilder): void {
  form.set('limit.memory', host.Memory ? size(host.Memory) : undefined);
  form.set('limit.memory and swap', host.MemorySwap ? size(host.MemorySwap) : undefined);
  form.set('limit.reserved memory', host.MemoryReservation ? size(host.MemoryReservation) : undefined);
  form.set('limit.shared memory', !host.ShmSize || host.ShmSize === 64 * 1024 ** 2 ? undefined : size(host.ShmSize));
  form.set('limit.cpus', host.NanoCpus ? String(host.NanoCpus / 1e9) : undefined);
  form.set('limit.cpu shares', host.CpuShares || undefined);
  form.set('limit.cpu set', host.CpusetCpus);
  form.set('limit.cpu period', host.CpuPeriod || undefined);
  form.set('limit.cpu quota', host.CpuQuota || undefined);
  form.set('limit.processes', (host.PidsLimit ?? 0) > 0 ? host.PidsLimit : undefined);
  form.set('limit.block weight', host.BlkioWeight || undefined);
  const more = host as unknown as Record<string, Rate[] | null | undefined>;
  for (const [name, key] of rates)
    for (const { Path, Rate } of more[key] ?? []) form.set(`limit.${name} ${Path}`, Rate);
  const ulimits = (host.Ulimits ?? []) as { Name: string; Soft: number; Hard: number }[];
  for (const { Name, Soft, Hard } of ulimits) form.set(`ulimit.${Name}`, `${Soft}:${Hard}`);
  form.setAll('sysctl', Object.entries((host.Sysctls as Record<string, string> | null) ?? {}));
  const { Type: driver, Config: options } = (host.LogConfig ?? { Type: logDriver, Config: {} }) as {
    readonly Type: string;
    readonly Config: unknown;
  };
  form.set('log driver', driver === logDriver ? undefined : driver);
  form.setAll('log option', Object.entries((options as Record<string, string> | null) ?? {}));
  form.setAll('storage option', Object.entries((host.StorageOpt as Record<string, string> | null) ?? {}));
}

const rates = [
  ['read bytes', 'BlkioDeviceReadBps'],
  ['write bytes', 'BlkioDeviceWriteBps'],
  ['reads', 'BlkioDeviceReadIOps'],
  ['writes', 'BlkioDeviceWriteIOps'],
] as const;
