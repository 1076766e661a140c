import type Docker from 'dockerode';

import { connect } from '../../src/docker/engine';

/** What `docker inspect` shows of a container: plain JSON, as the engine gives it. */
export type Inspection = Docker.ContainerInspectInfo;

const projectLabel = 'com.docker.compose.project';

let connection: Promise<Docker> | undefined;

/** The engine under test. */
export function engine(): Promise<Docker> {
  return (connection ??= connect().then(({ docker }) => docker));
}

function ofProject(project: string): { filters: { label: string[] } } {
  return { filters: { label: [`${projectLabel}=${project}`] } };
}

/** `docker inspect` of every container of a compose project, by container name. */
export async function inspectContainers(project: string): Promise<Record<string, Inspection>> {
  const docker = await engine();
  const list = await docker.listContainers({ all: true, ...ofProject(project) });
  const infos = await Promise.all(list.map(({ Id }) => docker.getContainer(Id).inspect()));
  return Object.fromEntries(
    infos.map((info) => [info.Name.slice(1), info] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** `docker network inspect` of every network of a compose project, by name. */
export async function inspectNetworks(project: string): Promise<Record<string, Docker.NetworkInspectInfo>> {
  const docker = await engine();
  const list = await docker.listNetworks(ofProject(project));
  return Object.fromEntries(
    list.map((network) => [network.Name, network] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** `docker volume inspect` of every volume of a compose project, by name. */
export async function inspectVolumes(project: string): Promise<Record<string, Docker.VolumeInspectInfo>> {
  const docker = await engine();
  const { Volumes } = await docker.listVolumes({ filters: JSON.stringify({ label: [`${projectLabel}=${project}`] }) });
  return Object.fromEntries(Volumes.map((volume) => [volume.Name, volume]));
}

/** One container of a project, by its name. */
export async function inspectContainer(name: string): Promise<Inspection> {
  return (await engine()).getContainer(name).inspect();
}

/** IDs of a project's containers, by name: what tells whether a container was replaced. */
export async function containerIds(project: string): Promise<Record<string, string>> {
  return Object.fromEntries(Object.entries(await inspectContainers(project)).map(([name, { Id }]) => [name, Id]));
}

/** Runs a command in a container and gives what it prints. */
export async function execIn(container: string, ...command: string[]): Promise<string> {
  const exec = await (
    await engine()
  )
    .getContainer(container)
    .exec({ Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true });
  const stream = await exec.start({ hijack: true, stdin: false, Tty: true });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8').replaceAll('\r\n', '\n').trimEnd();
}

/** Restarts every running container of a project; those that live in another one's network after that one. */
export async function restartContainers(project: string): Promise<void> {
  const docker = await engine();
  const running = Object.values(await inspectContainers(project)).filter(({ State }) => State.Running);
  const isGuest = ({ HostConfig: { NetworkMode, IpcMode, PidMode } }: Inspection): boolean =>
    [NetworkMode, IpcMode, PidMode].some((mode) => mode?.startsWith('container:'));
  const restart = ({ Id }: Inspection): Promise<unknown> => docker.getContainer(Id).restart();
  await Promise.all(running.filter((container) => !isGuest(container)).map(restart));
  await Promise.all(running.filter(isGuest).map(restart));
}

/** Older engines can lose count of who is in a network, which they then do not remove until they are started again. */
function unlessLeaked(error: Error): void {
  if (!error.message.includes('has active endpoints')) throw error;
}

/** Removes everything of a compose project: containers, networks and, as this is a test, volumes too. */
export async function removeProject(project: string): Promise<void> {
  const docker = await engine();
  const containers = await docker.listContainers({ all: true, ...ofProject(project) });
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  const networks = await docker.listNetworks(ofProject(project));
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove().catch(unlessLeaked)));
  for (const name of Object.keys(await inspectVolumes(project))) await docker.getVolume(name).remove();
}

/** Names under which the images of a stack's releases are kept, sorted. */
export async function keptImages(project: string, stack = 'dev'): Promise<string[]> {
  const repository = `rewind.invalid/${project}/${stack}`;
  const images = await (await engine()).listImages({ filters: JSON.stringify({ reference: [`${repository}:*`] }) });
  const names = images.flatMap(({ RepoTags: tags }) => tags ?? []);
  return names.filter((name) => name.startsWith(`${repository}:`)).sort();
}

/** Lets go of the images that the releases of a stack keep. */
export async function removeKeptImages(project: string, stack: string): Promise<void> {
  const docker = await engine();
  for (const name of await keptImages(project, stack)) await docker.getImage(name).remove();
}

/** Asks until the answer is there, every 100 ms; fails after `timeoutMs` (10 s). */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false>,
  what: string,
  timeoutMs = 10_000,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; Date.now() < end;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come about within ${timeoutMs} ms`);
}
