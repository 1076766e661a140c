import { durationMs, mebibyte } from '../compose/units';
import type { ContainerOf, ContainerSpec, LiveLimits } from '../container/spec';
import { revealed, Sensitive, type Text } from '../sensitive';
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
import type { EngineDefaults } from './engine-defaults';
import type { ImageConfig } from './image-config';

/** What a planned container's form is made of. */
export interface DeclaredContainer {
  readonly spec: ContainerSpec;
  readonly limits: LiveLimits;
  /** What its image brings along; undefined if that is not there any more. */
  readonly image: ImageConfig | undefined;
  readonly defaults: Pick<EngineDefaults, 'logDriver' | 'runtime'>;
  /** Name of the first container of a service. */
  readonly nameOf: (service: string) => string;
  /** What a container mounts whose volumes this one takes over: `mount./data` and its text. */
  readonly mountsOf: (container: string) => Iterable<readonly [string, Text]>;
}

/** What a container is to be, as a form. */
export function declaredForm(declared: DeclaredContainer): Form {
  const builder = new FormBuilder();
  process(declared, builder);
  environment(declared, builder);
  healthcheck(declared, builder);
  network(declared, builder);
  mounts(declared, builder);
  security(declared, builder);
  limits(declared, builder);
  return builder.form;
}

function process({ spec, image, defaults }: DeclaredContainer, form: FormBuilder): void {
  form.set('image', spec.image);
  form.set('entrypoint', told(spec.entrypoints) ?? words(image?.Entrypoint));
  // Whoever names an entrypoint takes the image's command away.
  form.set('command', told(spec.command) ?? (spec.entrypoints ? undefined : words(image?.Cmd)));
  form.set('user', spec.user ?? image?.User);
  form.set('working directory', (spec.workingDir ?? image?.WorkingDir ?? '').replace(/^\/$/, ''));
  form.set('host name', spec.hostname);
  form.set('domain name', spec.domainname);
  form.set('terminal', spec.tty ? 'yes' : undefined);
  form.set('standard input', spec.stdinOpen ? 'yes' : undefined);
  form.set('init', spec.init ? 'yes' : undefined);
  form.set('runtime', spec.runtime === defaults.runtime ? undefined : spec.runtime);
  form.set('stop signal', (spec.stopSignal ?? image?.StopSignal ?? '').replace(/^SIGTERM$/, ''));
  form.set('stop timeout', spec.stopTimeout);
  const retries = spec.restart === 'on-failure' && spec.maxRetryCount > 0 ? `:${spec.maxRetryCount}` : '';
  form.set('restart policy', spec.restart === 'no' ? undefined : `${spec.restart}${retries}`);
}

/** Words of a command; as a whole a secret if one of them is. */
function told(list: readonly Text[] | undefined): Text | undefined {
  if (list === undefined) return undefined;
  const text = words(list.map(revealed));
  return list.some((word) => word instanceof Sensitive) ? new Sensitive(text) : text;
}

function environment({ spec, image }: DeclaredContainer, form: FormBuilder): void {
  const variables = new Map<string, Text>((image?.Env ?? []).flatMap((text) => [variable(text) ?? []]).filter(isPair));
  for (const text of spec.envs ?? []) {
    const [key, value] = variable(revealed(text)) ?? [revealed(text)];
    if (value === undefined) variables.delete(key);
    else variables.set(key, text instanceof Sensitive ? new Sensitive(value) : value);
  }
  form.setAll('env', variables);
  const labels = new Map<string, Text>(Object.entries(image?.Labels ?? {}));
  for (const { label, value } of spec.labels) labels.set(label, value);
  form.setAll('label', labels);
}

function isPair(value: readonly string[]): value is readonly [string, string] {
  return value.length === 2;
}

function healthcheck({ spec, image }: DeclaredContainer, form: FormBuilder): void {
  const check = spec.healthcheck;
  const brought = image?.Healthcheck;
  const test = check?.tests ? told(check.tests) : words(brought?.Test);
  form.set('healthcheck.test', test);
  if (test === undefined || revealed(test) === 'NONE') return;
  const times = [
    ['interval', check?.interval, brought?.Interval],
    ['timeout', check?.timeout, brought?.Timeout],
    ['start period', check?.startPeriod, brought?.StartPeriod],
    ['start interval', check?.startInterval, brought?.StartInterval],
  ] as const;
  for (const [name, text, nanoseconds = 0] of times)
    form.set(`healthcheck.${name}`, milliseconds((text === undefined ? 0 : durationMs(text)) || nanoseconds / 1e6));
  form.set('healthcheck.retries', check?.retries || brought?.Retries || undefined);
}

