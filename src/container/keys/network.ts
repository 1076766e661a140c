import type { ComposePort, ComposeServiceNetwork } from '../../compose/model';
import type { KeyMapping, MappingContext } from '../mapping';
import type { ContainerOf, ContainerSpec } from '../spec';

/** `service:x` means the namespace of that service's first container; anything else is the engine's own word. */
export function namespaceOf(value: string, prefix = 'container:'): string | ContainerOf {
  return value.startsWith('service:') ? { service: value.slice('service:'.length), prefix } : value;
}

function setPorts(ports: readonly ComposePort[], spec: ContainerSpec, context: MappingContext): void {
  const mapped = ports.flatMap((port) => {
    if (port.published !== undefined && !/^\d*$/.test(port.published)) {
      context.refuse(
        'ports',
        `publishes container port ${port.target} on one of ${port.published}`,
        'Name one host port, or none to let Docker choose.',
      );
      return [];
    }
    return [
      {
        internal: port.target,
        ...(port.published && { external: Number(port.published) }),
        ip: port.host_ip ?? '0.0.0.0',
        protocol: port.protocol ?? 'tcp',
      },
    ];
  });
  // The engine reads ports back sorted by container port.
  mapped.sort((a, b) => a.internal - b.internal || (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0));
  if (mapped.length > 0) spec.ports = mapped;
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
    note: 'a range of host ports for one container port is refused; published on IPv4 unless host_ip says otherwise',
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
    apply: (value: string, spec) => void (spec.networkMode = namespaceOf(value)),
  },
  { key: 'mac_address', support: 'carried', to: 'networksAdvanced.macAddress of the main network' },
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
