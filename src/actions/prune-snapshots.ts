import { dropDatabase } from '../postgres/restore';
import type { ReleaseStore } from '../releases/release-store';
import { newestAt, type SnapshotStore } from '../snapshots/snapshot-store';
import type { StackDatabase } from './open-database';
import { readyNames } from './ready-database';
import { keptDatabases } from './restore-database';

/** What is to go. */
export interface PruneOptions {
  /** How many of the newest snapshots stay. */
  readonly keep: number;
  /** Snapshots that stay besides. @default none */
  readonly needed?: ReadonlySet<string>;
  /** Whether the databases that restores have replaced go too, and what proofs have left. @default false: only what those of the snapshots have left */
  readonly databases?: boolean;
  /** Only says what would go. @default false */
  readonly dryRun?: boolean;
}

/** What has gone. */
export interface Pruned {
  readonly snapshots: readonly string[];
  readonly databases: readonly string[];
}

/**
 * Removes the oldest snapshots, and databases that are kept aside, for good.
 *
 * @throws RewindError store/unusable, database/…
 */
export async function pruneSnapshots(
  { server, snapshots }: StackDatabase,
  { keep, needed = new Set(), databases = false, dryRun = false }: PruneOptions,
): Promise<Pruned> {
  const ids = await snapshots.ids();
  const old = ids.slice(0, Math.max(0, ids.length - keep)).filter((id) => !needed.has(id));
  const replaced = databases ? (await keptDatabases(server)).map(({ name }) => name) : [];
  const proofs = await Promise.all(old.map((id) => snapshots.proof(id)));
  const ofOld = new Set(proofs.map((proof) => proof?.ready?.name));
  const ready = (await readyNames(server)).filter((name) => databases || ofOld.has(name));
  const gone = [...replaced, ...ready];
  if (!dryRun) {
    for (const id of old) await snapshots.remove(id);
    for (const name of gone) await dropDatabase(server, name);
  }
  return { snapshots: old, databases: gone };
}

/**
 * Snapshots that the releases need whose images are kept: the one that was taken before each, and the newest one at the
 * revision of each.
 *
 * @param retain - how many releases keep their images
 */
export async function neededSnapshots(
  releases: ReleaseStore,
  snapshots: SnapshotStore,
  retain: number,
): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  const there = await snapshots.list();
  for (const stored of await releases.list(retain)) {
    const database = 'record' in stored ? stored.record.database : undefined;
    if (!database) continue;
    if (database.snapshot !== undefined) needed.add(database.snapshot);
    const newest = newestAt(there, database.revisions);
    if (newest) needed.add(newest.id);
  }
  return needed;
}
