import { relative } from 'node:path';

import { readState } from '../automation/checkpoint';
import { passphraseOpener } from '../automation/passphrase';
import { composeLabel, stackLabel } from '../container/labels';
import type { ImageFacts } from '../container/mapping';
import { containerNames, planProject } from '../container/plan';
import { connect, type Engine } from '../docker/engine';
import { imageFacts } from '../docker/images';
import { type Inventory, nameOf, takeInventory } from '../docker/inventory';
import { refusal } from '../docker/refusal';
import { changedFileFindings } from '../drift/changed-files';
import { containerFindings, strangeContainers } from '../drift/containers';
import type { EngineDefaults } from '../drift/engine-defaults';
import { EngineEvents } from '../drift/events';
import { fileFindings, uploadFindings } from '../drift/files';
import { type DriftSource, type Finding, isMeant, sorted } from '../drift/finding';
import { type Ignored, withRules } from '../drift/ignore';
import type { ImageConfig } from '../drift/image-config';
import { imageFindings, registryFindings } from '../drift/images';
import type { Inspected } from '../drift/live-form';
import { networkFindings, strangeNetworks } from '../drift/networks';
import { stateFindings } from '../drift/pulumi';
import type { Scene } from '../drift/scene';
import { strangeVolumes, volumeFindings } from '../drift/volumes';
import { RewindError } from '../errors';
import { replicasOf } from '../compose/order';
import { findConfigFiles, type KnownFile } from '../container/config-files';
import type { ReleaseRecord } from '../releases/record';
import { openRelease } from '../releases/release-store';
import type { SealedRelease } from '../releases/sealed';
import { StackConfig } from '../releases/stack-config';
import { FileStore } from '../store/files';
import { secretsIn } from '../verify/secrets';
import { composeFindings, configFindings, readComposeFiles } from './config-drift';
import { storeFolder } from './prepare-stack';
import { comparedOf, settingsOf } from './release-side';
import { releaseKey, type StackContext } from './stack-context';
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
  /** What else looks, e.g. at the database. @default nobody */
  readonly others?: (scene: Scene) => readonly DriftSource[];
  /** Is told how long parts of it took, in milliseconds. @default nobody */
  readonly onTime?: (what: string, ms: number) => void;
}

/**
 * Finds every difference between the newest release and what is there. Changes nothing, takes no lock, and asks Pulumi
 * only where its state or its secrets cannot be read without it.
 *
 * @throws RewindError release/…, docker/unreachable
 */
