import type { HistoryEntry } from '../automation/engine';
import { RewindError } from '../errors';
import { type ReleasedDatabase, type ReleaseRecord, releaseName } from './record';
import type { StoredRelease } from './release-store';

/** One update of a stack. */
export interface HistoryRow {
  /** The release that ran afterwards. @default the update failed, or left no record */
  readonly release?: number;
  /** False where the update made no new release: it changed nothing, or put back what had run before. */
  readonly isNew: boolean;
  /** `succeeded`, `failed`, `in-progress`, or `damaged` for a release whose record cannot be read. */
  readonly result: string;
  readonly at: Date;
  readonly seconds: number;
  /** Who did it. @default not known */
  readonly by?: string;
  readonly kind?: ReleaseRecord['kind'];
  readonly message?: string;
  /** The release that was brought back. */
  readonly revertOf?: number;
  /** Where the database stood, if it is one that Rewind looks after. */
  readonly database?: ReleasedDatabase;
  /** By service, the image that came with this release. */
  readonly images: Readonly<Record<string, { readonly from?: string; readonly to?: string }>>;
}

// Backends write the times of an update in whole seconds, and by a clock of their own.
const clockToleranceMs = 2000;

/**
 * The updates of a stack in order: what the backend tells of each, together with the release records. A record of an
 * update that failed after all is no release.
 *
 * @param stored - the records, ascending
 * @param entries - what `pulumi stack history` lists, in any order
 */
export function historyOf(stored: readonly StoredRelease[], entries: readonly HistoryEntry[]): HistoryRow[] {
  const updates = entries
    .filter(({ kind }) => ['update', 'destroy'].includes(kind))
    .sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  const left = [...stored];
  const rows: HistoryRow[] = [];
  let before: ReleaseRecord | undefined;

  const add = (release: StoredRelease, entry: HistoryEntry | undefined): void => {
    if ('damage' in release) {
      rows.push({
        release: release.number,
        isNew: true,
        result: 'damaged',
        at: entry?.startedAt ?? new Date(NaN),
        seconds: entry ? secondsOf(entry) : NaN,
        ...(entry && messageOf(entry)),
        images: {},
      });
      return;
    }
    const { record } = release;
    // Our own commands record the reason themselves; of a bare `pulumi up` only the backend has it.
    const message = entry && record.kind === 'update' ? messageOf(entry) : {};
    rows.push({ ...rowOf(record, before), ...(entry && { result: entry.result }), ...message });
    if (entry === undefined || entry.result === 'succeeded') before = record;
  };

  for (const entry of updates) {
    // Records from before this update were made by updates that the backend has forgotten.
    while (left[0] && (finishedBefore(left[0], entry) || isOlder(left, entry))) add(left.shift()!, undefined);
    if (left[0] && (finishedWithin(left[0], entry) || hasMade(left[0], entry))) add(left.shift()!, entry);
    else {
      const isBack = entry.kind === 'update' && entry.result === 'succeeded' && before;
      rows.push({
        ...(isBack && { release: isBack.number }),
        isNew: false,
        result: entry.kind === 'destroy' && entry.result === 'succeeded' ? 'taken down' : entry.result,
        at: entry.startedAt,
        seconds: secondsOf(entry),
        ...messageOf(entry),
        images: {},
      });
    }
  }
  for (const release of left) add(release, undefined);
  return rows;
}

/** The releases that a stack can go back to, ascending: every row that is one. */
export function goodReleases(stored: readonly StoredRelease[], rows: readonly HistoryRow[]): ReleaseRecord[] {
  const good = new Set(
    rows.flatMap(({ release, isNew, result }) => (isNew && result === 'succeeded' ? [release] : [])),
  );
  return stored.flatMap((it) => ('record' in it && good.has(it.number) ? [it.record] : []));
}

/**
 * The release to go back to when none is named: the last one before what runs now. What runs now may itself have been
 * brought back: then the one before the original counts, so that going back twice goes back two steps, and not forth.
 *
 * @throws RewindError release/unknown
 */
export function defaultTarget(releases: readonly ReleaseRecord[]): ReleaseRecord {
  const byNumber = new Map(releases.map((release) => [release.number, release]));
  const current = releases.at(-1);
  let origin = current;
  while (origin?.revertOf !== undefined && byNumber.has(origin.revertOf)) origin = byNumber.get(origin.revertOf);
  const target = releases.findLast(
    (release) => release.number < origin!.number && release.fingerprint !== current!.fingerprint,
  );
  if (target) return target;
  throw new RewindError({
    code: 'release/unknown',
    message: current
      ? `There is no release before ${releaseName(current.number)}${origin === current ? '' : `, which is ${releaseName(origin!.number)} brought back`}.`
      : 'The stack has no release yet.',
    fix: current ? 'Name one: rewind history lists them.' : 'Make one: rewind deploy, or pulumi up.',
  });
}

function rowOf(record: ReleaseRecord, before: ReleaseRecord | undefined): HistoryRow {
  const { number, startedAt, finishedAt, by, kind, message, revertOf, database } = record;
  return {
    release: number,
    isNew: true,
    result: 'succeeded',
    at: new Date(startedAt),
    seconds: (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    by,
    kind,
    ...(message !== undefined && { message }),
    ...(revertOf !== undefined && { revertOf }),
    ...(database && { database }),
    images: changedImages(before, record),
  };
}

function changedImages(before: ReleaseRecord | undefined, after: ReleaseRecord): HistoryRow['images'] {
  const names = [...new Set([...Object.keys(before?.services ?? {}), ...Object.keys(after.services)])].sort();
  return Object.fromEntries(
    names.flatMap((name) => {
      const [from, to] = [before?.services[name], after.services[name]];
      if (from?.imageId === to?.imageId && from?.image === to?.image) return [];
      return [[name, { ...(from && { from: from.image }), ...(to && { to: to.image }) }]];
    }),
  );
}

function messageOf({ message }: HistoryEntry): { message?: string } {
  const [title = ''] = message.split('\n');
  return title === '' ? {} : { message: title };
}

function secondsOf({ startedAt, finishedAt }: HistoryEntry): number {
  return (finishedAt.getTime() - startedAt.getTime()) / 1000;
}

/** Whether the first of these is a damaged record from before this update: a later one was made by it, or before it. */
function isOlder([first, ...later]: readonly StoredRelease[], entry: HistoryEntry): boolean {
  const readable = later.find((release) => 'record' in release);
  if (!first || 'record' in first || !readable) return false;
  return finishedBefore(readable, entry) || finishedWithin(readable, entry);
}

/** A damaged record does not say when it was made: by the first update of its time that changed something. */
function hasMade(release: StoredRelease, { result, kind, changes }: HistoryEntry): boolean {
  const changed = Object.entries(changes).some(([op, count]) => op !== 'same' && count > 0);
  return 'damage' in release && kind === 'update' && result === 'succeeded' && changed;
}

function finishedWithin(release: StoredRelease, { startedAt, finishedAt }: HistoryEntry): boolean {
  if ('damage' in release) return false;
  const time = Date.parse(release.record.finishedAt);
  return time >= startedAt.getTime() - clockToleranceMs && time <= finishedAt.getTime() + clockToleranceMs;
}

function finishedBefore(release: StoredRelease, { startedAt }: HistoryEntry): boolean {
  if ('damage' in release) return false;
  return Date.parse(release.record.finishedAt) < startedAt.getTime() - clockToleranceMs;
}
