import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Step } from '../automation/program-run';
import { replicasOf } from '../compose/order';
import { composeLabel, stackLabel } from '../container/labels';
import { containerNames } from '../container/plan';
import { connect } from '../docker/engine';
import { listContainers } from '../docker/inventory';
import { type Problem, RewindError } from '../errors';
import { OperationLog } from '../operations/operation-log';
import { compareModels, compareSections, type Difference } from '../releases/compare';
import { configOfRelease, type ReleasePart } from '../releases/next-config';
import { type ReleaseRecord, releaseName, type ReleasedService } from '../releases/record';
import { StackConfig } from '../releases/stack-config';
import { FileStore } from '../store/files';
import type { ProgramFor } from './engine-run';
import { notInFiles } from './not-in-files';
import { changedFiles, type PlannedFile } from './planned-files';
import { type DataOutlook, dataOutlook, outlookObstacle, outlookText } from './data-outlook';
import { imagesInTheWay } from './images-gone';
import { storeFolder } from './prepare-stack';
import { openSide, settingsOf, type Side, withImages } from './release-side';
import { restoreSecrets } from './restore-secrets';
import {
  bringsConfiguration,
  dataChoiceOf,
  type RevertChoice,
  type RevertConfig,
  revertConfig,
  servicesAfter,
} from './revert-config';
import { releaseKey, type StackContext } from './stack-context';

/** What a revert does to one service. */
export interface PlannedService {
  readonly service: string;
  readonly action: 'replace' | 'start' | 'stop' | 'update';
  /** The image, where it is another one. */
  readonly image?: { readonly from?: ReleasedService; readonly to?: ReleasedService };
  readonly environment: readonly Difference[];
  readonly keys: readonly Difference[];
}

/** What a revert will do. */
export interface ReleasePlan {
  readonly stack: string;
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
  /** The one part that comes back. @default all of it */
  readonly only?: ReleasePart;
  readonly services: readonly PlannedService[];
  readonly files: readonly PlannedFile[];
  /** What else changes: networks, volumes. */
  readonly others: readonly string[];
  /** How the compose files as they are now differ from what will run: what the next deploy brings. */
  readonly notInFiles: readonly string[];
  /** What becomes of the data, where the stack has a database, in words. */
  readonly data?: string;
  /** The same as values. */
  readonly database?: DataOutlook;
  /** What stands in the way. The revert refuses to begin. */
  readonly obstacles: readonly Problem[];
  /** Estimate from earlier reverts and drills, or else updates. @default there is no earlier one */
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
  readonly choice: RevertChoice;
  /** Whether a snapshot is restored for a moment to count what a restore would lose. @default false */
  readonly countRestore?: boolean;
}

/**
 * Says what bringing a release back will do. The engine's own preview tells what happens to each container; the kept
 * models and files tell why. Changes nothing.
 *
 * @throws RewindError release/unreadable, pulumi/failed
 */
export async function planRelease(options: PlanOptions): Promise<ReleasePlan> {
  const { context, from, to, releases, choice } = options;
  const { only } = choice;
  const becomesOfData = dataChoiceOf(choice);
  const today = await StackConfig.read(context.configFile);
  const gone = await imagesInTheWay(context, options, choice);
  const { database } = settingsOf(today.config);
  const opening = openSides(options, today);
  opening.catch(() => undefined); // waited for below
  // What the data stands in the way of, the preview would refuse: it is told as an obstacle.
  const looked =
    database && gone.length === 0
      ? await dataOutlook(context, database.service, from, to, { countRestore: options.countRestore ?? false })
      : undefined;
  const stuck = looked && outlookObstacle(looked, becomesOfData);
  const obstacles = [...gone, ...(stuck ? [stuck] : [])];
  const previewing = obstacles.length === 0 ? previewSteps(options, today) : undefined;
  // Both to their end: of what cannot be opened, the preview would tell with more words.
  await Promise.allSettled([opening, previewing]);
  const [before, after] = await opening;
  const { steps, next } = (await previewing) ?? {};
  const then = servicesAfter(options, only, next?.data ?? {});
  const isConfigured = bringsConfiguration(choice);
  const differences = isConfigured ? compareModels(before.compared, after.compared) : [];
  const actions = steps && actionsByService(steps, [before, after]);
  const services = [
    ...new Set([
      ...(actions?.keys() ?? otherImages(from.services, then)),
      ...differences.map(({ service }) => service),
      ...(await leftOver(context.name, [from, to])),
    ]),
  ].sort();
  const store = new FileStore(storeFolder(settingsOf(today.config).store, context.directory));
  const seconds = await estimate(context, releases);
  const outlook = services.length > 0 || becomesOfData === 'restore' || only === 'database' ? looked : undefined;
  return {
    stack: context.name,
    from,
    to,
    ...(only && { only }),
    services: services.map((service) => {
      const difference = differences.find((it) => it.service === service);
      const image = changedImage(from.services[service], then[service]);
      return {
        service,
        action: presentAction(from.services[service], then[service], actions, service),
        ...(image && { image }),
        environment: difference?.environment ?? [],
        keys: difference?.keys ?? [],
      };
    }),
    files: isConfigured ? await changedFiles(store, before, after) : [],
    others: isConfigured ? compareSections(before.compared.project.model, after.compared.project.model) : [],
    notInFiles: isConfigured
      ? await notInFiles(
          context,
          next?.config ?? configOfRelease(to, today.config),
          only === 'config' ? withImages(after, then) : after,
          store,
        )
      : [],
    obstacles,
    ...(outlook && { data: outlookText(outlook, to, becomesOfData), database: outlook }),
    ...(seconds !== undefined && { seconds }),
  };
}

