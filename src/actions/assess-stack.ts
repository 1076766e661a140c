import { statfs } from 'node:fs/promises';

import { GraphCache } from '../alembic/graph-cache';
import { advise, type Advice } from '../assess/advice';
import { type Cascade, findCascades } from '../assess/cascade';
import type { Evidence, ReleaseChange } from '../assess/evidence';
import { readEvents, readLogs, readUsage } from '../assess/read-containers';
import { readDatabase } from '../assess/read-database';
import { sampleServices } from '../assess/sample';
import type { Thresholds } from '../assess/thresholds';
import { type Hit, triggers } from '../assess/triggers';
import { mask } from '../container/project-secrets';
import { connect } from '../docker/engine';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { type LiveService, readLiveServices } from '../verify/live-service';
import { secretsIn } from '../verify/secrets';
import { surroundings } from './data-outlook';
import { Journal } from './journal';
import { readLookedAt } from './looked-at';
import { openDatabase } from './open-database';
import { PauseMark } from './pause-mark';
import { checkRotations, rotationOf } from './rotate-secrets';
import type { StackContext } from './stack-context';
import { whoHolds } from './stack-lock';

/** What was found of a stack, and what is recommended. */
export interface Assessment {
  /** `project/stack`. */
  readonly stack: string;
  /** ISO 8601. */
  readonly at: string;
  readonly release: number;
  readonly seconds: number;
  readonly triggers: readonly AssessedTrigger[];
  readonly cascades: readonly Cascade[];
  readonly advice: Advice;
}

/** A trigger that holds. */
export interface AssessedTrigger {
  readonly id: string;
  readonly title: string;
  readonly service?: string;
  readonly evidence: string;
  /** ISO 8601. @default nobody can tell */
  readonly since?: string;
}

/** What an assessment is told. */
export interface AssessOptions {
  readonly context: StackContext;
  /** A security problem that somebody declares. */
  readonly security?: string;
  /** Secrets that have leaked, as `rewind revert --rotate` takes them. @default none */
  readonly leaked?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Services are asked for so long, in milliseconds: the engine takes as long to see what they use. */
const sampleMs = 1000;
const minute = 60_000;

/**
 * Looks at a stack as it runs, names the reasons to roll back that hold, and recommends what to do. Changes nothing.
 *
 * @throws RewindError release/unknown, release/damaged, config/invalid, docker/…
 */
export async function assessStack({ context, security, leaked, signal }: AssessOptions): Promise<Assessment> {
  const started = Date.now();
  const { evidence, secrets } = await gather(context, security, signal);
  if (leaked) checkRotations(leaked.map(rotationOf), evidence.record);
  const hits = triggers.flatMap((trigger) =>
    trigger.find(evidence, evidence.thresholds).map((finding): Hit => ({ ...finding, trigger })),
  );
  const shown = (text: string): string => mask(text, secrets);
  return {
    stack: context.name,
    at: new Date(started).toISOString(),
    release: evidence.record.number,
    seconds: (Date.now() - started) / 1000,
    triggers: hits.map(({ trigger: { id, title }, service, evidence: seen, since }) => ({
      id,
      title,
      ...(service !== undefined && { service }),
      evidence: shown(seen),
      ...(since !== undefined && { since: new Date(since).toISOString() }),
    })),
    cascades: findCascades(hits, evidence.services),
    advice: advise(hits, { ...evidence, ...(leaked && { leaked }) }),
  };
}

async function gather(
  context: StackContext,
  security: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ evidence: Evidence & { record: ReleaseRecord; thresholds: Thresholds }; secrets: ReadonlySet<string> }> {
  const [{ docker }, { record, before, settings }] = await Promise.all([connect(), readLookedAt(context)]);
  const { verify, database, assess: thresholds } = settings;
  const now = Date.now();
  const services = await readLiveServices(docker, context.name);
  const window = now - thresholds.windowMinutes * minute;
  const released = Date.parse(record.finishedAt);
  const [usage, events, logs, samples, data, store, interrupted] = await Promise.all([
    readUsage(docker, services),
    readEvents(docker, context.name, Math.max(window, released), now),
    readLogs(docker, services, Math.max(window, released)),
    sampleServices(services, {
      http: verify.http,
      forMs: sampleMs,
      withinMs: thresholds.slowMs + 1000,
      ...(signal && { signal }),
    }),
    database &&
      readDatabase({
        service: database.service,
        open: () => openDatabase(context),
        released: record.database,
        checks: verify.sql,
        graph: async (opened) => {
          const { alembic } = opened.settings;
          const image = runningImage(services, alembic?.service);
          if (!alembic || image === undefined) return undefined;
          const like = await surroundings(opened, context.name, alembic);
          return new GraphCache(context.releases.root).graph(docker, like, image);
        },
      }),
    statfs(context.releases.root).catch(() => undefined),
    interruptions(context),
  ]);
  const change = before && changeOf(before, record);
  return {
    secrets: secretsIn([...services.values()].flatMap(({ containers }) => containers)),
    evidence: {
      record,
      thresholds,
      now,
      services,
      expected: record.services,
      releasedAt: released,
      release: releaseName(record.number),
      ...(change && { change }),
      ...{ usage, events, logs, samples, interrupted },
      ...(data && { database: data.evidence }),
      disks: [
        ...(data?.disk ? [data.disk] : []),
        ...(store
          ? [{ what: 'the store', freeBytes: store.bavail * store.bsize, totalBytes: store.blocks * store.bsize }]
          : []),
      ],
      ...(security !== undefined && { security }),
    },
  };
}

/** What the stack has come from, and how it differs. */
function changeOf(before: ReleaseRecord, record: ReleaseRecord): ReleaseChange {
  const names = [...new Set([...Object.keys(before.services), ...Object.keys(record.services)])].sort();
  const images = names.filter((name) => before.services[name]?.imageId !== record.services[name]?.imageId);
  const [was, is] = [before.database?.revisions ?? [], record.database?.revisions ?? []];
  const keys = [...new Set([...Object.keys(before.config), ...Object.keys(record.config)])].sort();
  const configuration = [
    ...keys.filter(
      (key) => !isOfReleases.test(key) && JSON.stringify(before.config[key]) !== JSON.stringify(record.config[key]),
    ),
    ...Object.keys({ ...before.files, ...record.files }).filter((file) => before.files[file] !== record.files[file]),
  ];
  return { before: releaseName(before.number), images, configuration, database: was.join('\n') !== is.join('\n') };
}

/** What a deploy or revert itself writes into the configuration. */
const isOfReleases = /^rewind:(tags|images|compose|key|database)$/;

function runningImage(services: ReadonlyMap<string, LiveService>, name: string | undefined): string | undefined {
  return services.get(name ?? '')?.containers[0]?.Image;
}

/** What was begun and not brought to its end. While somebody is at work on the stack, that is no interruption. */
async function interruptions(context: StackContext): Promise<string[]> {
  if (whoHolds(context) !== undefined) return [];
  const { releases } = context;
  const [operation, pause] = await Promise.all([new Journal(releases).read(), new PauseMark(releases.folder).read()]);
  return [
    ...(operation ? [`${operation.what} was interrupted (${operation.by}, ${operation.startedAt})`] : []),
    ...(pause ? [`${pause.what} has stopped ${pause.services.join(', ')} and was interrupted (${pause.since})`] : []),
  ];
}
