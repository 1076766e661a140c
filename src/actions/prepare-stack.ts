import { fileURLToPath } from 'node:url';
import { isAbsolute, join, relative, resolve } from 'node:path';

import type { ComposeProject, ComposeSource } from '../compose/load';
import type { ComposeModel } from '../compose/model';
import { applyOverrides } from '../compose/overrides';
import { startOrder } from '../compose/order';
import { readAhead, readProject } from '../compose/read-ahead';
import { type ConfigFiles, findConfigFiles } from '../container/config-files';
import { planProject } from '../container/plan';
import { projectSecrets, type SecretValues } from '../container/project-secrets';
import type { ServicePlan } from '../container/spec';
import { connectAndAsk, type Engine } from '../docker/engine';
import { imageReference, provideImages, type ResolvedImages, resolveImages } from '../docker/images';
import { type Inventory, takeInventory } from '../docker/inventory';
import { networkProblems, type NetworkPlan, planNetworks } from '../docker/networks';
import { preflight } from '../docker/preflight';
import { planVolumes, type VolumePlan, volumeWarnings } from '../docker/volumes';
import { type Problem, RewindError } from '../errors';
import { type DatabasePlan, planDatabase } from '../postgres/declared';
import type { PostgresServer } from '../postgres/server';
import { openRelease, ReleaseStore } from '../releases/release-store';
import { remembered } from '../remembered';
import type { SealedRelease } from '../releases/sealed';
import { StackConfig } from '../releases/stack-config';
import { readSettings, type StackSettings } from '../settings';
import { FileStore } from '../store/files';
import { type Inside, readInside } from './found-inside';
import { openServer } from './open-server';
import { prepareData, type PreparedData } from './prepare-data';

/** What is needed to prepare a stack. */
export interface PrepareOptions {
  readonly settings: StackSettings;
  /** Problems found while the settings were read; reported together with the others. */
  readonly problems: readonly Problem[];
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** True in a preview: nothing is pulled, built or written. */
  readonly preview: boolean;
}

/** A stack that can be declared: everything is known and checked, and nothing that runs has been touched. */
export interface PreparedStack {
  /** The compose project as the files, or the release, have it. */
  readonly source: ComposeProject;
  /** The same with the stack configuration laid over it. */
  readonly project: ComposeProject;
  readonly engine: Engine;
  readonly services: readonly ServicePlan[];
  /** Services in an order in which each follows what it depends on. */
  readonly order: readonly string[];
  readonly networks: readonly NetworkPlan[];
  readonly volumes: readonly VolumePlan[];
  /** Connects to the server with the database, once. @default there is no rewind:database */
  readonly server?: () => Promise<PostgresServer>;
  /** What is declared inside of the database's server. @default nothing */
  readonly database?: DatabasePlan;
  /** What is there already of that. @default nothing is declared */
  readonly inside?: readonly Inside[];
  readonly files: ConfigFiles;
  readonly secrets: SecretValues;
  /** What is to become of the data. @default it is left to itself */
  readonly data?: PreparedData;
  readonly warnings: readonly string[];
  /** What a preview cannot show as a change: images that an update will get. Empty in an update. */
  readonly notices: readonly string[];
}

/**
 * Reads the compose project, lays the configuration over it, finds images and files, plans every container and holds
 * the plan against the engine. In an update it also pulls, builds and keeps what the update needs.
 *
 * @throws RewindError with all problems at once
 */
export async function prepareStack(options: PrepareOptions): Promise<PreparedStack> {
  const { settings, directory, stack, preview } = options;
  const [{ project: loaded, files: known }, found] = await settle(options.problems, loadSource(options), look(options));
  const { engine, inventory, server } = found;
  const overridden = applyOverrides(loaded.model, settings);
  const project: ComposeProject = { ...loaded, model: overridden.model };
  const store = new FileStore(storeFolder(settings.store, directory));

  const [resolved, files] = await Promise.all([
    resolveImages(engine.docker, project, inventory, new Set(Object.keys(settings.tags)), settings.images),
    findConfigFiles(project, store, settings.files, known),
  ]);
  const secrets = projectSecrets(project, settings.secrets);
  const plan = (images: ResolvedImages): ReturnType<typeof planProject> =>
    planProject({
      project,
      engine: engine.facts,
      images: images.facts,
      kept: engine.facts.local ? files.kept : new Map(),
      stack,
      shown: settings.show,
      hidden: Object.fromEntries(Object.entries(settings.secrets).map(([name, vars]) => [name, Object.keys(vars)])),
      secrets,
    });

  let planned = plan(resolved);
  const declared = databasePlan(settings, project, planned.services, engine);
  // Side by side, so that one psql answers both.
  const [standing, inside] = await Promise.all([
    dataOf(options, project.model, planned.services, found),
    declared.plan && server && readInside(server, declared.plan),
  ]);
  let data = standing;
  const obstacle = engine.facts.local ? await store.obstacle(files.kept.values()) : undefined;
  RewindError.throwIfAny([
    ...options.problems,
    ...(Object.keys(project.model.services).length === 0 ? [noServices(project, settings)] : []),
    ...overridden.problems,
    ...resolved.problems,
    ...files.problems,
    ...(obstacle ? [obstacle] : []),
    ...planned.problems,
    ...data.problems,
    ...declared.problems,
    ...networkProblems(project, inventory, stack),
    ...(await preflight(project, planned.services, inventory, stack, engine.facts.local, files.kept)),
  ]);
  if (!preview) {
    await Promise.all([...files.kept.values()].map((file) => store.keep(file)));
    const provided = await provideImages(engine.docker, project, resolved, settings.images);
    if (provided !== resolved) {
      planned = plan(provided);
      // What an image knows of migrations is found out when it is there: nothing has been changed yet.
      if (data.data?.target === 'unknown') data = await dataOf(options, project.model, planned.services, found);
      RewindError.throwIfAny(data.problems);
    }
  }

  return {
    source: loaded,
    project,
    engine,
    services: planned.services,
    order: startOrder(project.model),
    networks: planNetworks(project, inventory, stack),
    volumes: planVolumes(project, planned.services, inventory, secrets),
    ...(server && { server }),
    ...(declared.plan && { database: declared.plan }),
    ...(inside && { inside }),
    files,
    secrets,
    ...(data.data && { data: data.data }),
    notices: preview ? imagesToCome(project, resolved) : [],
    warnings: [
      ...project.warnings,
      ...planned.warnings,
      ...volumeWarnings(project, inventory),
      ...remoteWarning(engine, files),
    ],
  };
}

