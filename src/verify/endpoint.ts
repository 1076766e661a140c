import type Docker from 'dockerode';

import { ProbeFailed } from './probe';

/** A port of a container, as it can be reached from here. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A TCP port that a container publishes. */
export interface PublishedPort extends Endpoint {
  /** In the container. */
  readonly target: number;
}

/** The TCP ports that a container publishes, as they can be reached from here; each once, by its port in the container. */
export function publishedPorts(info: Docker.ContainerInspectInfo, engineHost = '127.0.0.1'): PublishedPort[] {
  const ports = Object.entries((info.NetworkSettings.Ports as Ports | undefined) ?? {});
  return ports
    .flatMap(([key, bindings]): PublishedPort[] => {
      const [target = '', protocol] = key.split('/');
      const binding = bindings?.[0];
      if (protocol !== 'tcp' || !binding) return [];
      return [{ target: Number(target), host: hostOf(binding.HostIp, engineHost), port: Number(binding.HostPort) }];
    })
    .sort((a, b) => a.target - b.target);
}

type Ports = Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;

/** What is published on every address is reached by loopback. */
function hostOf(address: string, engineHost: string): string {
  if (address === '' || address === '0.0.0.0') return engineHost;
  return address === '::' ? '[::1]' : address.includes(':') ? `[${address}]` : address;
}

/**
 * Where a port of a container is reached: as it is published, or else at the container's own address, which works where
 * the engine is on this machine.
 *
 * @param port - in the container. @default the only one that it publishes
 * @throws ProbeFailed
 */
export function endpointOf(info: Docker.ContainerInspectInfo, service: string, port?: number): Endpoint {
  const published = publishedPorts(info);
  const found = port === undefined ? published[0] : published.find(({ target }) => target === port);
  if (found && (port !== undefined || published.length === 1)) return found;
  if (port === undefined) {
    const which = published.length === 0 ? 'publishes no port' : `publishes ${published.length} ports`;
    throw new ProbeFailed(`${service} ${which}: name the one to ask (port).`, { mayPass: false });
  }
  const networks = Object.values(info.NetworkSettings.Networks);
  const address = networks.map(({ IPAddress: ip }) => ip).find((ip) => ip !== '');
  if (address === undefined) throw new ProbeFailed(`${service} does not run in a network.`);
  return { host: address, port };
}