/** Services of neither release that an operation which was killed has left running: the revert removes them. */
async function leftOver(stack: string, releases: readonly ReleaseRecord[]): Promise<string[]> {
  const { docker } = await connect();
  const ours = (await listContainers(docker)).filter(({ Labels: labels }) => labels[stackLabel] === stack);
  const names = ours.flatMap(({ Labels: labels }) => labels[composeLabel('service')] ?? []);
  return names.filter((name) => releases.every(({ services }) => !Object.hasOwn(services, name)));
}

async function openSides({ context, from, to }: PlanOptions, today: StackConfig): Promise<[Side, Side]> {
  const key = await releaseKey(context, today);
  // First the one that is to be brought back: whatever is wrong with the key is told of that.
  const after = await openSide(context, to, key);
  return [await openSide(context, from, key), after];
}

async function previewSteps(
  { context, from, to, programFor, choice }: PlanOptions,
  today: StackConfig,
): Promise<{ readonly steps: readonly Step[]; readonly next: RevertConfig }> {
  // Not in the store: a plan changes nothing, and works where nothing can be changed.
  const folder = await mkdtemp(join(tmpdir(), 'rewind-plan-'));
  const configFile = join(folder, `Pulumi.${context.stack}.yaml`);
  try {
    const next = await revertConfig(context, { from, to }, today.config, choice);
    await writeFile(configFile, today.withConfig(next.config).toString(), { mode: 0o600 });
    if (bringsConfiguration(choice)) await restoreSecrets(context, to, today, configFile);
    const program = programFor({ configFile, reason: { kind: 'update' } });
    const outcome = await context.engine.preview({ configFile, ...(program && { program }) });
    if (outcome.ok) return { steps: outcome.steps, next };
    throw new RewindError({
      code: 'pulumi/failed',
      message: `The preview of ${releaseName(to.number)} failed:\n${outcome.why}`,
      fix: 'Mend what it names and run this again.',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
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

/**
 * What happens to a service as a whole.
 *
 * @param actions - undefined where there was no preview, as something stands in the way: then nearly every change means
 *   another container
 */
function presentAction(
  from: ReleasedService | undefined,
  to: ReleasedService | undefined,
  actions: ReadonlyMap<string, PlannedService['action']> | undefined,
  service: string,
): PlannedService['action'] {
  if (!to) return 'stop';
  if (!from) return 'start';
  if (!actions) return 'replace';
  const action = actions.get(service) ?? 'update';
  // One that is scaled goes on running, with more or fewer containers.
  return from.containers !== to.containers && action !== 'replace' ? 'update' : action;
}

/** Services that have another image. */
function otherImages(from: ReleaseRecord['services'], to: ReleaseRecord['services']): string[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names.filter((name) => from[name]?.imageId !== to[name]?.imageId);
}

function changedImage(from: ReleasedService | undefined, to: ReleasedService | undefined): PlannedService['image'] {
  if (from?.imageId === to?.imageId && from?.image === to?.image) return undefined;
  return { ...(from && { from }), ...(to && { to }) };
}

/** The middle of what the latest reverts and drills took, in seconds; where there were none, of the latest updates. */
async function estimate(
  { name, releases: store }: StackContext,
  releases: readonly ReleaseRecord[],
): Promise<number | undefined> {
  const operations = (await new OperationLog(store, name).list(50)).flatMap((it) =>
    'record' in it ? [it.record] : [],
  );
  const reverts = operations
    .filter(({ result }) => result === 'done')
    .flatMap(({ kind, startedAt, finishedAt, phases }) => {
      if (kind === 'revert') return [secondsBetween(startedAt, finishedAt)];
      // Bringing the copy up and taking it down is no part of going back.
      return kind === 'drill' ? phases.flatMap((phase) => (phase.name === 'switch' ? [phase.seconds] : [])) : [];
    });
  const updates = releases.map(({ startedAt, finishedAt }) => secondsBetween(startedAt, finishedAt));
  const sorted = (reverts.length > 0 ? reverts : updates).slice(-9).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
