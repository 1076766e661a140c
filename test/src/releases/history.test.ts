import { describe, expect, test } from 'vitest';

import type { HistoryEntry } from '../../../src/automation/engine';
import { RewindError } from '../../../src/errors';
import { defaultTarget, goodReleases, historyOf } from '../../../src/releases/history';
import type { ReleaseRecord } from '../../../src/releases/record';
import type { StoredRelease } from '../../../src/releases/release-store';
import { releaseRecord, releasedService } from '../../support/release-records';
import { refusal } from '../../support/problems';

const stored = (...records: ReleaseRecord[]): StoredRelease[] =>
  records.map((record) => ({ number: record.number, record }));

/** An update as the backend tells of it: at a minute past midnight, for 6 s, in whole seconds. */
const entry = (minute: number, more: Partial<HistoryEntry> = {}): HistoryEntry => ({
  kind: 'update',
  result: 'succeeded',
  message: '',
  startedAt: new Date(Date.UTC(2026, 10, 24, 0, minute)),
  finishedAt: new Date(Date.UTC(2026, 10, 24, 0, minute, 6)),
  changes: {},
  ...more,
});

const brief = (entries: HistoryEntry[], ...records: ReleaseRecord[]): string[] =>
  historyOf(stored(...records), entries).map(({ release, isNew, result, message = '' }) =>
    `${release === undefined ? '-' : `${isNew ? 'r' : '='}${release}`} ${result} ${message}`.trim(),
  );

describe('the history', () => {
  test('puts each record to the update that made it, whatever the order of what the backend lists', () => {
    expect(brief([entry(2), entry(1)], releaseRecord(1), releaseRecord(2, { message: 'why' }))).toEqual([
      'r1 succeeded',
      'r2 succeeded why',
    ]);
  });

  test('lists a failed update, which is no release, and numbers stay', () => {
    const entries = [entry(1), entry(2, { result: 'failed', message: 'broken\n\nmore' }), entry(3)];
    const rows = [releaseRecord(1), releaseRecord(2, { ...releaseRecord(3), number: 2 })];
    expect(brief(entries, ...rows)).toEqual(['r1 succeeded', '- failed broken', 'r2 succeeded']);
  });

  test('tells that an update has changed nothing: the release before it still runs', () => {
    expect(brief([entry(1), entry(5, { message: 'again' })], releaseRecord(1))).toEqual([
      'r1 succeeded',
      '=1 succeeded again',
    ]);
  });

  test('has the records that the backend has forgotten, and those that it has not heard of', () => {
    expect(brief([entry(2)], releaseRecord(1), releaseRecord(2), releaseRecord(3))).toEqual([
      'r1 succeeded',
      'r2 succeeded',
      'r3 succeeded',
    ]);
  });

  test('leaves out previews and refreshes, and tells that the stack was taken down', () => {
    const entries = [
      entry(1),
      entry(2, { kind: 'preview' }),
      entry(3, { kind: 'refresh' }),
      entry(4, { kind: 'destroy' }),
    ];
    expect(brief(entries, releaseRecord(1))).toEqual(['r1 succeeded', '- taken down']);
  });

  test('has the message of a bare pulumi up from the backend', () => {
    expect(brief([entry(1, { message: 'by hand' })], releaseRecord(1, { kind: 'update' }))).toEqual([
      'r1 succeeded by hand',
    ]);
    expect(brief([entry(1, { message: 'deploy' })], releaseRecord(1))).toEqual(['r1 succeeded']);
  });

  test('says of each release which images came, changed and went', () => {
    const services = (images: Record<string, string>): Pick<ReleaseRecord, 'services'> => ({
      services: Object.fromEntries(Object.entries(images).map(([name, image]) => [name, releasedService(image)])),
    });
    const [, second] = historyOf(
      stored(
        releaseRecord(1, services({ api: 'a:1', old: 'o:1', same: 's:1' })),
        releaseRecord(2, services({ api: 'a:2', more: 'm:1', same: 's:1' })),
      ),
      [entry(1), entry(2)],
    );
    expect(second!.images).toEqual({ api: { from: 'a:1', to: 'a:2' }, more: { to: 'm:1' }, old: { from: 'o:1' } });
  });

  test('tells of a damaged record, and goes on with the others', () => {
    const damage = new RewindError({ code: 'release/damaged', message: 'm', fix: 'f' });
    const all: StoredRelease[] = [...stored(releaseRecord(1)), { number: 2, damage }, ...stored(releaseRecord(3))];
    const rows = historyOf(all, [entry(1), entry(3)]);
    expect(rows.map(({ release, result }) => `r${release} ${result}`)).toEqual([
      'r1 succeeded',
      'r2 damaged',
      'r3 succeeded',
    ]);
    expect(goodReleases(all, rows).map(({ number }) => number)).toEqual([1, 3]);
  });

  test('knows that a release whose update failed after all is none to go back to', () => {
    const all = stored(releaseRecord(1), releaseRecord(2));
    const rows = historyOf(all, [entry(1), entry(2, { result: 'failed' })]);
    expect(goodReleases(all, rows).map(({ number }) => number)).toEqual([1]);
  });
});

describe('going back without naming a release', () => {
  const release = (number: number, fingerprint: string, revertOf?: number): ReleaseRecord =>
    releaseRecord(number, { fingerprint, ...(revertOf !== undefined && { revertOf }) });
  const target = (...releases: ReleaseRecord[]): number => defaultTarget(releases).number;

  test('goes to the last one before the current', () => {
    expect(target(release(1, 'a'), release(2, 'b'), release(3, 'c'))).toBe(2);
  });

  test('twice goes two steps back, not back and forth', () => {
    expect(target(release(1, 'a'), release(2, 'b'), release(3, 'c'), release(4, 'b', 2))).toBe(1);
  });

  test('follows a revert of a revert to its origin', () => {
    expect(
      target(
        release(1, 'a'),
        release(2, 'b'),
        release(3, 'c'),
        release(4, 'b', 2),
        release(5, 'd'),
        release(6, 'b', 4),
      ),
    ).toBe(1);
  });

  test('passes over one that is the same as what runs', () => {
    expect(target(release(1, 'a'), release(2, 'b'), release(3, 'c'), release(4, 'b'))).toBe(3);
    expect(target(release(1, 'a'), release(2, 'b'), release(3, 'b'))).toBe(1);
  });

  test('says why there is nothing to go back to', () => {
    expect(refusal(() => defaultTarget([])).message).toBe('The stack has no release yet.');
    expect(refusal(() => defaultTarget([release(1, 'a')])).message).toBe('There is no release before r1.');
    expect(refusal(() => defaultTarget([release(1, 'a'), release(2, 'b'), release(3, 'a', 1)])).message).toBe(
      'There is no release before r3, which is r1 brought back.',
    );
  });
});
