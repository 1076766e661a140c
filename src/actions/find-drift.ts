import { relative } from 'node:path';

import type { KnownFile } from '../container/config-files';
import { changedFileFindings } from '../drift/changed-files';
import { containerFindings, strangeContainers } from '../drift/containers';
import { fileFindings, uploadFindings } from '../drift/files';
import { type DriftSource, type Finding, isMeant, sorted } from '../drift/finding';
import { type Ignored, withRules } from '../drift/ignore';
import { imageFindings, registryFindings } from '../drift/images';
import { networkFindings, strangeNetworks } from '../drift/networks';
import { stateFindings } from '../drift/pulumi';
import { strangeVolumes, volumeFindings } from '../drift/volumes';
import { FileStore } from '../store/files';
import { composeFindings, configFindings } from './config-drift';
import { maskedSql } from './database-drift';
import { earlierVolumes, openScene, type OpenedScene } from './open-scene';
import { storeFolder } from './prepare-stack';
import { settingsOf } from './release-side';
import type { StackContext } from './stack-context';
import { whoHolds } from './stack-lock';

/** What a look at a stack has found. */
export interface Drift {
  /** `project/stack`. */
  readonly stack: string;
  /** The release that is held against. */
  readonly release: number;
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  /** True if nothing is broken or changed; there may be information. */
  readonly ok: boolean;
  /** Whether somebody is at work on the stack: what that is about is no finding. */
  readonly isUnderWay: boolean;
  readonly findings: readonly Finding[];
  readonly ignored: readonly Ignored[];
  /** Configuration files of the release. */
  readonly files: readonly ReleasedFile[];
  /** What is worth knowing of the look itself: a rule that has ended, an operation under way. */
  readonly notes: readonly string[];
}

/** A configuration file that a release ran with. */
export interface ReleasedFile extends Pick<KnownFile, 'hash' | 'permissions' | 'secret'> {
  /** Relative to the compose project, as findings name it. */
  readonly path: string;
  /** Absolute path. */
  readonly source: string;
}

/** How a stack is looked at. */
export interface FindDriftOptions {
  readonly context: StackContext;
  /** Only these findings, see {@link isMeant}. @default all */
  readonly only?: readonly string[];
  /** Whether registries are asked for tags that have moved. @default false */
  readonly registry?: boolean;
  /** Whether only what the engine lists is looked at, which takes no other process: {@link engineKinds}. @default false */
  readonly engineOnly?: boolean;
  /** Is told how long parts of it took, in milliseconds. @default nobody */
  readonly onTime?: (what: string, ms: number) => void;
}

/** What a look at the engine alone finds: the beginnings of the IDs. */
export const engineKinds = ['container', 'image', 'network', 'volume', 'unmanaged'] as const;

/** A stack that is being changed all the time is told of as it was seen last. */
const mostLooks = 3;

/**
 * Finds every difference between the newest release and what is there. Changes nothing, takes no lock, and asks Pulumi
 * only where its state or its secrets cannot be read without it.
 *
 * @throws RewindError release/…, docker/unreachable
 */
export async function findDrift(options: FindDriftOptions): Promise<Drift> {
  for (let looks = 1; ; looks++) {
    const before = await workOn(options.context);
    const drift = await look(options);
    // Of an operation that begins or ends meanwhile a half would be seen: the stack is looked at once more.
    if (looks === mostLooks || before === (await workOn(options.context))) return drift;
  }
}

/** What says that somebody has begun, or brought to its end, an operation on the stack. */
async function workOn(context: StackContext): Promise<string> {
  const numbers = await context.releases.numbers();
  return `${numbers.at(-1) ?? 0} ${whoHolds(context) ?? ''}`;
}

async function look(options: FindDriftOptions): Promise<Drift> {
  const { context, only = [], engineOnly = false } = options;
  const started = new Date();
  const opened = await openScene({ ...options, isWhole: !engineOnly });
  const { scene } = opened;
  const found = (await Promise.all(sourcesOf(opened, options).map((source) => timed(options, source)))).flat();
  const wanted = only.length === 0 ? found : found.filter((it) => only.some((text) => isMeant(it, text)));
  const rules = settingsOf(scene.today).drift;
  const { findings, ignored, ended } = withRules(wanted, rules, started);
  return {
    stack: context.name,
    release: scene.record.number,
    at: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    ok: findings.every(({ severity }) => severity === 'information'),
    isUnderWay: scene.isUnderWay,
    findings: sorted(findings),
    ignored: ignored.sort((a, b) => (a.id < b.id ? -1 : 1)),
    files: Object.entries(scene.files).map(([source, { hash, permissions, secret }]) => ({
      path: relative(scene.source.directory, source),
      source,
      hash,
      secret,
      ...(permissions !== undefined && { permissions }),
    })),
    notes: [
      ...(scene.isUnderWay ? ['An operation on the stack is under way: what it is about is no finding.'] : []),
      ...(scene.state
        ? []
        : ['The state of the stack could not be read: what was replaced by hand may look the same.']),
      ...ended.map(({ what, until }) => `The rule for ${what} has ended (${until}).`),
    ],
  };
}

function sourcesOf(
  { scene, composeFiles, configSecrets, database, opened }: OpenedScene,
  { context, registry = false, engineOnly = false }: FindDriftOptions,
): DriftSource[] {
  const store = new FileStore(storeFolder(scene.settings.store, context.directory));
  const listed = [
    of('container', () => [...containerFindings(scene), ...strangeContainers(scene)]),
    of('image', () => imageFindings(scene)),
    of('network', () => [...networkFindings(scene), ...strangeNetworks(scene)]),
    of('volume', () => volumeFindings(scene)),
    of('volume', () => strangeVolumes(scene, () => earlierVolumes(opened))),
  ];
  if (engineOnly) return listed;
  return [
    ...listed,
    of('container', () => changedFileFindings(scene)),
    of('container', () => uploadFindings(scene)),
    ...(registry ? [of('image', () => registryFindings(scene))] : []),
    of('file', () => (scene.facts.local ? fileFindings(scene, store) : [])),
    of('pulumi', () => stateFindings(scene)),
    of('database', async () => (scene.isUnderWay ? [] : (await database).map((it) => maskedSql(it, scene.secrets)))),
    of('compose', async () => {
      const now = await composeFiles;
      return now ? composeFindings(scene, now) : [];
    }),
    of('config', async () => configFindings(scene, await configSecrets)),
  ];
}

function of(name: string, find: () => readonly Finding[] | Promise<readonly Finding[]>): DriftSource {
  return { name, find: async () => find() };
}

async function timed({ onTime }: FindDriftOptions, source: DriftSource): Promise<readonly Finding[]> {
  const started = performance.now();
  const findings = await source.find();
  onTime?.(source.name, performance.now() - started);
  return findings;
}
