import { copyFile } from 'node:fs/promises';

import { connect } from '../docker/engine';
import { keepImages } from '../docker/kept-images';
import { refusal } from '../docker/refusal';
import { type Finding, isMeant } from '../drift/finding';
import { RewindError } from '../errors';
import { configOfRelease } from '../releases/next-config';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { FileStore } from '../store/files';
import { readState, type StateResource } from '../automation/checkpoint';
import type { Drift } from './find-drift';
import type { OperateOptions } from './operate';
import type { StackContext } from './stack-context';

/** What is to be done about a finding. */
export interface Mend {
  readonly finding: Finding;
  /** In words: `start the container`. */
  readonly does: string;
}

/**
 * What putting findings right would do. What is only information is left, unless it is named.
 *
 * @param named - findings as `--fix` names them. @default all that differ
 */
export function planFix(
  { findings }: Drift,
  named: readonly string[],
): { readonly mends: Mend[]; readonly left: Finding[] } {
  const wanted = findings.filter((it) =>
    named.length === 0 ? it.severity !== 'information' : named.some((text) => isMeant(it, text)),
  );
  const mends = wanted.flatMap((finding) => {
    const does = mendOf(finding);
    return does === undefined ? [] : [{ finding, does }];
  });
  return { mends, left: wanted.filter((finding) => !mends.some((it) => it.finding === finding)) };
}

function mendOf({ id, fix, live = '' }: Finding): string | undefined {
  if (id.endsWith('/tag')) return 'give the tag back to the image of the release';
  if (id.endsWith('/kept') && id.startsWith('image/')) return 'keep the image again';
  if (/^volume\/.*\/identity$/.test(id)) return 'take the volume as it is';
  if (fix === 'restart') return live === 'paused' ? 'let the container go on' : 'start the container again';
  if (id.startsWith('network/') && fix === 'replace') return 'make the network anew, and with it the containers in it';
  if (id.endsWith('/identity')) return 'set that container aside, renamed and stopped, and make the one of the release';
  if (fix === 'replace') return 'make the container anew';
  if (fix === 'update') return 'update it';
  return undefined;
}

/** The part of an operation that a fix decides. */
export type FixChange = Pick<OperateOptions, 'kind' | 'what' | 'reason' | 'next' | 'secretsOf'>;

/**
 * Prepares the engine for putting findings right: what it is blind to is done here, and its state is brought to what is
 * there, so that the update that follows sees the rest.
 *
 * @returns that update: the same release once more
 * @throws RewindError docker/…, pulumi/failed, store/unusable
 */
export async function prepareFix(
  context: StackContext,
  drift: Drift,
  mends: readonly Mend[],
  root: string,
): Promise<FixChange> {
  const record = await context.releases.read(drift.release);
  const ids = mends.map(({ finding }) => finding);
  await mendContainers(record, context.name, ids);
  await mendNetworks(record, ids);
  await mendImages(record, context.name, ids);
  await mendFiles(root, ids, drift, record);
  const refreshed = await context.engine.refresh();
  if (!refreshed.ok) {
    throw new RewindError({
      code: 'pulumi/failed',
      message: `Pulumi cannot look at what there is:\n${refreshed.why}`,
      fix: 'Mend what it names, then run this again.',
    });
  }
  await taintReplaced(context, record, ids);
  // Where the configuration or the files have gone on, the release is what is put right, as in a revert.
  const isAhead = drift.findings.some(
    ({ id }) =>
      /^(config|compose)\//.test(id) || (/^file\/.*[^/]$/.test(id) && !id.endsWith('/kept')) || id.endsWith('/tag'),
  );
  const what = `put right what differs from ${releaseName(record.number)}`;
  return {
    kind: 'revert',
    what,
    reason: { kind: 'revert', message: what, revertOf: record.number },
    next: (today) => Promise.resolve(isAhead ? configOfRelease(record, today) : today),
    ...(isAhead && { secretsOf: record }),
  };
}

/** Full name of the container that a finding is about; undefined if it is about none. */
function containerOf({ project }: ReleaseRecord, id: string): string | undefined {
  const short = /^container\/([^/]+)\//.exec(id)?.[1];
  return short === undefined ? undefined : /-\d+$/.test(short) ? `${project}-${short}` : short;
}

async function mendContainers(record: ReleaseRecord, stack: string, findings: readonly Finding[]): Promise<void> {
  const { docker } = await connect();
  for (const { id, fix, live = '' } of findings) {
    const name = containerOf(record, id);
    if (name === undefined) continue;
    const container = docker.getContainer(name);
    try {
      if (id.endsWith('/identity')) {
        const { Config: config } = await container.inspect();
        // One of our own is taken away by the update.
        if (config.Labels['dev.rewind.stack'] === stack) continue;
        await container.rename({ name: `${name}-aside-${Date.now()}` });
        await container.stop().catch(() => undefined); // it may be stopped already
      } else if (fix === 'restart') {
        if (live === 'paused') await container.unpause();
        else if (id.endsWith('/health') || live.startsWith('restarting')) await container.restart();
        else await container.start();
      }
    } catch (error) {
      throw refusal(`The engine does not put ${name} right`, `Look at it: docker inspect ${name}.`, error);
    }
  }
}

/** Networks that are set otherwise make way: the update makes them, and the containers in them, anew. */
async function mendNetworks({ project }: ReleaseRecord, findings: readonly Finding[]): Promise<void> {
  const { docker } = await connect();
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

async function mendImages({ services }: ReleaseRecord, stack: string, findings: readonly Finding[]): Promise<void> {
  const { docker } = await connect();
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

/** Copies in the store come back from the originals, in place: what mounts them sees it at once. */
async function mendFiles(
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

/** Containers of which the engine would not see that they differ. */
async function taintReplaced(
  context: StackContext,
  record: ReleaseRecord,
  findings: readonly Finding[],
): Promise<void> {
  const names = new Set(findings.flatMap(({ id, fix }) => (fix === 'replace' ? (containerOf(record, id) ?? []) : [])));
  if (names.size === 0) return;
  const [project] = context.name.split('/');
  const { resources } = await readState({ directory: context.directory, project: project!, stack: context.stack });
  const isOne = ({ type, name }: StateResource): boolean =>
    type === 'docker:index/container:Container' && names.has(name);
  await context.engine.taint(resources.filter(isOne).map(({ urn }) => urn));
}
