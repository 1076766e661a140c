import type { Inspection } from './docker';

/** A field of an inspection, by its path (`HostConfig.Memory`), that two containers have differently. */
export interface Difference {
  readonly container: string;
  readonly path: string;
  readonly compose: unknown;
  readonly rewind: unknown;
}

/** What every start of a container makes anew: it says nothing about what the container was asked to be. */
const incidental = [
  'Id',
  'Created',
  'State',
  'Image',
  'ResolvConfPath',
  'HostnamePath',
  'HostsPath',
  'LogPath',
  'RestartCount',
  'ExecIDs',
  'GraphDriver',
  'NetworkSettings.SandboxID',
  'NetworkSettings.SandboxKey',
];
const incidentalOfNetworks = ['NetworkID', 'EndpointID', 'Gateway', 'IPAddress', 'IPPrefixLen', 'MacAddress'];
const unorderedLists =
  /^Config\.Env$|^HostConfig\.(Devices|ExtraHosts|GroupAdd|SecurityOpt|Ulimits)$|\.(Aliases|Links)$|^NetworkSettings\.Ports\./;

/**
 * The differences between the containers that docker compose made of a project and those that Rewind made of it, field
 * by field. Lists whose order the engine does not keep are compared as sets, mounts by their target.
 */
export function differences(
  compose: Readonly<Record<string, Inspection>>,
  rewind: Readonly<Record<string, Inspection>>,
): Difference[] {
  const theirs = fieldsOfAll(compose);
  const ours = fieldsOfAll(rewind);
  return [...new Set([...theirs.keys(), ...ours.keys()])].sort().flatMap((container) => {
    const [a, b] = [theirs.get(container), ours.get(container)];
    if (!a || !b) return [{ container, path: '(container)', compose: Boolean(a), rewind: Boolean(b) }];
    return [...new Set([...a.keys(), ...b.keys()])]
      .sort()
      .filter((path) => JSON.stringify(a.get(path)) !== JSON.stringify(b.get(path)))
      .map((path) => ({ container, path, compose: a.get(path), rewind: b.get(path) }));
  });
}

type Fields = ReadonlyMap<string, unknown>;

function fieldsOfAll(containers: Readonly<Record<string, Inspection>>): Map<string, Fields> {
  const names = new Map(Object.entries(containers).flatMap(([name, { Id }]) => idsOf(Id, name)));
  return new Map(Object.entries(containers).map(([name, info]) => [name, fieldsOf(info, names)]));
}

/** A container's ID, in full and short, with the name that stands for it in what is compared. */
function idsOf(id: string, name: string): [string, string][] {
  return [
    [id, `(ID of ${name})`],
    [id.slice(0, 12), `(ID of ${name})`],
  ];
}

function fieldsOf(info: Inspection, names: ReadonlyMap<string, string>): Fields {
  const copy = JSON.parse(JSON.stringify(info)) as Shape;
  const asked = copy['HostConfig'] as Shape;
  copy['Mounts'] = byKey(copy['Mounts'] as Shape[], 'Destination');
  asked['Mounts'] = byKey((asked['Mounts'] ?? []) as Shape[], 'Target');
  asked['DeviceRequests'] = ((asked['DeviceRequests'] ?? []) as Shape[]).map(requestOf);
  nameChosenPorts(copy);
  const fields = new Map<string, unknown>();
  flatten(copy, '', fields, names);
  return fields;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the API's JSON, taken apart field by field
type Shape = Record<string, any>;

function byKey(list: readonly Shape[], key: string): Shape {
  return Object.fromEntries(list.map(({ [key]: name, ...rest }) => [String(name), rest]));
}

/** A request for devices: its lists have no order, and an empty one is none. */
function requestOf({ Capabilities, DeviceIDs, Options, ...rest }: Shape): Shape {
  return {
    ...rest,
    Capabilities: (Capabilities as string[][]).map((all) => all.sort()),
    DeviceIDs: ((DeviceIDs ?? []) as string[]).sort(),
    Options: (Options ?? {}) as Shape,
  };
}

/** Ports that Docker chose itself are other ones each time. */
function nameChosenPorts({ HostConfig: { PortBindings: asked }, NetworkSettings: { Ports: given } }: Shape): void {
  for (const [port, bindings] of Object.entries((asked ?? {}) as Record<string, Shape[]>)) {
    if (bindings.some(({ HostPort }) => HostPort !== '' && HostPort !== '0')) continue;
    for (const binding of (given as Record<string, Shape[] | null>)[port] ?? []) binding['HostPort'] = '(chosen)';
  }
}

function flatten(value: unknown, path: string, fields: Map<string, unknown>, names: ReadonlyMap<string, string>): void {
  if (isIncidental(path)) return;
  if (Array.isArray(value)) {
    const items = value.map((item) => named(ordered(item), names));
    fields.set(path, unorderedLists.test(path) ? items.sort(byText) : items);
  } else if (value !== null && typeof value === 'object' && Object.keys(value).length > 0) {
    for (const [key, inner] of Object.entries(value))
      flatten(inner, path === '' ? key : `${path}.${key}`, fields, names);
  } else {
    fields.set(path, named(value, names));
  }
}

function isIncidental(path: string): boolean {
  if (incidental.some((prefix) => path === prefix || path.startsWith(`${prefix}.`))) return true;
  return path.startsWith('NetworkSettings.') && incidentalOfNetworks.some((name) => path.endsWith(`.${name}`));
}

function ordered(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Text with the ID of a container put as the container that it means, e.g. `container:<ID>`. */
function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'string') return value;
  const [id] = /[0-9a-f]{64}|^[0-9a-f]{12}$/.exec(value) ?? [];
  const name = id === undefined ? undefined : names.get(id);
  return name === undefined ? value : value.replace(id!, name);
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
