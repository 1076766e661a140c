import { existsSync } from 'node:fs';
import { createServer } from 'node:net';

import type Docker from 'dockerode';

import type { ComposeProject } from '../compose/load';
import { locate, locatePath } from '../compose/locate';
import { portVariable } from '../compose/port-variable';
import { stackLabel } from '../container/labels';
import type { ContainerSpec, ServicePlan } from '../container/spec';
import type { Problem } from '../errors';
import { overlaps } from './free-ports';
import { type Inventory, nameOf } from './inventory';

/**
 * What stands in the way of a plan on this engine, found before anything changes.
 *
 * @param kept - files by their source that are mounted from the store, whether or not the source is there
 */
export async function preflight(
  project: ComposeProject,
  plans: readonly ServicePlan[],
  inventory: Inventory,
  stack: string,
  local: boolean,
  kept: ReadonlyMap<string, unknown> = new Map(),
): Promise<Problem[]> {
  return [
    ...foreignContainers(plans, inventory, stack),
    ...missingExternals(project, inventory),
    ...(local ? missingSources(project, kept) : []),
    ...(await takenPorts(project, plans, inventory, stack, local)),
  ];
}

function isOurs(container: Docker.ContainerInfo, stack: string): boolean {
  return container.Labels[stackLabel] === stack;
}

function foreignContainers(plans: readonly ServicePlan[], inventory: Inventory, stack: string): Problem[] {
  const planned = new Set(plans.flatMap((plan) => plan.containers.map((container) => container.name)));
  return inventory.containers
    .filter((container) => planned.has(nameOf(container)) && !isOurs(container, stack))
    .map((container) => {
      const owner = container.Labels[stackLabel];
      const project = container.Labels['com.docker.compose.project'];
      const by = owner ? `the stack ${owner}` : project ? `docker compose (project ${project})` : 'hand';
      return {
        code: 'docker/foreign-container' as const,
        message: `A container named ${nameOf(container)} is there already; it was made by ${by}, not by this stack.`,
        fix:
          project && !owner
            ? `Hand the project over: docker compose -p ${project} down (volumes are kept, never add -v), then run this again.`
            : `Rename it (docker rename ${nameOf(container)} ${nameOf(container)}-old) and stop it, then run this again.`,
      };
    });
}

function missingExternals({ model, files }: ComposeProject, inventory: Inventory): Problem[] {
  const networks = new Set(inventory.networks.map((network) => network.Name));
  const volumes = new Set(inventory.volumes.map((volume) => volume.Name));
  const missing = (kind: 'network' | 'volume', key: string, name: string): Problem => ({
    code: 'docker/missing-external',
    message: `${locatePath(files, [`${kind}s`, key])}: the external ${kind} ${name} does not exist.`,
    fix: `Create it: docker ${kind} create ${name}.`,
  });
  return [
    ...Object.entries(model.networks).flatMap(([key, network]) =>
      network?.external && !networks.has(network.name) ? [missing('network', key, network.name)] : [],
    ),
    ...Object.entries(model.volumes).flatMap(([key, volume]) =>
      volume?.external && !volumes.has(volume.name) ? [missing('volume', key, volume.name)] : [],
    ),
  ];
}

/** Files and folders that are to be mounted, are not there, and are not to be made by the engine either. */
function missingSources({ model, files }: ComposeProject, kept: ReadonlyMap<string, unknown>): Problem[] {
  return Object.entries(model.services).flatMap(([service, { volumes = [] }]) =>
    volumes.flatMap(({ type, source, target, bind }): Problem[] => {
      const isRequired = type === 'bind' && source !== undefined && bind?.create_host_path === false;
      if (!isRequired || kept.has(source) || existsSync(source)) return [];
      return [
        {
          code: 'compose/missing-file',
          message: `${locate(files, service, 'volumes')}: service ${service} mounts ${source} on ${target}, and there is no such file.`,
          fix: 'Put it there, or correct its path. With bind.create_host_path: true a missing folder is made.',
        },
      ];
    }),
  );
}

interface WantedPort {
  readonly service: string;
  readonly ip: string;
  readonly port: number;
  /** The port in the container. */
  readonly target: number;
  readonly protocol: string;
}

async function takenPorts(
  project: ComposeProject,
  plans: readonly ServicePlan[],
  inventory: Inventory,
  stack: string,
  local: boolean,
): Promise<Problem[]> {
  const wanted: WantedPort[] = plans.flatMap((plan) =>
    plan.containers.flatMap((container) =>
      (container.ports ?? []).flatMap(({ external, internal, ip = '0.0.0.0', protocol = 'tcp' }, index, ports) =>
        external === undefined || isTwin(ports[index - 1], ports[index]!)
          ? []
          : [{ service: plan.service, ip, port: external, target: internal, protocol }],
      ),
    ),
  );
  const problems: Problem[] = [];
  const published = inventory.containers
    .filter((container) => container.State === 'running')
    .flatMap((container) => container.Ports.map((port) => ({ container, port })));

  // One after the other: two services that want the same port would take each other for another program.
  for (const want of wanted) {
    const holders = published.filter(
      ({ port }) => port.PublicPort === want.port && port.Type === want.protocol && overlaps(port.IP, want.ip),
    );
    if (holders.some(({ container }) => isOurs(container, stack))) continue;
    const holder = holders[0] && nameOf(holders[0].container);
    if (holder === undefined && !(local && want.protocol === 'tcp' && (await isTaken(want)))) continue;
    problems.push({
      code: 'docker/port-taken',
      message: `${locate(project.files, want.service, 'ports')}: service ${want.service} publishes ${want.ip}:${want.port}/${want.protocol}, which ${holder === undefined ? 'another program' : `the container ${holder}`} already uses.`,
      fix: `Stop ${holder === undefined ? 'that' : `it (docker stop ${holder})`}, or ${await moveHint(project, want)}.`,
    });
  }
  for (const [index, want] of wanted.entries()) {
    const twin = wanted
      .slice(0, index)
      .find((w) => w.port === want.port && w.protocol === want.protocol && overlaps(w.ip, want.ip));
    if (!twin) continue;
    problems.push({
      code: 'docker/port-taken',
      message: `${locate(project.files, want.service, 'ports')}: services ${twin.service} and ${want.service} both publish ${want.port}/${want.protocol}${twin.service === want.service ? ' (one container each)' : ''}.`,
      fix: 'Publish one of them on another port, or let Docker choose (leave the host port out).',
    });
  }
  return problems.sort((a, b) => (a.message < b.message ? -1 : 1));
}

type Port = NonNullable<ContainerSpec['ports']>[number];

/** Whether a port is published on IPv6 as the one before it is on IPv4: who takes the one takes the other. */
function isTwin(before: Port | undefined, port: Port): boolean {
  return port.ip === '::' && before?.ip === '0.0.0.0' && before.external === port.external;
}

/** Whether something listens: binding the port is the only way to know that sees every program. */
function isTaken({ ip, port }: WantedPort): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE');
    });
    server.listen({ port, host: ip, exclusive: true }, () =>
      server.close(() => {
        resolve(false);
      }),
    );
  });
}

/** Names the variable of the compose file that moves a port, if the file uses one. */
async function moveHint(project: ComposeProject, want: WantedPort): Promise<string> {
  const variable = await portVariable(project, want.service, want.target);
  return variable === undefined
    ? `publish another port (services.${want.service}.ports)`
    : `move it with the variable ${variable} (in .env or the environment), e.g. ${variable}=${want.port + 1}`;
}
