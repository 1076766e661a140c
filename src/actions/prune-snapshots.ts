import { dropDatabase } from '../postgres/restore';
import type { StackDatabase } from './open-database';
import { keptDatabases } from './restore-database';

/** What is to go. */
export interface PruneOptions {
  /** How many of the newest snapshots stay. */
  readonly keep: number;
  /** Whether the databases that restores have replaced go too. @default false */
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
  { keep, databases = false, dryRun = false }: PruneOptions,
): Promise<Pruned> {
  const ids = await snapshots.ids();
  const old = ids.slice(0, Math.max(0, ids.length - keep));
  const kept = databases ? (await keptDatabases(server)).map(({ name }) => name) : [];
  if (!dryRun) {
    for (const id of old) await snapshots.remove(id);
    for (const name of kept) await dropDatabase(server, name);
  }
  return { snapshots: old, databases: kept };
}
