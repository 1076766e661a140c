import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createTwoFilesPatch } from 'diff';

import type { Step } from '../automation/engine';
import { loadComposeProject } from '../compose/load';
import { replicasOf } from '../compose/order';
import { applyOverrides } from '../compose/overrides';
import { containerNames } from '../container/plan';
import { projectSecrets } from '../container/project-secrets';
import { connect } from '../docker/engine';
import { takeInventory } from '../docker/inventory';
import { type Problem, RewindError } from '../errors';
import { compareModels, compareSections, type Compared, type Difference } from '../releases/compare';
import { configOfDeploy, configOfRelease } from '../releases/next-config';
import { type ReleaseRecord, releaseName, type ReleasedService } from '../releases/record';
import { openRelease } from '../releases/release-store';
import type { SealedRelease } from '../releases/sealed';
import { type ConfigSection, StackConfig } from '../releases/stack-config';
import { readSettings, type StackSettings } from '../settings';
import { FileStore } from '../store/files';
import type { ProgramFor } from './change-stack';
import { storeFolder } from './prepare-stack';
import type { StackContext } from './stack-context';

/** What a revert does to one service. */
export interface PlannedService {
  readonly service: string;
  readonly action: 'replace' | 'start' | 'stop' | 'update';
  /** The image, where it is another one. */
  readonly image?: { readonly from?: ReleasedService; readonly to?: ReleasedService };
  readonly environment: readonly Difference[];
  readonly keys: readonly Difference[];
}

/** How a configuration file changes. */
export interface PlannedFile {
  readonly path: string;
  /** Unified diff; a word where there is no text to compare: `added`, `removed`, `changed`. */
  readonly diff: string;
}

/** What a revert will do. */
export interface ReleasePlan {
  readonly stack: string;
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
  readonly services: readonly PlannedService[];
  readonly files: readonly PlannedFile[];
  /** What else changes: networks, volumes. */
  readonly others: readonly string[];
  /** How the compose files as they are now differ from what will run: what the next deploy brings. */
  readonly notInFiles: readonly string[];
  /** What becomes of the data, where the stack has a database. */
  readonly data?: string;
  /** What stands in the way. The revert refuses to begin. */
  readonly obstacles: readonly Problem[];
  /** Estimate from earlier updates. @default there is no earlier one */
  readonly seconds?: number;
}

/** What planning needs to know. */
export interface PlanOptions {
  readonly context: StackContext;
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
  /** All releases, for the estimate. */
  readonly releases: readonly ReleaseRecord[];
  readonly programFor: ProgramFor;
}

/**
 * Says what bringing a release back will do. The engine's own preview tells what happens to each container; the kept
 * models and files tell why. Changes nothing.
 *
 * @throws RewindError release/unreadable, pulumi/failed
 */
export async function planRelease(options: PlanOptions): Promise<ReleasePlan> {
  const { context, from, to, releases } = options;
  const today = await StackConfig.read(context.configFile);
  const obstacles = await imagesGone(to);
  // A release that cannot be read fails the preview too, but says less well why.
  const [previewed, opened] = await Promise.allSettled([
    obstacles.length === 0 ? previewSteps(options, today) : [],
    context.engine
      .secretOf('rewind:key')
      .then((key) => Promise.all([to, from].map((record) => openSide(context, record, key)))),
  ]);
  const [after, before] = valueOf(opened);
  const steps = valueOf(previewed);
  const differences = compareModels(before!.compared, after!.compared);
  const actions = actionsByService(steps, [before!, after!]);
  const services = [...new Set([...actions.keys(), ...differences.map(({ service }) => service)])].sort();
  const store = new FileStore(storeFolder(before!.settings.store, context.directory));
  const seconds = estimate(releases);
  const data = dataNote(after!.settings, services, from, to);
  return {
    stack: context.name,
    from,
    to,
    services: services.map((service) => {
      const difference = differences.find((it) => it.service === service);
      const image = changedImage(from.services[service], to.services[service]);
      return {
        service,
        action: actions.get(service) ?? fallbackAction(difference?.presence),
        ...(image && { image }),
        environment: difference?.environment ?? [],
        keys: difference?.keys ?? [],
      };
    }),
    files: await changedFiles(store, before!, after!),
    others: compareSections(before!.compared.project.model, after!.compared.project.model),
    notInFiles: await notInFiles(context, today.config, after!),
    obstacles,
    ...(data !== undefined && { data }),
    ...(seconds !== undefined && { seconds }),
  };
}

