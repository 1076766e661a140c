import type { ReleasedDatabase } from '../releases/record';
import type { ReleaseStore } from '../releases/release-store';
import { withAcceptedSchema } from './accepted-schema';
import { DataExchange } from './data-run';
import { same } from './move-data';
import { versionTableOf } from './open-database';
import type { PreparedData } from './prepare-data';

/** What a release record says of the data. */
export async function releasedData(
  store: ReleaseStore,
  { target, settings }: PreparedData,
): Promise<ReleasedDatabase | undefined> {
  if (target === undefined || target === 'unknown') return undefined;
  const versionTable = versionTableOf(settings);
  const stands = {
    revisions: target.revisions,
    ...(Object.keys(versionTable).length > 0 && { versionTable }),
  };
  const { moved, keptAs, snapshot, schema, verified } = await new DataExchange(store).outcome();
  if (moved || keptAs !== undefined || verified !== undefined) {
    return {
      ...stands,
      ...(schema !== undefined && { schema }),
      ...(snapshot !== undefined && { snapshot }),
      ...(verified !== undefined && { verified }),
    };
  }
  // This update has left the data alone: it is what it was in the release before.
  const newest = await store.newest();
  const before = newest && (await withAcceptedSchema(store, newest)).database;
  if (!before || !same(before.revisions, stands.revisions)) return stands;
  return {
    ...stands,
    ...(before.schema !== undefined && { schema: before.schema }),
    ...(before.verified !== undefined && { verified: before.verified }),
  };
}
