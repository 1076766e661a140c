import { Journal, type JournalEntry } from '../src/actions/journal';
import type { StackContext } from '../src/actions/stack-context';
import { RewindError } from '../src/errors';
import { defaultTarget, goodReleases, historyOf, type HistoryRow } from '../src/releases/history';
import { parseReleaseName, releaseName, type ReleaseRecord } from '../src/releases/record';

/** What is known of a stack's releases. */
export interface KnownReleases {
  readonly rows: readonly HistoryRow[];
  /** Those that can be gone back to, ascending. */
  readonly good: readonly ReleaseRecord[];
  /** What runs. @default there is no release yet, or its record is damaged */
  readonly current: ReleaseRecord | undefined;
  /** What is wrong with the record of what runs. @default nothing */
  readonly damage: RewindError | undefined;
}

/** Reads the records and what the backend tells of each update. */
export async function readReleases({ releases, engine }: StackContext): Promise<KnownReleases> {
  const [stored, entries] = await Promise.all([releases.list(), engine.history()]);
  const rows = historyOf(stored, entries);
  const good = goodReleases(stored, rows);
  const latest = rows.findLast(({ isNew, result, at }) => isNew && result !== 'failed' && !Number.isNaN(at.getTime()));
  const running = stored.find(({ number }) => number === latest?.release);
  const damage = running && 'damage' in running ? running.damage : undefined;
  return { rows, good, current: damage ? undefined : good.at(-1), damage };
}

/**
 * The release that a command is about.
 *
 * @param word - as it was typed, e.g. `r3`. @default the last good one before the current
 * @throws RewindError release/unknown, release/damaged
 */
export async function chooseRelease(
  context: StackContext,
  known: KnownReleases,
  word: string | undefined,
): Promise<ReleaseRecord> {
  const { name, releases } = context;
  const { good, rows, damage } = known;
  if (word === undefined) {
    if (good.length === 0) return currentRelease(context, known);
    const interrupted = afterInterruption(good, await new Journal(releases).read());
    return interrupted ?? (damage && good.at(-1)) ?? defaultTarget(good);
  }
  const number = parseReleaseName(word);
  if (number === undefined) {
    throw new RewindError({
      code: 'release/unknown',
      message: `"${word}" is not the name of a release of ${name}.`,
      fix: 'Name one like r3; rewind history lists them.',
    });
  }
  // Tells what is wrong with a record that is damaged or not there.
  const record = await releases.read(number);
  if (good.some((release) => release.number === number)) return record;
  const result = rows.find(({ release, isNew }) => isNew && release === number)?.result ?? 'failed';
  throw new RewindError({
    code: 'release/unknown',
    message: `${releaseName(number)} is no release to go back to: its update ${result}.`,
    fix: 'Choose one that rewind history lists as succeeded.',
  });
}

/**
 * Where going back leads after an operation that was interrupted: a revert is finished, and what a deploy had begun is
 * undone. Undefined if it had got so far that its own release is the current one.
 */
function afterInterruption(
  good: readonly ReleaseRecord[],
  journal: JournalEntry | undefined,
): ReleaseRecord | undefined {
  if (!journal) return undefined;
  const current = good.at(-1)?.number;
  const target = journal.revertOf ?? (current === journal.before ? current : undefined);
  return good.find(({ number }) => number === target);
}

/**
 * What runs, for commands that need it.
 *
 * @throws RewindError release/unknown, release/damaged
 */
export function currentRelease({ name }: StackContext, { current, damage }: KnownReleases): ReleaseRecord {
  if (current) return current;
  if (damage) {
    throw new RewindError({
      code: 'release/damaged',
      message: `There is nothing to compare with, as this is what runs: ${damage.message}`,
      fix: 'Bring the file back from a backup, or go back without a plan: rewind revert <release> --yes.',
      cause: damage,
    });
  }
  throw new RewindError({
    code: 'release/unknown',
    message: `The stack ${name} has no release yet.`,
    fix: 'Make one: rewind deploy, or pulumi up.',
  });
}
