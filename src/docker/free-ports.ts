import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import { refusal } from './refusal';
import { nameOf } from './inventory';

/** Whether two host addresses take the same port from each other. */
export function overlaps(a: string, b: string): boolean {
  const any = (ip: string): boolean => ip === '0.0.0.0' || ip === '::' || ip === '';
  return any(a) || any(b) || a === b;
}

/** A port of this machine that a container publishes; without `external` the engine chooses one. */
export interface Published {
  readonly external?: number;
  /** @default 0.0.0.0 */
  readonly ip?: string;
  /** @default tcp */
  readonly protocol?: string;
}

/** The ports of this machine that a container publishes when it runs. */
export function publishedBy({ HostConfig: { PortBindings: bindings } }: Docker.ContainerInspectInfo): Published[] {
  return Object.entries((bindings ?? {}) as Readonly<Record<string, Docker.PortBinding[] | null>>).flatMap(
    ([port, hosts]) =>
      (hosts ?? []).map(({ HostIp: ip, HostPort: external }) => ({
        external: Number(external),
        ip: ip === '' ? '0.0.0.0' : ip,
        protocol: port.split('/')[1] ?? 'tcp',
      })),
  );
}

/**
 * Stops the containers of the same stack that hold a port which a new container is about to publish. Two services of
 * a plan never publish the same port, so such a container is one that this update replaces or removes: when a port
 * moves from one service to another, or a service gets another name, Pulumi makes the new container first.
 *
 * @param ports - what the new container publishes
 * @throws RewindError docker/failed
 */
export async function freePorts(docker: Docker, ports: readonly Published[] | undefined, stack: string): Promise<void> {
  const wanted = (ports ?? []).filter(({ external }) => external !== undefined);
  if (wanted.length === 0) return;
  const running = await docker.listContainers({ filters: { label: [`${stackLabel}=${stack}`] } });
  const holders = running.filter((container) =>
    container.Ports.some((port) =>
      wanted.some(
        ({ external, ip = '0.0.0.0', protocol = 'tcp' }) =>
          port.PublicPort === external && port.Type === protocol && overlaps(port.IP, ip),
      ),
    ),
  );
  await Promise.all(
    holders.map((container) =>
      docker
        .getContainer(container.Id)
        .stop()
        .catch((error: unknown) => {
          // It has ended by itself (304) or is gone (404): the port is free either way.
          if ([304, 404].includes((error as { statusCode?: number }).statusCode ?? 0)) return;
          throw refusal(
            `The engine cannot stop the container ${nameOf(container)}, which holds a port that moves to another service`,
            `Stop it by hand (docker stop ${nameOf(container)}), then run this again.`,
            error,
          );
        }),
    ),
  );
}
