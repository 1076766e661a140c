import { copyFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import { keepImages } from '../docker/kept-images';
import { refusal } from '../docker/refusal';
import type { Finding } from '../drift/finding';
import { messageOf, RewindError } from '../errors';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { FileStore } from '../store/files';
import type { Drift } from './find-drift';

/** Full name of the container that a finding is about; undefined if it is about none. */
export function containerOf({ project }: Pick<ReleaseRecord, 'project'>, id: string): string | undefined {
  const short = /^container\/([^/]+)\//.exec(id)?.[1];
  return short === undefined ? undefined : /-\d+$/.test(short) ? `${project}-${short}` : short;
}

/**
 * Starts containers that have stopped, and sets strangers aside.
 *
 * @returns names of those that do not start: they have to be made anew
 * @throws RewindError docker/failed
 */
export async function mendContainers(
  docker: Docker,
  record: ReleaseRecord,
  stack: string,
  findings: readonly Finding[],
  onStep: (text: string) => void,
): Promise<ReadonlySet<string>> {
  const stuck = new Set<string>();
  const replaced = replacedContainers(record, findings);
  for (const { id, fix, live = '' } of findings) {
    const name = containerOf(record, id);
    if (name === undefined) continue;
    const container = docker.getContainer(name);
    if (id.endsWith('/identity')) {
      if (await setAside(container, name, stack)) onStep(`${name}: set aside`);
    } else if (fix === 'restart' && !replaced.has(name)) {
      try {
        if (live === 'paused') {
          await container.unpause();
          await noLongerIll(container);
        } else if (id.endsWith('/health') || live.startsWith('restarting')) await container.restart();
        else await container.start();
        onStep(`${name}: started`);
      } catch (error) {
        onStep(`${name}: does not start, and is made anew (${messageOf(error)})`);
        stuck.add(name);
      }
    }
  }
  return stuck;
}

/** For so long a container that was paused may be called ill for the checks that it has missed. */
const illMs = 60_000;

async function noLongerIll(container: Docker.Container): Promise<void> {
  for (const end = Date.now() + illMs; Date.now() < end;) {
    const { State: state } = await container.inspect();
    if (state.Health?.Status !== 'unhealthy') return;
    await sleep(200);
  }
}

/** Containers that are made anew for what was found of them. */
export function replacedContainers(record: ReleaseRecord, findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(findings.flatMap(({ id, fix }) => (fix === 'replace' ? (containerOf(record, id) ?? []) : [])));
}

/** Renames and stops a container of somebody else. @returns false for one of our own, which the update takes away */
async function setAside(container: Docker.Container, name: string, stack: string): Promise<boolean> {
  try {
    const { Config: config } = await container.inspect();
    if (config.Labels[stackLabel] === stack) return false;
    await container.rename({ name: `${name}-aside-${Date.now()}` });
    await container.stop().catch(() => undefined); // it may be stopped already
    return true;
  } catch (error) {
    throw refusal(`The engine does not put ${name} right`, `Look at it: docker inspect ${name}.`, error);
  }
}

/**
 * Networks that are set otherwise make way: the update makes them, and the containers in them, anew.
 *
 * @throws RewindError docker/failed
 */
export async function mendNetworks(
  docker: Docker,
  { project }: ReleaseRecord,
  findings: readonly Finding[],
): Promise<void> {
  const wanted = new Set(
    findings.filter(({ id, fix }) => id.startsWith('network/') && fix === 'replace').map(({ id }) => id.split('/')[1]!),
  );
  for (const { Id: id, Name: name } of await docker.listNetworks()) {
    if (!wanted.has(name) && !wanted.has(name.replace(`${project}_`, ''))) continue;
    if (!name.startsWith(`${project}_`) && !wanted.has(name)) continue;
    const network = docker.getNetwork(id);
    const { Containers: containers = {} } = (await network.inspect()) as { Containers?: Record<string, unknown> };
    for (const container of Object.keys(containers)) await network.disconnect({ Container: container, Force: true });
    await network.remove().catch((error: unknown) => {
      throw refusal(
        `The engine does not remove the network ${name}`,
        `Take its containers off it: docker network inspect ${name}.`,
        error,
      );
    });
  }
}

/** Gives images of the release their names back: that by which they are kept, and tags. */
export async function mendImages(
  docker: Docker,
  { services }: ReleaseRecord,
  stack: string,
  findings: readonly Finding[],
): Promise<void> {
  for (const { id } of findings) {
    const [, service, what] = /^image\/([^/]+)\/(kept|tag)$/.exec(id) ?? [];
    const released = service === undefined ? undefined : services[service];
    if (!released) continue;
    if (what === 'kept') await keepImages(docker, stack, new Set([released.imageId]));
    else {
      const at = released.image.lastIndexOf(':');
      const [repo, tag] =
        at > released.image.lastIndexOf('/')
          ? [released.image.slice(0, at), released.image.slice(at + 1)]
          : [released.image, 'latest'];
      await docker.getImage(released.imageId).tag({ repo, tag });
    }
  }
}

/**
 * Copies in the store come back from the originals, in place: what mounts them sees it at once.
 *
 * @throws RewindError release/unreadable if an original is another one by now
 */
export async function mendFiles(
  root: string,
  findings: readonly Finding[],
  drift: Drift,
  record: ReleaseRecord,
): Promise<void> {
  const store = new FileStore(root);
  for (const { id, what } of findings) {
    const path = /^file\/([^]+)\/kept$/.exec(id)?.[1];
    const found = path === undefined ? undefined : drift.files.find((it) => it.path === path);
    if (!found) continue;
    const now = await store.locate(found.source, { secret: found.secret }).catch(() => undefined);
    if (now?.hash !== found.hash) {
      throw new RewindError({
        code: 'release/unreadable',
        message: `The ${what} cannot be brought back: ${found.source} is another one by now.`,
        fix: `Bring back the file as ${releaseName(record.number)} had it, or deploy it as it is: rewind deploy.`,
      });
    }
    const kept = await store.find(found.source, found.hash, found);
    if (kept) await copyFile(found.source, kept.pristine ?? kept.path);
    else await store.keep(now);
  }
}
