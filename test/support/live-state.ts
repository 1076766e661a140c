import { isDeepStrictEqual } from 'node:util';

import { engine, execIn, type Inspection, inspectContainers, inspectNetworks } from './docker';
import { differences } from './inspection';

/** What there is of a compose project on the engine. */
export interface LiveState {
  readonly containers: Readonly<Record<string, Inspection>>;
  /** By network: what it was asked to be. */
  readonly networks: Readonly<Record<string, object>>;
  /** By `container:path`: mode, owner and content of what a container has mounted and cannot write to. */
  readonly mounted: Readonly<Record<string, string>>;
}

/** Everything that a user of the stack can tell one release from another by. */
export async function liveState(project: string): Promise<LiveState> {
  const containers = await inspectContainers(project);
  const mounted = await Promise.all(
    Object.entries(containers).flatMap(([name, { Mounts: mounts }]) =>
      mounts
        .filter(({ Type: type, RW: writable }) => type === 'bind' && !writable)
        .map(async ({ Destination: path }) => [`${name}:${path}`, await readIn(name, path)] as const),
    ),
  );
  const networks = Object.values(await inspectNetworks(project)).map(
    // Not the subnet: unless the compose file names one, which the label with its hash tells, Docker chooses it.
    ({ Name: name, Driver: driver, Internal: internal, Labels: labels, Options: options }) =>
      [name, { driver, internal, labels, options }] as const,
  );
  return { containers, networks: Object.fromEntries(networks), mounted: Object.fromEntries(mounted) };
}

/** In what a project is not as it was: none of it is to be, after a revert. */
export function changesSince(then: LiveState, now: LiveState): unknown[] {
  const images = Object.keys(then.containers).filter(
    (name) => then.containers[name]!.Image !== now.containers[name]?.Image,
  );
  const others = (['mounted', 'networks'] as const).flatMap((what) =>
    [...new Set([...Object.keys(then[what]), ...Object.keys(now[what])])]
      .filter((name) => !isDeepStrictEqual(then[what][name], now[what][name]))
      .map((name) => ({ [what]: name, then: then[what][name], now: now[what][name] })),
  );
  return [...differences(then.containers, now.containers), ...images.map((image) => ({ image })), ...others];
}

/** IDs of the containers and when they were started: what tells whether anything was touched. */
export async function lifeSigns(project: string): Promise<Record<string, string>> {
  const containers = Object.entries(await inspectContainers(project));
  return Object.fromEntries(
    containers.map(([name, { Id, State }]) => [name, `${Id} ${State.Status} ${State.StartedAt}`]),
  );
}

/** The image IDs of a project's containers, by name. */
export async function liveImages(project: string): Promise<Record<string, string>> {
  const containers = Object.entries(await inspectContainers(project));
  return Object.fromEntries(containers.map(([name, { Image }]) => [name, Image]));
}

/** The environment of a container, by variable. */
export async function liveEnvironment(container: string): Promise<Record<string, string>> {
  const { Config } = await (await engine()).getContainer(container).inspect();
  return Object.fromEntries(
    Config.Env.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
}

function readIn(container: string, path: string): Promise<string> {
  return execIn(container, 'sh', '-c', `stat -c '%a %u:%g %F' ${path}; [ -d ${path} ] && ls ${path} || cat ${path}`);
}
