import type { ComposePort, ComposeServiceNetwork } from '../../compose/model';
import { replicasOf } from '../../compose/order';
import { apiAtLeast, type KeyMapping, type MappingContext } from '../mapping';
import type { ContainerOf, ContainerSpec } from '../spec';

/** `service:x` means the namespace of that service's first container; anything else is the engine's own word. */
export function namespaceOf(key: string, value: string, context: MappingContext): string | ContainerOf | undefined {
  if (!value.startsWith('service:')) return value;
  const service = value.slice('service:'.length);
  const definition = context.model.services[service];
  if (definition !== undefined && replicasOf(definition) > 0) return { service, prefix: 'container:' };
  context.refuse(key, `is that of service ${service}, which has no container`, `Scale ${service} to 1 or more.`);
  return undefined;
}

type Port = NonNullable<ContainerSpec['ports']>[number];

function setPorts(ports: readonly ComposePort[], spec: ContainerSpec, context: MappingContext): void {
  const mapped = ports.flatMap((port): Port[] => {
    if (port.published !== undefined && !/^\d*$/.test(port.published)) {
      context.refuse(
        'ports',
        `publishes container port ${port.target} on one of ${port.published}`,
        'Name one host port, or none to let Docker choose.',
      );
      return [];
    }
    return addressesOf(port, context).map((ip) => ({
      internal: port.target,
      ...(port.published && { external: Number(port.published) }),
      ip,
      protocol: port.protocol ?? 'tcp',
    }));
  });
  // The engine reads ports back sorted by container port.
  mapped.sort(
    (a, b) => a.internal - b.internal || (a.protocol! < b.protocol! ? -1 : a.protocol! > b.protocol! ? 1 : 0),
  );
  if (mapped.length === 0) return;
  spec.ports = mapped;
  // It shuffles those of one container port, be it by protocol or by address.
  if (mapped.some((port, index) => port.internal === mapped[index - 1]?.internal)) context.readBackDiffers.add('ports');
}

/** The addresses on which a port is published: without one in the file, all of them, each named for the provider. */
function addressesOf(port: ComposePort, { engine }: MappingContext): string[] {
  if (port.host_ip) return [port.host_ip];
  return engine.ipv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'];
}

/** A service's networks as compose orders them: by priority, then by name. The first is the container's main one. */
export function orderedNetworks(
  networks: Readonly<Record<string, ComposeServiceNetwork | null>>,
): [string, ComposeServiceNetwork][] {
  return Object.entries(networks)
    .map(([key, value]): [string, ComposeServiceNetwork] => [key, value ?? {}])
    .sort(([a, x], [b, y]) => (y.priority ?? 0) - (x.priority ?? 0) || (a < b ? -1 : 1));
}

function setNetworks(
  networks: Readonly<Record<string, ComposeServiceNetwork | null>>,
  spec: ContainerSpec,
  context: MappingContext,
): void {
  const ordered = orderedNetworks(networks);
  const mac = context.definition['mac_address'] as string | undefined;
  spec.networksAdvanced = ordered.map(([key, network], index) => {
    if (network.interface_name !== undefined) {
      context.refuse(`networks.${key}.interface_name`, 'has no counterpart in the Docker provider', 'Remove it.');
    }
    const macAddress = network.mac_address ?? (index === 0 ? mac : undefined);
    if (macAddress !== undefined && !apiAtLeast(context.engine, '1.44')) {
      context.refuse(
        network.mac_address === undefined ? 'mac_address' : `networks.${key}.mac_address`,
        `needs Docker Engine 25 or newer, as the provider sets it per network; this one has API ${context.engine.apiVersion}`,
        'Remove it, or use a newer engine.',
      );
    }
    return {
      name: context.model.networks[key]?.name ?? key,
      aliases: [...new Set([context.containerName, context.service, ...(network.aliases ?? [])])],
      ...(network.ipv4_address !== undefined && { ipv4Address: network.ipv4_address }),
      ...(network.ipv6_address !== undefined && { ipv6Address: network.ipv6_address }),
      ...(network.link_local_ips && { linkLocalIps: [...network.link_local_ips] }),
      ...(macAddress !== undefined && { macAddress }),
      ...(network.driver_opts && {
        driverOpts: Object.entries(network.driver_opts).map(([option, value]) => `${option}=${value}`),
      }),
      ...(network.gw_priority !== undefined && { gwPriority: network.gw_priority }),
    };
  });
  // The mode stays the engine's default bridge, which the provider leaves again: an engine that made the container in
  // the main network by its mode would drop the aliases given when the provider connects it to the same network.
}

function setExtraHosts(hosts: readonly string[], spec: ContainerSpec, context: MappingContext): void {
  spec.hosts = hosts.map((entry) => {
    const at = entry.search(/[=:]/);
    const ip = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
    // The provider reads back only the part of an IPv6 address before its first colon.
    if (ip.includes(':')) context.readBackDiffers.add('hosts');
    return { host: entry.slice(0, at), ip };
  });
}

function refuseLinkAliases(links: readonly string[], _spec: ContainerSpec, context: MappingContext): void {
  for (const link of links) {
    const [service, alias] = link.split(':');
    if (alias !== undefined && alias !== service) {
      context.refuse(
        'links',
        `gives ${service} the name ${alias}`,
        `Give ${service} that alias under its networks (services.${service}.networks.<network>.aliases).`,
      );
    }
  }
}

/** Keys about networks and names. */
export const networkKeys: readonly KeyMapping[] = [
  {
    key: 'ports',
    support: 'partly',
    to: 'ports',
    note: 'a range of host ports for one container port is refused; without host_ip, published on IPv4 and, where the engine is local and its machine has IPv6, on IPv6',
    apply: setPorts,
  },
  {
    key: 'expose',
    support: 'harmless',
    to: '-',
    note: 'containers of one network reach every port of each other; the provider exposes published ports only',
  },
  { key: 'networks', support: 'carried', to: 'networksAdvanced', apply: setNetworks },
  {
    key: 'network_mode',
    support: 'carried',
    to: 'networkMode',
    apply: (value: string, spec, context) => {
      const mode = namespaceOf('network_mode', value, context);
      if (mode !== undefined) spec.networkMode = mode;
    },
  },
  {
    key: 'mac_address',
    support: 'carried',
    to: 'networksAdvanced.macAddress of the main network',
    note: 'needs Docker Engine 25 or newer, here and under networks',
  },
  {
    key: 'links',
    support: 'partly',
    to: 'the service name on the shared network',
    note: 'a link with another name is refused',
    apply: refuseLinkAliases,
  },
  {
    key: 'external_links',
    support: 'refused',
    to: '-',
    apply: (_value, _spec, context) => {
      context.refuse('external_links', 'has no counterpart in the Docker provider', 'Use an external network.');
    },
  },
  { key: 'extra_hosts', support: 'carried', to: 'hosts', apply: setExtraHosts },
  { key: 'dns', support: 'carried', to: 'dns', apply: (value: string[], spec) => void (spec.dns = [...value]) },
  {
    key: 'dns_opt',
    support: 'carried',
    to: 'dnsOpts',
    apply: (value: string[], spec) => void (spec.dnsOpts = [...value]),
  },
  {
    key: 'dns_search',
    support: 'carried',
    to: 'dnsSearches',
    apply: (value: string[], spec) => void (spec.dnsSearches = [...value]),
  },
];
