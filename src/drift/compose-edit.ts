import { createTwoFilesPatch, applyPatch, structuredPatch } from 'diff';
import { type Document, isMap, isScalar, isSeq, parseDocument } from 'yaml';

import { mebibyte } from '../compose/units';
import type { Inspected } from './live-form';

/** A key of a service as it would have to stand in a compose file. */
export interface ComposeEdit {
  /** Below the service: `['labels', 'team']`. */
  readonly at: readonly string[];
  /** Undefined: it goes. */
  readonly value: unknown;
}

type Writer = (info: Inspected) => unknown;

/** By property of a container as findings name it, the key of a service and its value. */
const keys: Readonly<Record<string, readonly [string, Writer]>> = {
  command: ['command', ({ Config: config }) => listOf(config.Cmd)],
  entrypoint: ['entrypoint', ({ Config: config }) => listOf([config.Entrypoint ?? []].flat())],
  user: ['user', ({ Config: config }) => config.User || undefined],
  'working-directory': ['working_dir', ({ Config: config }) => config.WorkingDir || undefined],
  'host-name': ['hostname', ({ Config: config }) => config.Hostname || undefined],
  terminal: ['tty', ({ Config: config }) => config.Tty || undefined],
  'standard-input': ['stdin_open', ({ Config: config }) => config.OpenStdin || undefined],
  'stop-signal': ['stop_signal', ({ Config: config }) => (config as { StopSignal?: string }).StopSignal],
  init: ['init', ({ HostConfig: host }) => host.Init || undefined],
  privileged: ['privileged', ({ HostConfig: host }) => host.Privileged || undefined],
  'read-only-root': ['read_only', ({ HostConfig: host }) => host.ReadonlyRootfs || undefined],
  'capabilities-added': ['cap_add', ({ HostConfig: host }) => capabilitiesOf(host.CapAdd)],
  'capabilities-dropped': ['cap_drop', ({ HostConfig: host }) => capabilitiesOf(host.CapDrop)],
  'restart-policy': ['restart', restartOf],
  'limit.memory': ['mem_limit', ({ HostConfig: host }) => bytesOf(host.Memory)],
  'limit.memory-and-swap': ['memswap_limit', ({ HostConfig: host }) => bytesOf(host.MemorySwap)],
  'limit.reserved-memory': ['mem_reservation', ({ HostConfig: host }) => bytesOf(host.MemoryReservation)],
  'limit.cpus': ['cpus', ({ HostConfig: host }) => (host.NanoCpus ? host.NanoCpus / 1e9 : undefined)],
  'limit.cpu-shares': ['cpu_shares', ({ HostConfig: host }) => host.CpuShares || undefined],
  'limit.cpu-set': ['cpuset', ({ HostConfig: host }) => host.CpusetCpus || undefined],
  'limit.processes': ['pids_limit', ({ HostConfig: host }) => host.PidsLimit || undefined],
};

/** What a finding about a container is in a compose file; undefined for what Rewind does not write there. */
export function composeEdit(property: string, info: Inspected): ComposeEdit | undefined {
  const [key, write] = keys[property] ?? [];
  if (key !== undefined) return { at: [key], value: write!(info) };
  const label = /^label\.([^]+)$/.exec(property)?.[1];
  if (label !== undefined) {
    const labels = info.Config.Labels as Record<string, string> | null;
    return { at: ['labels', label], value: labels?.[label] };
  }
  // A variable that was added or changed goes into the stack configuration, which cannot take one away.
  const variable = /^env\.([^]+)$/.exec(property)?.[1];
  if (variable !== undefined) return { at: ['environment', variable], value: undefined };
  return property.startsWith('port.') ? { at: ['ports'], value: portsOf(info) } : undefined;
}

function listOf(words: readonly string[] | null | undefined): readonly string[] | undefined {
  return words && words.length > 0 ? words : undefined;
}

function capabilitiesOf(names: unknown): readonly string[] | undefined {
  return listOf((names as string[] | null)?.map((name) => name.replace(/^CAP_/, '')));
}

function restartOf({ HostConfig: { RestartPolicy: policy } }: Inspected): string | undefined {
  const { Name: name = '', MaximumRetryCount: count = 0 } = policy ?? {};
  if (name === '' || name === 'no') return undefined;
  return name === 'on-failure' && count > 0 ? `${name}:${count}` : name;
}

function bytesOf(bytes: number | undefined): string | number | undefined {
  if (!bytes) return undefined;
  return bytes > 0 && bytes % mebibyte === 0 ? `${bytes / mebibyte}m` : bytes;
}

function portsOf({ HostConfig: { PortBindings: bindings } }: Inspected): readonly string[] | undefined {
  const all = (bindings ?? {}) as Record<string, { HostIp?: string; HostPort?: string }[] | null>;
  return listOf(
    Object.entries(all).flatMap(([port, places]) =>
      (places ?? []).map(({ HostIp: ip = '', HostPort: host = '' }) => {
        const address = ip === '' || ip === '0.0.0.0' ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:`;
        return `${address}${host}${address === '' && host === '' ? '' : ':'}${port.replace(/\/tcp$/, '')}`;
      }),
    ),
  );
}

/** Limits that may stand below `deploy` as well. */
const deployed: Readonly<Record<string, string>> = { mem_limit: 'memory', cpus: 'cpus', pids_limit: 'pids' };

/**
 * A compose file with other values of a service, and everything else as it is written.
 *
 * @returns undefined if it does not have the service
 */
export function editedCompose(text: string, service: string, edits: readonly ComposeEdit[]): string | undefined {
  const document = parseDocument(text);
  if (!document.hasIn(['services', service])) return undefined;
  const before = written(document, text);
  for (const edit of edits) apply(document, ['services', service], edit);
  const after = written(document, text);
  // What the library lays out otherwise than its author is no part of the change.
  const changed = applyPatch(text, structuredPatch('', '', before, after), { fuzzFactor: 2 });
  return changed === false ? after : changed;
}

function written(document: Document, text: string): string {
  const isPadded = !/: [{[][^\s}\]]/.test(text);
  return document.toString({ lineWidth: 0, flowCollectionPadding: isPadded });
}

function apply(document: Document, service: readonly string[], { at, value }: ComposeEdit): void {
  const [key, name] = at;
  const limit = ['deploy', 'resources', 'limits', deployed[key!] ?? ''];
  const path = [...service, ...(document.hasIn([...service, ...limit]) ? limit : at)];
  const list = name === undefined ? undefined : document.getIn([...service, key!]);
  if (name !== undefined && isSeq(list)) {
    const isIt = (item: unknown): boolean => isScalar(item) && String(item.value).split('=', 1)[0] === name;
    const place = list.items.findIndex(isIt);
    const line = value === undefined ? [] : [document.createNode(`${name}=${textOf(value)}`)];
    if (place < 0) list.items.push(...line);
    else list.items.splice(place, 1, ...line);
  } else if (value === undefined) {
    document.deleteIn(path);
    const parent = document.getIn(path.slice(0, -1));
    if (isMap(parent) && parent.items.length === 0) document.deleteIn(path.slice(0, -1));
  } else document.setIn(path, document.createNode(value));
}

/** A change of a file, as `git apply` and `patch -p1` take it. */
export function patchOf(path: string, before: string, after: string): string {
  return createTwoFilesPatch(`a/${path}`, `b/${path}`, before, after, undefined, undefined, { context: 3 });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
