import { dirname } from 'node:path';

import type { RestoreOutlook } from '../loss/outlook';
import { dropDatabase } from '../postgres/restore';
import { removeAbandoned, shadowSuffix, withScratch } from '../postgres/scratch';
import { derivedName } from '../postgres/sql';
import { RewindError } from '../errors';
import { timeName } from '../snapshots/id';
import type { SnapshotManifest } from '../snapshots/manifest';
import { outlookAgainst } from './count-restore-loss';
import type { StackDatabase } from './open-database';
import { type KeptDatabase, keptDatabases, provideShadow, withReplacement } from './restore-database';
import { giveBack } from './ready-database';
import { endInterruptedPause, PauseMark } from './pause-mark';
import { restartServices } from './restart-services';

/** What hears of a restore. */
export interface RestoreListener {
  /** A part of it begins, e.g. `restoring beside the live database`. */
  readonly onPhase?: (text: string) => void;
  /**
   * Hears what is lost, before anything is stopped; what it throws ends the restore, with nothing changed. @default what is
   * lost is not counted
   */
  readonly onLoss?: (outlook: RestoreOutlook) => Promise<void>;
  /** How long it may take to count every change, in milliseconds; then only rows are counted. @default 20 s */
  readonly lossWithinMs?: number;
  /** As {@link RestoreSource.everyRow}. */
  readonly everyRow?: boolean;
  readonly onStopped?: (service: string) => void;
  readonly onReady?: (service: string) => void;
  /** Asks to stop; what has begun is put back. @default never */
  readonly signal?: AbortSignal;
}

/** How a restore ended. */
export interface Restored {
  /** The database that was replaced, under the name that it is kept by. */
  readonly keptAs: string;
  /** From the first service that was stopped until the last one was ready again. */
  readonly outageSeconds: number;
  readonly seconds: number;
}

/**
 * Brings the data of a snapshot back. It is restored into a database beside the live one and compared while the
 * application goes on; only then the services that use the database are stopped, the two change names, and the services
 * start again. What was replaced is kept.
 *
 * @param stack - `project/stack` of Pulumi
 * @throws RewindError; unless a service did not start again, everything is as it was then
 */
export async function restoreSnapshot(
  stack: string,
  database: StackDatabase,
  manifest: SnapshotManifest,
  listener: RestoreListener = {},
): Promise<Restored> {
  const { server, snapshots: store, versionTable } = database;
  const { signal, onPhase, onLoss, lossWithinMs = 20_000, everyRow } = listener;
  const started = Date.now();
  await endInterruptedPause(database.docker, stack, markOf(database), onPhase);
  await server.checkWritable();
  await removeAbandoned(server);
  const shadow = derivedName(server.database, `${shadowSuffix}${timeName(new Date())}`);
  onPhase?.(`restoring ${manifest.id} beside the live database`);
  return withScratch(server, shadow, async () => {
    const source = {
      ...{ server, store, manifest, versionTable },
      ...(everyRow !== undefined && { everyRow }),
      ...(signal && { signal }),
    };
    await provideShadow({ ...source, onStep: (text) => onPhase?.(text) }, shadow);
    try {
      if (onLoss) {
        onPhase?.('counting what has changed since');
        await onLoss(await outlookAgainst(source, shadow, lossWithinMs));
      }
      const what = `snapshot restore ${manifest.id}`;
      const { result: keptAs, seconds } = await withReplacement(server, shadow, ({ replace }) =>
        whileQuiet(stack, database, what, listener, () => {
          signal?.throwIfAborted();
          return replace();
        }),
      );
      return { keptAs, outageSeconds: seconds, seconds: (Date.now() - started) / 1000 };
    } catch (error) {
      await giveBack(source, shadow).catch(() => dropDatabase(server, shadow).catch(() => undefined));
      throw error;
    }
  });
}

/**
 * Puts a database that a restore has replaced back into its place; what has replaced it is kept in turn.
 *
 * @param name - as `rewind snapshot list` names it. @default the one that was replaced last
 * @throws RewindError snapshot/unknown, and as {@link restoreSnapshot}
 */
export async function undoRestore(
  stack: string,
  database: StackDatabase,
  name: string | undefined,
  listener: RestoreListener = {},
): Promise<Restored & { readonly restored: string }> {
  const started = Date.now();
  await endInterruptedPause(database.docker, stack, markOf(database), listener.onPhase);
  await database.server.checkWritable();
  const { name: restored } = await chooseKept(database, name);
  const { result: keptAs, seconds } = await withScratch(database.server, restored, () =>
    withReplacement(database.server, restored, ({ replace }) =>
      whileQuiet(stack, database, 'snapshot undo', listener, replace),
    ),
  );
  return { restored, keptAs, outageSeconds: seconds, seconds: (Date.now() - started) / 1000 };
}

/**
 * A database that is kept aside.
 *
 * @throws RewindError snapshot/unknown
 */
export async function chooseKept({ server }: StackDatabase, name: string | undefined): Promise<KeptDatabase> {
  const kept = await keptDatabases(server);
  const found = name === undefined ? kept[0] : kept.find((it) => it.name === name);
  if (found) return found;
  throw new RewindError({
    code: 'snapshot/unknown',
    message:
      name === undefined
        ? `The server of ${server.service} keeps no database that a restore has replaced.`
        : `The server of ${server.service} keeps no database ${JSON.stringify(name)}.`,
    fix: kept.length > 0 ? `There are: ${kept.map((it) => it.name).join(', ')}.` : 'See rewind snapshot list.',
  });
}

function markOf({ snapshots }: StackDatabase): PauseMark {
  return new PauseMark(dirname(snapshots.folder));
}

/** Does something while nothing that uses the database runs. */
async function whileQuiet<T>(
  stack: string,
  database: StackDatabase,
  what: string,
  { onPhase, onStopped, onReady, signal }: RestoreListener,
  work: () => Promise<T>,
): Promise<{ result: T; seconds: number }> {
  const { docker, settings } = database;
  const mark = markOf(database);
  const done: { result?: { value: T } } = {};
  let began: number | undefined;
  const restarting = restartServices(docker, stack, {
    using: settings.service,
    onStopping: async (services) => {
      began = Date.now();
      await mark.begin({ what, since: new Date().toISOString(), services });
    },
    ...(onStopped && { onStopped }),
    ...(onReady && { onReady }),
    ...(signal && { signal }),
    whileStopped: async () => {
      onPhase?.('switching');
      done.result = { value: await work() };
      onPhase?.('switched');
    },
  });
  await restarting
    .finally(() => mark.end())
    .catch((error: unknown) => {
      throw done.result && error instanceof RewindError ? sayingWhatIsInPlace(error) : error;
    });
  // What has been put in its place stays there, even if somebody asked to stop by then.
  if (!done.result) signal?.throwIfAborted();
  return { result: done.result!.value, seconds: (Date.now() - (began ?? Date.now())) / 1000 };
}

/** The data has changed places, and a service does not start with it. */
function sayingWhatIsInPlace(error: RewindError): RewindError {
  const [first, ...others] = error.problems;
  const inPlace = {
    code: 'snapshot/in-place',
    message: 'The data has been replaced all the same.',
    fix: 'Put the data of before back: rewind snapshot undo.',
  } as const;
  return new RewindError(first!, [...others, inPlace]);
}
