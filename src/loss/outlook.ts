import type { DowngradeSql } from '../alembic/image';
import { RewindError } from '../errors';
import type { VersionTable } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import type { SnapshotManifest } from '../snapshots/manifest';
import { countText } from './count';
import { countDowngradeLoss, type DowngradeLoss } from './downgrade-loss';
import { downgradeLossText, keptDatabaseText, restoreLossText } from './loss-text';
import { readEffects, type UndoneRevision } from './read-effects';
import { recommend, type Recommendation, type RestorePrice } from './recommend';
import type { RestoreLoss } from './restore-loss';
import { compareRowCounts, type RoughRestoreLoss } from './rough-restore-loss';

/** A way back for the data. */
export type Way = 'downgrade' | 'restore';

/** What restoring a snapshot would lose. */
export interface RestoreOutlook {
  readonly id: string;
  /** ISO 8601. */
  readonly takenAt: string;
  /** @default it has not been counted, only {@link rough} */
  readonly loss?: RestoreLoss;
  /** @default it has been counted */
  readonly rough?: RoughRestoreLoss;
}

/** What each way back would lose, and which one is advised. */
export interface LossOutlook {
  /** @default there is no way down, or it has not been looked at */
  readonly downgrade?: DowngradeLoss;
  /** @default there is no snapshot that fits */
  readonly restore?: RestoreOutlook;
  /** @default only one way was to be looked at */
  readonly advice?: Recommendation;
  /** What could not be looked at, and why. @default everything could */
  readonly problems?: readonly string[];
}

/** What is asked about. */
export interface LossOptions {
  readonly server: PostgresServer;
  readonly versionTable: VersionTable;
  /** What would be undone, newest first, and its statements. @default no image knows the way */
  readonly down?: {
    readonly undo: readonly UndoneRevision[];
    readonly scripts: () => Promise<readonly DowngradeSql[]>;
  };
  /** The snapshot of the revision to go to. @default there is none */
  readonly snapshot?: { readonly manifest: SnapshotManifest; readonly proved: boolean };
  /** The only way that is to be looked at: nothing is advised then. @default every way */
  readonly only?: Way;
  /** Restores the snapshot for a moment and counts. @default rows are counted now, and held against the manifest */
  readonly countRestore?: (manifest: SnapshotManifest) => Promise<RestoreLoss>;
}

/** Says what going back to another revision would lose. Changes nothing; what cannot be looked at is said, not thrown. */
export async function lossOutlook(options: LossOptions): Promise<LossOutlook> {
  const { server, down, snapshot, only, versionTable } = options;
  const problems: string[] = [];
  const told = (error: unknown): undefined => {
    if (!(error instanceof RewindError)) throw error;
    problems.push(error.message);
  };
  const [downgrade, restore] = await Promise.all([
    only !== 'restore' && down ? downgradeLoss(server, down, versionTable).catch(told) : undefined,
    only !== 'downgrade' && snapshot ? restoreOutlook(options, snapshot.manifest).catch(told) : undefined,
  ]);
  const advice =
    only === undefined &&
    recommend({
      sameRevision: down?.undo.length === 0,
      canMigrate: down !== undefined,
      ...(downgrade && { downgrade }),
      ...(snapshot &&
        restore && {
          snapshot: { id: snapshot.manifest.id, proved: snapshot.proved, price: priceOf(restore, snapshot.manifest) },
        }),
    });
  return {
    ...(downgrade && { downgrade }),
    ...(restore && { restore }),
    ...(advice && { advice }),
    ...(problems.length > 0 && { problems }),
  };
}

async function downgradeLoss(
  server: PostgresServer,
  { undo, scripts }: NonNullable<LossOptions['down']>,
  versionTable: VersionTable,
): Promise<DowngradeLoss> {
  return countDowngradeLoss(server, server.database, await readEffects(undo, await scripts(), versionTable));
}

async function restoreOutlook(
  { server, versionTable, countRestore }: LossOptions,
  manifest: SnapshotManifest,
): Promise<RestoreOutlook> {
  const { id, takenAt, content } = manifest;
  if (countRestore) return { id, takenAt, loss: await countRestore(manifest) };
  return { id, takenAt, rough: await compareRowCounts(server, content, versionTable) };
}

/** All that a restore would undo, as one number. */
export function priceOf({ loss, rough }: RestoreOutlook, { content }: Pick<SnapshotManifest, 'content'>): RestorePrice {
  const rows = content.tables.reduce((all, table) => all + table.rows, 0);
  if (!loss) return { changes: rough?.atLeast ?? 0, atLeast: true, rows: rough?.rows ?? rows };
  const { inserted, updated, deleted, newValues } = loss;
  return { changes: inserted + updated + deleted + newValues, atLeast: false, rows };
}

const choices: Readonly<Record<Recommendation['choice'], string>> = {
  keep: 'keep the data as it is',
  downgrade: 'downgrade',
  restore: 'restore the snapshot',
  'fix-forward': 'fix forward: mend the newer release',
};

/** An outlook in words, a line each. */
export function lossOutlookLines({ downgrade, restore, advice, problems = [] }: LossOutlook): string[] {
  return [
    ...(downgrade ? downgradeLossText(downgrade) : []),
    ...(restore
      ? [...restoreLines(restore, 'To count every change: rewind plan --loss.'), `    ${keptDatabaseText}`]
      : []),
    ...problems.map((problem) => `Not all of it could be looked at: ${problem}`),
    ...(advice ? [`Advice: ${choices[advice.choice]}, because ${advice.why}.`] : []),
  ];
}

/**
 * What a restore would lose in words, a line each.
 *
 * @param how - how to get the numbers that are missing, as a sentence
 */
export function restoreLines({ id, takenAt, loss, rough }: RestoreOutlook, how: string): string[] {
  const since = `${id} (${takenAt.slice(0, 16).replace('T', ' ')} UTC)`;
  if (loss) return restoreLossText(loss, since);
  if (!rough) return [];
  if (rough.tables.length === 0) {
    return [`Every table has as many rows as in ${since}; rows that were updated are not counted. ${how}`];
  }
  return [
    `A restore would lose at least ${rough.atLeast.toLocaleString('en')} changes since ${since}. ${how}`,
    ...rough.tables.map(({ schema, name, is, was }) => {
      const then = was?.toLocaleString('en');
      if (!is) return `    ${schema}.${name}: comes back with ${then} rows`;
      return `    ${schema}.${name}: ${countText(is, 'row')} now, ${then ?? 'not there'} then`;
    }),
  ];
}