/** A time as both forms tell it. */
export function milliseconds(ms: number): string | undefined {
  return ms === 0 ? undefined : ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

function network({ spec, nameOf }: DeclaredContainer, form: FormBuilder): void {
  const mode = namespace(spec.networkMode, nameOf);
  if (mode !== undefined && !['default', 'bridge'].includes(mode)) form.set('network mode', mode);
  if (mode === undefined) {
    for (const { name, aliases = [], ipv4Address, ipv6Address } of spec.networksAdvanced ?? []) {
      // The engine calls a container by its host name as well, whether or not anybody asks for it.
      const asked = [...aliases].filter((alias) => alias !== spec.hostname);
      form.set(`network.${name}`, attachment(asked, ipv4Address, ipv6Address));
    }
  }
  if (mode === 'bridge' || mode === 'default') form.set('network.bridge', 'attached');
  if (mode === 'host' || mode === 'none') form.set(`network.${mode}`, 'attached');
  const ports = new Map<string, { ip: string; port: string }[]>();
  for (const { internal, external, ip = '', protocol = 'tcp' } of spec.ports ?? []) {
    const key = `${internal}/${protocol}`;
    ports.set(key, [...(ports.get(key) ?? []), { ip, port: external === undefined ? '' : String(external) }]);
  }
  for (const [key, bindings] of ports) form.set(`port.${key}`, addresses(bindings));
  form.set('hosts', unordered(spec.hosts?.map(({ host, ip }) => `${host}:${ip}`)));
  form.set('dns', spec.dns?.join(', '));
  form.set('dns options', spec.dnsOpts?.join(', '));
  form.set('dns search', spec.dnsSearches?.join(', '));
}

/** How a container is in a network. */
export function attachment(aliases: readonly string[], ipv4?: string, ipv6?: string): string {
  const names = aliases.length === 0 ? 'no other name' : `as ${unordered([...new Set(aliases)])}`;
  return [names, ...(ipv4 ? [ipv4] : []), ...(ipv6 ? [ipv6] : [])].join(', ');
}

function namespace(mode: string | ContainerOf | undefined, nameOf: (service: string) => string): string | undefined {
  return mode === undefined || typeof mode === 'string' ? mode : `${mode.prefix}${nameOf(mode.service)}`;
}

function mounts({ spec, mountsOf }: DeclaredContainer, form: FormBuilder): void {
  for (const { fromContainer } of spec.volumes ?? []) {
    if (fromContainer === undefined) continue;
    const [from, mode] = fromContainer.split(':');
    for (const [path, text] of mountsOf(from!))
      form.set(path, mode === 'ro' ? revealed(text).replace(/ rw\b/, ' ro') : text);
  }
  for (const { type, source = '', target, readOnly, bindOptions, tmpfsOptions } of spec.mounts ?? []) {
    if (type === 'tmpfs') form.set(`tmpfs.${target}`, temporary(tmpfsOptions?.sizeBytes, tmpfsOptions?.mode, readOnly));
    else form.set(`mount.${target}`, mount(type, source, readOnly !== true, bindOptions?.propagation));
  }
  for (const { hostPath, volumeName, containerPath, readOnly } of spec.volumes ?? []) {
    if (containerPath === undefined) continue;
    const type = hostPath === undefined ? 'volume' : 'bind';
    form.set(`mount.${containerPath}`, mount(type, hostPath ?? volumeName ?? '', readOnly !== true));
  }
  for (const [path, options] of Object.entries(spec.tmpfs ?? {})) form.set(`tmpfs.${path}`, tmpfs(options));
}

/** What is mounted at a path. */
export function mount(type: string, source: string, writable: boolean, propagation?: string): string {
  const odd = propagation !== undefined && !['', 'rprivate'].includes(propagation) ? ` ${propagation}` : '';
  return `${type} ${type === 'bind' ? source.replace(/(.)\/+$/, '$1') : source} ${writable ? 'rw' : 'ro'}${odd}`;
}

/** A mount in memory. */
export function temporary(bytes = 0, mode = 0, readOnly = false): string {
  const options = [
    ...(bytes ? [`size=${bytes}`] : []),
    ...(mode ? [`mode=${mode.toString(8)}`] : []),
    ...(readOnly ? ['ro'] : []),
  ];
  return `in memory ${options.join(',')}`.trimEnd();
}

/** The same as `--tmpfs` gives it. */
export function tmpfs(options: string): string {
  return `in memory (${options
    .split(',')
    .filter((it) => it !== '')
    .sort()
    .join(',')})`;
}

function security({ spec, nameOf }: DeclaredContainer, form: FormBuilder): void {
  form.set('capabilities added', capabilities(spec.capabilities?.adds));
  form.set('capabilities dropped', capabilities(spec.capabilities?.drops));
  form.set('privileged', spec.privileged ? 'yes' : undefined);
  form.set('read-only root', spec.readOnly ? 'yes' : undefined);
  form.set('groups', unordered(spec.groupAdds));
  form.set('user namespace', spec.usernsMode);
  form.set('process namespace', namespace(spec.pidMode, nameOf));
  const ipc = namespace(spec.ipcMode, nameOf);
  form.set('ipc namespace', ipc === 'private' || ipc === 'shareable' ? undefined : ipc);
  form.set('cgroup namespace', spec.cgroupnsMode);
  form.set('cgroup parent', spec.cgroupParent);
  const shares = spec.privileged === true || spec.pidMode === 'host' || spec.ipcMode === 'host';
  form.set('security options', securityOptions(spec.securityOpts, shares));
  for (const { hostPath, containerPath = hostPath, permissions = 'rwm' } of spec.devices ?? []) {
    form.set(`device.${containerPath}`, `${hostPath} ${permissions}`);
  }
  form.set('device rules', unordered(spec.deviceCgroupRules));
  if (spec.deviceRequests?.length) {
    form.set(
      'device requests',
      canonical(
        spec.deviceRequests.map(({ driver = '', count = 0, deviceIds = [], capabilities: can = [] }) => ({
          driver,
          count,
          deviceIds,
          can,
        })),
      ),
    );
  }
}

function limits({ spec, limits: live, defaults }: DeclaredContainer, form: FormBuilder): void {
  const memory = live.Memory ?? (spec.memory === undefined ? undefined : spec.memory * mebibyte);
  const swap = live.MemorySwap ?? (live.Memory !== undefined ? live.Memory * 2 : mebibytes(spec.memorySwap));
  form.set('limit.memory', memory ? size(memory) : undefined);
  form.set('limit.memory and swap', swap ? size(swap) : undefined);
  const reserved = live.MemoryReservation ?? mebibytes(spec.memoryReservation);
  form.set('limit.reserved memory', reserved ? size(reserved) : undefined);
  form.set(
    'limit.shared memory',
    spec.shmSize === undefined || spec.shmSize === 64 ? undefined : size(spec.shmSize * mebibyte),
  );
  form.set('limit.cpus', spec.cpus === undefined ? undefined : String(Math.round(Number(spec.cpus) * 1e9) / 1e9));
  form.set('limit.cpu shares', spec.cpuShares || undefined);
  form.set('limit.cpu set', spec.cpuSet);
  form.set('limit.cpu period', spec.cpuPeriod || undefined);
  form.set('limit.cpu quota', spec.cpuQuota || undefined);
  form.set('limit.processes', live.PidsLimit);
  form.set('limit.block weight', live.BlkioWeight || undefined);
  for (const [name, key] of rates) {
    for (const { path, rate } of spec[key] ?? []) form.set(`limit.${name} ${path}`, rate);
  }
  for (const { name, soft, hard } of spec.ulimits ?? []) form.set(`ulimit.${name}`, `${soft}:${hard}`);
  form.setAll('sysctl', Object.entries(spec.sysctls ?? {}));
  form.set('log driver', spec.logDriver === defaults.logDriver ? undefined : spec.logDriver);
  form.setAll('log option', Object.entries(spec.logOpts ?? {}));
  form.setAll('storage option', Object.entries(spec.storageOpts ?? {}));
}

function mebibytes(count: number | undefined): number | undefined {
  return count === undefined || count < 0 ? count : count * mebibyte;
}

const rates = [
  ['read bytes', 'deviceReadBps'],
  ['write bytes', 'deviceWriteBps'],
  ['reads', 'deviceReadIops'],
  ['writes', 'deviceWriteIops'],
] as const;
