import type { DataChange } from '../releases/next-config';
import type { DataOutcome } from './data-run';

/** How the data of before an update comes back: what was replaced is still there, and what was undone is in the snapshot. */
export function dataBack({ keptAs, moved, snapshot }: DataOutcome): DataChange {
  const at = new Date().toISOString();
  if (keptAs !== undefined) return { restore: { database: keptAs, at } };
  if (moved && !moved.isReversible && snapshot !== undefined) return { restore: { snapshot, at } };
  return {};
}