/** What there is before anything is planned. */
interface Found {
  readonly engine: Engine;
  readonly inventory: Inventory;
  readonly server?: () => Promise<PostgresServer>;
}

/** Asks the engine what it has. */
async function look({ settings: { database }, stack }: PrepareOptions): Promise<Found> {
  const engine = await connectAndAsk();
  const inventory = await takeInventory(engine.docker);
  const server = database && remembered(() => openServer(engine.docker, inventory.containers, stack, database));
  return { engine, inventory, ...(server && { server }) };
}

async function dataOf(
  { settings, directory, stack }: PrepareOptions,
  model: ComposeModel,
  services: readonly ServicePlan[],
  { engine: { docker }, inventory, server }: Found,
): Promise<{ readonly data?: PreparedData; readonly problems: readonly Problem[] }> {
  if (!settings.database || !server) return { problems: [] };
  const root = storeFolder(settings.store, directory);
  const releases = new ReleaseStore(root, stack);
  return prepareData({
    settings: settings.database,
    model,
    services,
    docker,
    inventory,
    server,
    root,
    releases,
    stack,
  });
}

function databasePlan(
  { database }: StackSettings,
  { model }: ComposeProject,
  services: readonly ServicePlan[],
  { facts }: Engine,
): ReturnType<typeof planDatabase> {
  const plan = database && services.find(({ service }) => service === database.service);
  return plan ? planDatabase(database, plan, model, facts.local) : { problems: [] };
}

function imagesToCome(project: ComposeProject, { toBuild, toPull }: ResolvedImages): string[] {
  return [
    ...toBuild.map((service) => `The image ${imageReference(project, service)} will be built (service ${service}).`),
    ...toPull.map((reference) => `The image ${reference} will be pulled.`),
  ];
}

/** An empty project would take everything down: that is for `pulumi destroy` to do, not for a file gone wrong. */
function noServices({ files }: ComposeProject, { profiles }: StackSettings): Problem {
  const active = profiles.length === 0 ? 'no profile is active' : `active profiles: ${profiles.join(', ')}`;
  return {
    code: 'compose/invalid',
    message: `${files.map((file) => relative(process.cwd(), file)).join(', ')}: there is no service to run (${active}).`,
    fix: 'Add a service, or activate a profile (rewind:profiles). To take the stack down: pulumi destroy.',
  };
}

/**
 * Begins to read the compose project of a stack configuration file that is about to be prepared.
 *
 * @throws RewindError config/invalid
 */
export async function prepareAhead(configFile: string, directory: string): Promise<void> {
  const { config } = await StackConfig.read(configFile);
  const raw = ['compose', 'envFile', 'profiles', 'project'].map((key) => [key, config[`rewind:${key}`]] as const);
  const { settings, problems } = readSettings(Object.fromEntries(raw));
  // What is wrong with them, or encrypted, is seen to when they are read for good.
  if (problems.length === 0 && settings.release === undefined) readAhead(composeSource(settings, directory));
}

/**
 * The compose project that settings name.
 *
 * @param directory - folder of Pulumi.yaml
 */
export function composeSource(settings: StackSettings, directory: string): ComposeSource {
  return {
    files: settings.compose,
    envFiles: settings.envFiles,
    profiles: settings.profiles,
    ...(settings.project !== undefined && { project: settings.project }),
    directory,
  };
}

interface Source {
  readonly project: ComposeProject;
  /** Configuration files as a release had them. @default as they are on disk */
  readonly files?: SealedRelease['files'];
}

/** The compose project of the files, or the kept one of a release. */
async function loadSource({ settings, directory, stack }: PrepareOptions): Promise<Source> {
  if (settings.release === undefined) {
    return { project: await readProject(composeSource(settings, directory)) };
  }
  const store = new ReleaseStore(storeFolder(settings.store, directory), stack);
  return openRelease(store, await store.read(settings.release), settings.key, directory);
}

/** Runs two things side by side; what fails is one error, together with the problems that were known before. */
async function settle<A, B>(known: readonly Problem[], a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const results = await Promise.allSettled([a, b]);
  const problems = results.flatMap((result) => {
    if (result.status === 'fulfilled') return [];
    if (result.reason instanceof RewindError) return [...result.reason.problems];
    throw result.reason;
  });
  if (problems.length > 0) RewindError.throwIfAny([...known, ...problems]);
  return [await a, await b];
}

/** The store's folder of a `file://` URL; `file://./x` counts from the folder of Pulumi.yaml. */
export function storeFolder(url: string, directory: string): string {
  const path = url.slice('file://'.length);
  return isAbsolute(path) ? fileURLToPath(url) : resolve(join(directory, path));
}

function remoteWarning(engine: Engine, files: ConfigFiles): string[] {
  if (engine.facts.local || files.kept.size === 0) return [];
  return [
    'The Docker engine is remote: configuration files are mounted from its own disk and are not kept by release.',
  ];
}