export async function findDrift(options: FindDriftOptions): Promise<Drift> {
  const { context, only = [], registry = false, others = () => [] } = options;
  const started = new Date();
  const { scene, composeFiles, configSecrets, opened } = await openScene(options);
  const { settings } = scene;
  const store = new FileStore(storeFolder(settings.store, context.directory));
  const sources: readonly DriftSource[] = [
    of('container', () => [...containerFindings(scene), ...strangeContainers(scene)]),
    of('container', () => changedFileFindings(scene)),
    of('container', () => uploadFindings(scene)),
    of('image', () => imageFindings(scene)),
    ...(registry ? [of('image', () => registryFindings(scene))] : []),
    of('network', () => [...networkFindings(scene), ...strangeNetworks(scene)]),
    of('volume', () => volumeFindings(scene)),
    of('volume', () => strangeVolumes(scene, () => earlierVolumes(opened))),
    of('file', () => (scene.facts.local ? fileFindings(scene, store) : [])),
    of('pulumi', () => stateFindings(scene)),
    of('compose', async () => composeFindings(scene, await composeFiles)),
    of('config', async () => configFindings(scene, await configSecrets)),
    ...others(scene),
  ];
  const found = (await Promise.all(sources.map((source) => timed(options, source)))).flat();
  const wanted = only.length === 0 ? found : found.filter((it) => only.some((text) => isMeant(it, text)));
  const rules = settingsOf(scene.today).drift;
  const { findings, ignored, ended } = withRules(wanted, rules, started);
  return {
    stack: context.name,
    release: scene.record.number,
    at: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    ok: findings.every(({ severity }) => severity === 'information'),
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

function of(name: string, find: () => readonly Finding[] | Promise<readonly Finding[]>): DriftSource {
  return { name, find: async () => find() };
}

async function timed({ onTime }: FindDriftOptions, source: DriftSource): Promise<readonly Finding[]> {
  const started = performance.now();
  const findings = await source.find();
  onTime?.(source.name, performance.now() - started);
  return findings;
}

interface Opened {
  readonly context: StackContext;
  readonly key: string | undefined;
  readonly record: ReleaseRecord;
}

interface OpenedScene {
  readonly scene: Scene;
  readonly composeFiles: ReturnType<typeof readComposeFiles>;
  readonly configSecrets: Promise<Readonly<Record<string, string>>>;
  readonly opened: Opened;
}

/** Reads all that there is to be read, side by side. */
async function openScene({ context, onTime }: FindDriftOptions): Promise<OpenedScene> {
  const since = performance.now();
  const mark = (what: string): void => onTime?.(what, performance.now() - since);
  const [record, today] = await Promise.all([newestRelease(context), StackConfig.read(context.configFile)]);
  mark('release and configuration');
  const composeFiles = readComposeFiles(today.config, context.directory);
  composeFiles.catch(() => undefined);
  void composeFiles.then(() => mark('compose files'));
  const reading = readEngine(record, context.name, mark);
  reading.catch(() => undefined);
  const state = readState({
    directory: context.directory,
    project: context.name.split('/')[0]!,
    stack: context.stack,
  }).catch(() => undefined);
  const key = await releaseKey(context, today);
  mark('key');
  const sealed = await openRelease(context.releases, record, key, context.directory);
  const settings = { ...settingsOf(record.config, sealed.secrets), store: settingsOf(today.config).store };
  const released = comparedOf(sealed.project, settings);
  const { engine, inventory, inspected, images, events, defaults } = await reading;
  mark('engine');
  const { model } = released.project;
  const names = Object.entries(model.services).flatMap(([service, definition]) =>
    containerNames(model.name, service, replicasOf(definition), definition.container_name),
  );
  await inspectInto(
    engine,
    inventory,
    names.filter((name) => !inspected.has(name)),
    inspected,
  );
  const store = new FileStore(storeFolder(settings.store, context.directory));
  const files = await findConfigFiles(sealed.project, store, {}, await present(store, sealed));
  const plan = planProject({
    project: released.project,
    engine: engine.facts,
    images: factsByService(record, images),
    kept: engine.facts.local ? files.kept : new Map(),
    stack: context.name,
    shown: released.shown,
    hidden: released.hidden,
    secrets: released.secrets,
  });
  const known = await state;
  mark('plan');
  const scene: Scene = {
    stack: context.name,
    docker: engine.docker,
    facts: engine.facts,
    defaults,
    inventory,
    record,
    source: sealed.project,
    released,
    settings,
    files: sealed.files,
    plans: plan.services,
    inspected,
    images,
    state: known,
    events,
    secrets: new Set([...released.secrets, ...secretsIn(inspected.values())]),
    today: today.config,
    isUnderWay: whoHolds(context) !== undefined || known?.isLocked === true,
  };
  const configSecrets = secretsOfToday(context, today, record, sealed);
  configSecrets.catch(() => undefined);
  return { scene, composeFiles, configSecrets, opened: { context, key, record } };
}

async function newestRelease({ releases, name }: StackContext): Promise<ReleaseRecord> {
  const [stored] = await releases.list(1);
  if (stored && 'record' in stored) return stored.record;
  if (stored) throw stored.damage;
  throw new RewindError({
    code: 'release/unknown',
    message: `The stack ${name} has no release to hold it against.`,
    fix: 'Make one: rewind deploy, or pulumi up.',
  });
}

interface ReadEngine {
  readonly engine: Engine;
  readonly inventory: Inventory;
  readonly inspected: Map<string, Inspected>;
  readonly images: ReadonlyMap<string, ImageConfig>;
  readonly events: EngineEvents;
  readonly defaults: EngineDefaults;
}

async function readEngine(record: ReleaseRecord, stack: string, mark: (what: string) => void): Promise<ReadEngine> {
  const engine = await connect();
  mark('connection');
  const { docker } = engine;
  const events = EngineEvents.read(docker, new Date(record.finishedAt));
  const info = docker.info() as Promise<{ LoggingDriver?: string; DefaultRuntime?: string }>;
  const images = readImages(engine, record);
  const inventory = await takeInventory(docker);
  mark('inventory');
  const ours = inventory.containers.filter(
    ({ Labels: labels }) => labels[composeLabel('project')] === record.project || labels[stackLabel] === stack,
  );
  const inspected = new Map<string, Inspected>();
  await inspectInto(engine, inventory, ours.map(nameOf), inspected);
  mark('containers');
  const names = new Map(inventory.containers.map((it) => [it.Id, nameOf(it)]));
  const { LoggingDriver: logDriver = 'json-file', DefaultRuntime: runtime = 'runc' } = await info;
  const defaults = { logDriver, runtime, nameOf: (id: string) => names.get(id) ?? id };
  return { engine, inventory, inspected, images: await images, events: await events, defaults };
}

async function inspectInto(
  { docker }: Engine,
  { containers }: Inventory,
  names: readonly string[],
  inspected: Map<string, Inspected>,
): Promise<void> {
  const wanted = new Set(names);
  const there = containers.filter((container) => wanted.has(nameOf(container)));
  await Promise.all(
    there.map(async (container) => {
      try {
        inspected.set(nameOf(container), await docker.getContainer(container.Id).inspect());
      } catch (error) {
        // It has gone in the meantime.
        if ((error as { statusCode?: number }).statusCode !== 404) {
          throw refusal('The engine does not tell of a container', `Look: docker inspect ${nameOf(container)}.`, error);
        }
      }
    }),
  );
}

async function readImages({ docker }: Engine, { services }: ReleaseRecord): Promise<Map<string, ImageConfig>> {
  const ids = [...new Set(Object.values(services).map(({ imageId }) => imageId))];
  const found = await Promise.all(
    ids.map(async (id): Promise<[string, ImageConfig][]> => {
      try {
        const { Config: config } = (await docker.getImage(id).inspect()) as { Config?: ImageConfig };
        return [[id, config ?? {}]];
      } catch {
        return []; // gone, which is a finding
      }
    }),
  );
  return new Map(found.flat());
}

/** What the plan has to know of each image; of one that is gone its ID is all. */
function factsByService(
  { services }: ReleaseRecord,
  images: ReadonlyMap<string, ImageConfig>,
): Map<string, ImageFacts> {
  return new Map(
    Object.entries(services).map(([service, { imageId }]) => [service, imageFacts(imageId, images.get(imageId))]),
  );
}

/** The files of a release that the store still has: one that is gone is a finding, and stands in no way. */
async function present(store: FileStore, { files }: SealedRelease): Promise<SealedRelease['files']> {
  const found = await Promise.all(
    Object.entries(files).map(async (entry) => ((await store.find(entry[0], entry[1].hash, entry[1])) ? [entry] : [])),
  );
  return Object.fromEntries(found.flat());
}

/** The values of today's secrets: those that are written as in the release are known, others are opened. */
async function secretsOfToday(
  { engine }: StackContext,
  today: StackConfig,
  record: ReleaseRecord,
  sealed: SealedRelease,
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const [key, value] of Object.entries(today.config)) {
    if (key === 'rewind:key' || !JSON.stringify(value).includes('"secure":')) continue;
    const before = sealed.secrets[key];
    if (before !== undefined && JSON.stringify(record.config[key]) === JSON.stringify(value)) secrets[key] = before;
    else secrets[key] = await openValue(today, value).catch(() => engine.secretOf(key));
  }
  return secrets;
}

/** A value of the configuration with its secrets in the clear, as Pulumi would hand it to a program. */
async function openValue(today: StackConfig, value: unknown): Promise<string> {
  const open = await passphraseOpener(today.provider);
  const opened = (inner: unknown): unknown => {
    if (inner === null || typeof inner !== 'object') return inner;
    const { secure, ...rest } = inner as { secure?: unknown };
    if (typeof secure === 'string' && Object.keys(rest).length === 0) {
      const text = open?.(secure);
      if (text === undefined) throw new Error('it is encrypted otherwise');
      return text;
    }
    if (Array.isArray(inner)) return inner.map(opened);
    return Object.fromEntries(Object.entries(inner).map(([key, it]) => [key, opened(it)]));
  };
  const plain = opened(value);
  return typeof plain === 'string' ? plain : JSON.stringify(plain);
}

/** Volumes of earlier releases: they outlive them, as data does. */
async function earlierVolumes({ context, key }: Opened): Promise<ReadonlySet<string>> {
  const volumes = new Set<string>();
  for (const stored of await context.releases.list()) {
    if (!('record' in stored)) continue;
    try {
      const { project } = await openRelease(context.releases, stored.record, key, context.directory);
      for (const [name, volume] of Object.entries(project.model.volumes))
        volumes.add(volume?.name ?? `${project.model.name}_${name}`);
    } catch (error) {
      if (!(error instanceof RewindError)) throw error; // one that cannot be opened tells of no volume
    }
  }
  return volumes;
}
