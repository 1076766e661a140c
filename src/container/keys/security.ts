import { readFileSync } from 'node:fs';

import { messageOf } from '../../errors';
import type { KeyMapping, MappingContext } from '../mapping';
import type { ContainerSpec } from '../spec';
import { namespaceOf } from './network';

function setSecurityOptions(options: readonly string[], spec: ContainerSpec, context: MappingContext): void {
  spec.securityOpts = options.map((option) => {
    if (option.startsWith('systempaths')) context.readBackDiffers.add('securityOpts');
    const profile = /^seccomp[=:](.+)$/.exec(option)?.[1];
    if (profile === undefined || profile === 'unconfined' || profile === 'builtin') return option;
    try {
      return `seccomp=${JSON.stringify(JSON.parse(readFileSync(profile, 'utf8')))}`;
    } catch (error) {
      context.refuse(
        'security_opt',
        `names the seccomp profile ${profile}, which cannot be read: ${messageOf(error)}`,
        'Correct the path (counted from the working directory), or give an absolute one.',
      );
      return option;
    }
  });
}

/** A capability as the engine reads it back. */
function capability(name: string): string {
  const upper = name.toUpperCase();
  return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
}

interface Device {
  readonly source: string;
  readonly target?: string;
  readonly permissions?: string;
}

function setDevices(devices: readonly Device[], spec: ContainerSpec): void {
  spec.devices = devices.map((device) => ({
    hostPath: device.source,
    containerPath: device.target ?? device.source,
    permissions: device.permissions ?? 'rwm',
  }));
}

/** A device request of `gpus` or of deploy.resources.reservations.devices. */
export interface DeviceRequest {
  readonly driver?: string;
  readonly count?: number | 'all';
  readonly device_ids?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
}

/** Adds requests for devices such as GPUs. */
export function addDeviceRequests(requests: readonly DeviceRequest[], spec: ContainerSpec, gpu: boolean): void {
  const mapped = requests.map((request) => ({
    driver: request.driver ?? '',
    count: request.device_ids ? 0 : request.count === 'all' || request.count === undefined ? -1 : request.count,
    ...(request.device_ids && { deviceIds: [...request.device_ids] }),
    capabilities: [...(request.capabilities ?? []), ...(gpu ? ['gpu'] : [])],
    ...(request.options && { options: { ...request.options } }),
  }));
  spec.deviceRequests = [...(spec.deviceRequests ?? []), ...mapped];
}

/** Keys about what a container may do and which namespaces it shares. */
export const securityKeys: readonly KeyMapping[] = [
  {
    key: 'cap_add',
    support: 'carried',
    to: 'capabilities.adds',
    apply: (value: string[], spec) => void (spec.capabilities = { ...spec.capabilities, adds: value.map(capability) }),
  },
  {
    key: 'cap_drop',
    support: 'carried',
    to: 'capabilities.drops',
    apply: (value: string[], spec) => void (spec.capabilities = { ...spec.capabilities, drops: value.map(capability) }),
  },
  {
    key: 'security_opt',
    support: 'carried',
    to: 'securityOpts',
    note: 'a seccomp profile is read from its file',
    apply: setSecurityOptions,
  },
  {
    key: 'read_only',
    support: 'carried',
    to: 'readOnly',
    apply: (value: boolean, spec) => void (spec.readOnly = value),
  },
  {
    key: 'privileged',
    support: 'carried',
    to: 'privileged',
    apply(value: boolean, spec, context) {
      spec.privileged = value;
      // The engine adds label=disable by itself.
      if (value) context.readBackDiffers.add('securityOpts');
    },
  },
  {
    key: 'group_add',
    support: 'carried',
    to: 'groupAdds',
    apply: (v: string[], spec) => void (spec.groupAdds = v.map(String)),
  },
  { key: 'userns_mode', support: 'carried', to: 'usernsMode', apply: (v: string, spec) => void (spec.usernsMode = v) },
  {
    key: 'pid',
    support: 'carried',
    to: 'pidMode',
    apply: (value: string, spec, context) => {
      const mode = namespaceOf('pid', value, context);
      if (mode !== undefined) spec.pidMode = mode;
    },
  },
  {
    key: 'ipc',
    support: 'carried',
    to: 'ipcMode',
    apply: (value: string, spec, context) => {
      const mode = namespaceOf('ipc', value, context);
      if (mode !== undefined) spec.ipcMode = mode;
    },
  },
  { key: 'cgroup', support: 'carried', to: 'cgroupnsMode', apply: (v: string, spec) => void (spec.cgroupnsMode = v) },
  {
    key: 'cgroup_parent',
    support: 'carried',
    to: 'cgroupParent',
    apply: (v: string, spec) => void (spec.cgroupParent = v),
  },
  { key: 'devices', support: 'carried', to: 'devices', apply: setDevices },
  {
    key: 'device_cgroup_rules',
    support: 'carried',
    to: 'deviceCgroupRules',
    apply: (value: string[], spec) => void (spec.deviceCgroupRules = [...value]),
  },
  {
    key: 'gpus',
    support: 'carried',
    to: 'deviceRequests',
    apply: (value: DeviceRequest[], spec) => {
      addDeviceRequests(value, spec, true);
    },
  },
  ...(['uts', 'isolation', 'credential_spec', 'use_api_socket'] as const).map((key): KeyMapping => ({
    key,
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse(key, 'has no counterpart in the Docker provider', 'Remove it from the service.');
    },
  })),
];