/**
 * Images of a release that are not on the engine any more, each with the way to get it back.
 *
 * @throws RewindError docker/unreachable
 */
export async function imagesGone(release: ReleaseRecord): Promise<Problem[]> {
  const { docker } = await connect();
  const { images } = await takeInventory(docker);
  return Object.entries(release.services).flatMap(([service, { image, imageId, digest, revision }]): Problem[] => {
    if (images.has(imageId)) return [];
    const ways = [
      ...(digest === undefined ? [] : [`docker pull ${digest}`]),
      ...(revision === undefined ? [] : [`build ${image} from commit ${revision}`]),
    ];
    return [
      {
        code: 'docker/missing-image',
        message: `The image ${image} (${imageId}) that ${service} ran in ${releaseName(release.number)} is not on this engine any more.`,
        fix:
          ways.length > 0
            ? `Get it back: ${ways.join(', or ')}.`
            : 'Load it from where it was saved (docker load), or choose another release: rewind history.',
      },
    ];
  });
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function previewSteps({ context, to, programFor }: PlanOptions, today: StackConfig): Promise<readonly Step[]> {
  // Not in the store: a plan changes nothing, and works where nothing can be changed.
  const folder = await mkdtemp(join(tmpdir(), 'rewind-plan-'));
  const configFile = join(folder, `Pulumi.${context.stack}.yaml`);
  await writeFile(configFile, today.withConfig(configOfRelease(to, today.config)).toString(), { mode: 0o600 });
  try {
    const program = programFor({ configFile, reason: { kind: 'update' } });
    const outcome = await context.engine.preview({ configFile, ...(program && { program }) });
    if (outcome.ok) return outcome.steps;
    throw new RewindError({
      code: 'pulumi/failed',
      message: `The preview of ${releaseName(to.number)} failed:\n${outcome.why}`,
      fix: 'Mend what it names and run this again.',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One side of the comparison. */
interface Side {
  readonly compared: Compared;
  readonly settings: StackSettings;
  readonly files: SealedRelease['files'];
}

async function openSide(context: StackContext, record: ReleaseRecord, key: string): Promise<Side> {
  const sealed = await openRelease(context.releases, record, key, context.directory);
  const settings = settingsOf(record.config, sealed.secrets);
  return { compared: comparedOf(sealed.project, settings), settings, files: sealed.files };
}

function comparedOf(source: Compared['project'], settings: StackSettings): Compared {
  const project = { ...source, model: applyOverrides(source.model, settings).model };
  return {
    project,
    secrets: projectSecrets(project, settings.secrets),
    shown: settings.show,
    hidden: Object.fromEntries(Object.entries(settings.secrets).map(([name, vars]) => [name, Object.keys(vars)])),
  };
}

/** The settings of a configuration section, with the values of its secrets. */
function settingsOf(config: ConfigSection, secrets: Readonly<Record<string, string>>): StackSettings {
  const raw = Object.entries(config).flatMap(([key, value]): [string, unknown][] => {
    if (!key.startsWith('rewind:')) return [];
    const secret = secrets[key];
    return [[key.slice('rewind:'.length), secret === undefined ? value : parsed(secret)]];
  });
  return readSettings(Object.fromEntries(raw)).settings;
}

function parsed(text: string): unknown {
  try {
    return /^[[{"]/.test(text) ? (JSON.parse(text) as unknown) : text;
  } catch {
    return text;
  }
}

const containerType = 'docker:index/container:Container';

/** What the engine's steps mean for each service. */
function actionsByService(steps: readonly Step[], sides: readonly Side[]): Map<string, PlannedService['action']> {
  const serviceOf = new Map(
    sides.flatMap(({ compared: { project } }) =>
      Object.entries(project.model.services).flatMap(([service, definition]) =>
        containerNames(project.model.name, service, replicasOf(definition), definition.container_name).map(
          (name) => [name, service] as const,
        ),
      ),
    ),
  );
  const actions = new Map<string, PlannedService['action']>();
  for (const { type, name, op } of steps) {
    const service = serviceOf.get(name);
    const action = actionOf(op);
    if (type !== containerType || service === undefined || action === undefined) continue;
    // Containers of one service can fare differently when it is scaled: what hurts most is told.
    if (actions.get(service) !== 'replace') actions.set(service, action);
  }
  return actions;
}

function actionOf(op: string): PlannedService['action'] | undefined {
  if (op.includes('replace')) return 'replace';
  return ({ create: 'start', delete: 'stop', update: 'update' } as const)[op];
}

function fallbackAction(presence: 'both' | 'added' | 'removed' | undefined): PlannedService['action'] {
  return presence === 'added' ? 'start' : presence === 'removed' ? 'stop' : 'update';
}

function changedImage(from: ReleasedService | undefined, to: ReleasedService | undefined): PlannedService['image'] {
  if (from?.imageId === to?.imageId && from?.image === to?.image) return undefined;
  return { ...(from && { from }), ...(to && { to }) };
}

async function changedFiles(store: FileStore, before: Side, after: Side): Promise<PlannedFile[]> {
  const sources = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])].sort();
  const changed = sources.filter((source) => before.files[source]?.hash !== after.files[source]?.hash);
  return Promise.all(
    changed.map(async (source) => {
      const [old, now] = [before.files[source], after.files[source]];
      const path = source.startsWith(`${after.compared.project.directory}/`)
        ? source.slice(after.compared.project.directory.length + 1)
        : source;
      const word = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
      if (old?.secret || now?.secret) return { path, diff: `${word} (secret)` };
      const [oldText, newText] = await Promise.all(
        [old, now].map(async (file) => {
          if (file === undefined) return '';
          const kept = await store.find(source, file.hash, file);
          return kept && textOf(kept.pristine ?? kept.path);
        }),
      );
      if (oldText === undefined || newText === undefined) return { path, diff: word };
      return { path, diff: createTwoFilesPatch(path, path, oldText, newText, 'now', 'then').replace(/^=+\n/, '') };
    }),
  );
}

const largestText = 256 * 1024;

/** The text of a file; undefined for a folder, for what is no text, and for what nobody would read. */
async function textOf(path: string): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile() || info.size > largestText) return undefined;
  const text = await readFile(path, 'utf8');
  return text.includes('\0') ? undefined : text;
}

/** What the compose files of today have otherwise than a release, in words. */
async function notInFiles(context: StackContext, today: ConfigSection, release: Side): Promise<string[]> {
  const { settings } = readSettings(
    Object.fromEntries(
      Object.entries(configOfDeploy(today, {}))
        .filter(([key]) => key.startsWith('rewind:'))
        .map(([key, value]) => [key.slice('rewind:'.length), value]),
    ),
  );
  const files = settings.compose.join(', ');
  try {
    const project = await loadComposeProject({
      files: settings.compose,
      envFiles: settings.envFiles,
      profiles: settings.profiles,
      ...(settings.project !== undefined && { project: settings.project }),
      directory: context.directory,
    });
    const overlaid = comparedOf(project, release.settings);
    return [
      ...compareModels(release.compared, overlaid).map(({ service, presence, environment, keys }) => {
        if (presence !== 'both') return `service ${service}: ${presence === 'added' ? 'only in' : 'not in'} ${files}`;
        return `service ${service}: ${[...environment, ...keys].map(({ key }) => key).join(', ')}`;
      }),
      ...compareSections(release.compared.project.model, project.model),
    ];
  } catch (error) {
    if (error instanceof RewindError) return [`${files} cannot be read: ${error.message}`];
    throw error;
  }
}

/** What a revert of images and configuration means for the data. */
function dataNote(
  { database }: StackSettings,
  services: readonly string[],
  from: ReleaseRecord,
  to: ReleaseRecord,
): string | undefined {
  if (!database || services.length === 0) return undefined;
  const stays = `The data of ${database.service} stays as it is, and so does its schema.`;
  const { service } = database.alembic ?? {};
  if (service === undefined || from.services[service]?.imageId === to.services[service]?.imageId) return stays;
  return `${stays} The migrations of ${service} come from another image: if the schema has changed since, ${releaseName(to.number)} has to be able to work with it.`;
}

/** The middle of what the latest updates took, in seconds. */
function estimate(releases: readonly ReleaseRecord[]): number | undefined {
  const latest = releases.slice(-9).map(({ startedAt, finishedAt }) => Date.parse(finishedAt) - Date.parse(startedAt));
  const sorted = latest.sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? undefined : middle / 1000;
}
