import type { HistoryRow } from '../../src/releases/history';
import { releaseName } from '../../src/releases/record';
import { formatDuration } from '../../toolchain/step-output';
import { columns, localTime } from './columns';

/** A row of the history, and whether the snapshot that was taken before it cannot be restored. */
export type ShownRow = HistoryRow & { readonly notRestorable?: boolean };

/**
 * The history as a table, newest first.
 *
 * @param current - number of the release that runs
 */
export function historyText(rows: readonly ShownRow[], current: number | undefined): string {
  const withRevision = rows.some(({ database }) => database !== undefined);
  if (rows.length === 0) return 'There is no update yet. The first one: rewind deploy, or pulumi up.';
  const lines = [...rows]
    .reverse()
    .map((row) => [
      row.release === undefined ? '' : `${releaseName(row.release)}${row.isNew && row.release === current ? ' *' : ''}`,
      Number.isNaN(row.at.getTime()) ? '' : localTime(row.at),
      Number.isNaN(row.seconds) ? '' : formatDuration(row.seconds * 1000),
      resultText(row),
      row.by ?? '',
      ...(withRevision ? [row.database?.revisions.join(', ') ?? ''] : []),
      whatText(row),
    ]);
  const heads = ['release', 'when', 'took', 'result', 'by', ...(withRevision ? ['revision'] : []), 'what'];
  return columns([heads, ...lines]);
}

function resultText({ result, release, isNew }: HistoryRow): string {
  if (result === 'succeeded' && !isNew) return release === undefined ? 'succeeded' : 'unchanged';
  return result;
}

function whatText({ message, revertOf, images, database, notRestorable = false }: ShownRow): string {
  const changes = Object.entries(images).map(([service, { from, to }]) => {
    if (to === undefined) return `${service} removed`;
    return from === undefined ? `${service} ${tagOf(to)}` : `${service} ${tagOf(from)} → ${tagOf(to)}`;
  });
  return [
    ...(revertOf === undefined ? [] : [`back to ${releaseName(revertOf)}`]),
    ...(message === undefined ? [] : [message]),
    ...(changes.length === 0
      ? []
      : [`(${changes.slice(0, 4).join(', ')}${changes.length > 4 ? `, and ${changes.length - 4} more` : ''})`]),
    ...(notRestorable ? [`THE SNAPSHOT BEFORE IT IS NOT RESTORABLE: ${database?.snapshot ?? ''}`] : []),
  ].join(' ');
}

/** `v0.2.0` of `registry.example.com/api:v0.2.0`. */
function tagOf(reference: string): string {
  const tag = /:([^/:@]+)$/.exec(reference)?.[1];
  return reference.startsWith('sha256:') ? reference.slice(0, 19) : (tag ?? reference);
}
