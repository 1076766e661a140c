import { replicasOf } from '../compose/order';
import { readState } from '../automation/checkpoint';
import { findConfigFiles } from '../container/config-files';
import { composeLabel, stackLabel } from '../container/labels';
import type { ImageFacts } from '../container/mapping';
import { SecretValues } from '../container/project-secrets';
import { containerNames, planProject } from '../container/plan';
import { connectAndAsk, type Engine } from '../docker/engine';
import { imageFacts } from '../docker/images';
import { type Inventory, nameOf, takeInventory } from '../docker/inventory';
import { refusal } from '../docker/refusal';
import type { EngineDefaults } from '../drift/engine-defaults';
import { EngineEvents } from '../drift/events';
import type { Finding } from '../drift/finding';
import type { ImageConfig } from '../drift/image-config';
import type { Inspected } from '../drift/live-form';
import type { Scene } from '../drift/scene';
import { RewindError } from '../errors';
import type { ReleaseRecord } from '../releases/record';
import { openRelease } from '../releases/release-store';
import type { SealedRelease } from '../releases/sealed';
import { securePaths, StackConfig } from '../releases/stack-config';
import { FileStore } from '../store/files';
import { secretsIn } from '../verify/secrets';
import { withAcceptedSchema } from './accepted-schema';
import { readComposeFiles, type ReadFiles } from './config-drift';
import { databaseFindings } from './database-drift';
import { heldAgainst } from './looked-at';
import { storeFolder } from './prepare-stack';
import { comparedOf, settingsOf } from './release-side';
import { releaseKey, secretOf, type StackContext } from './stack-context';
import { whoHolds } from './stack-lock';

/** What a scene was read from. */
export interface Opened {
  readonly context: StackContext;
  readonly key: string | undefined;
  readonly record: ReleaseRecord;
}

/** A scene, and what is still being read for those that look at it. */
export interface OpenedScene {
  readonly scene: Scene;
  /** Undefined if they are not read. */
  readonly composeFiles: Promise<ReadFiles | undefined>;
  readonly configSecrets: Promise<Readonly<Record<string, string>>>;
  /** What differs in the database, or why it cannot be read. */
  readonly database: Promise<readonly Finding[]>;
  readonly opened: Opened;
}

/** What is opened. */
export interface OpenSceneOptions {
  readonly context: StackContext;
  /** Whether also what takes a process of its own is read: compose files, and the database. @default true */
  readonly isWhole?: boolean;
  /** Is told how long parts of it took, in milliseconds. @default nobody */
  readonly onTime?: (what: string, ms: number) => void;
}

/** Reads all that there is to be read, side by side. */
export async function openScene({ context, isWhole = true, onTime }: OpenSceneOptions): Promise<OpenedScene> {
  const since = performance.now();
  const mark = (what: string): void => onTime?.(what, performance.now() - since);
  const [record, today] = await Promise.all([newestRelease(context), StackConfig.read(context.configFile)]);
  mark('release and configuration');
  const composeFiles = isWhole ? readComposeFiles(today.config, context.directory) : Promise.resolve(undefined);
  waitedForLater(composeFiles.then(() => mark('compose files')));
  const listing = listEngine(mark);
  const reading = listing.then((listed) => readEngine(listed, record, context.name, mark));
  waitedForLater(reading);
  const state = readState({
    directory: context.directory,
    project: context.name.split('/')[0]!,
    stack: context.stack,
  }).catch(() => undefined);
  const unsealing = releaseKey(context, today).then(async (key) => {
    mark('key');
    return { key, sealed: await openRelease(context.releases, record, key, context.directory) };
  });
  waitedForLater(unsealing);
  const configSecrets = unsealing.then(({ sealed }) => secretsOfToday(context, today, record, sealed));
  waitedForLater(configSecrets);
  // What takes longest begins first: its server is asked while the rest is still being read.
  const database = isWhole
    ? databaseFindings({
        context,
        record,
        engine: listing,
        key: unsealing.then((it) => it.key),
        today: configSecrets.then((secrets) => settingsOf(today.config, secrets)),
      })
    : Promise.resolve([]);
  waitedForLater(database.then(() => mark('database')));
  const { key, sealed } = await unsealing;
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
  const seen = secretsIn([...inspected.values()]);
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
    secrets: new SecretValues([...released.secrets, ...seen], [...released.secrets.names, ...seen.names]),
    today: today.config,
    isUnderWay: whoHolds(context) !== undefined || known?.isLocked === true,
  };
  return { scene, composeFiles, configSecrets, database, opened: { context, key, record } };
}

/** A failure is told to whoever waits for it in the end, and until then to nobody. */
function waitedForLater(work: Promise<unknown>): void {
  work.catch(() => undefined);
}

async function newestRelease({ releases, name }: StackContext): Promise<ReleaseRecord> {
  return withAcceptedSchema(releases, heldAgainst(name, (await releases.list(1))[0]));
}

/** An engine with what it lists. */
export interface ListedEngine {
  readonly engine: Engine;
  readonly inventory: Inventory;
}

async function listEngine(mark: (what: string) => void): Promise<ListedEngine> {
  const engine = await connectAndAsk();
  mark('connection');
  const inventory = await takeInventory(engine.docker);
  mark('inventory');
  return { engine, inventory };
}

interface ReadEngine {
  readonly engine: Engine;
  readonly inventory: Inventory;
  readonly inspected: Map<string, Inspected>;
  readonly images: ReadonlyMap<string, ImageConfig>;
  readonly events: EngineEvents;
  readonly defaults: EngineDefaults;
}

async function readEngine(
  { engine, inventory }: ListedEngine,
  record: ReleaseRecord,
  stack: string,
  mark: (what: string) => void,
): Promise<ReadEngine> {
  const { docker } = engine;
  const events = EngineEvents.read(docker, new Date(record.finishedAt));
  const info = docker.info() as Promise<{ LoggingDriver?: string; DefaultRuntime?: string }>;
  const images = readImages(engine, record);
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
  context: StackContext,
  today: StackConfig,
  record: ReleaseRecord,
  sealed: SealedRelease,
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const [key, value] of Object.entries(today.config)) {
    if (key === 'rewind:key' || securePaths(value).length === 0) continue;
    const before = sealed.secrets[key];
    if (before !== undefined && JSON.stringify(record.config[key]) === JSON.stringify(value)) secrets[key] = before;
    else secrets[key] = await secretOf(context, today, key);
  }
  return secrets;
}

/** Volumes of earlier releases: they outlive them, as data does. */
export async function earlierVolumes({ context, key }: Opened): Promise<ReadonlySet<string>> {
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
