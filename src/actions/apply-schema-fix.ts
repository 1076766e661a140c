import { RewindError } from '../errors';
import type { VersionTable } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import { readCatalogue } from '../schema/read-catalogue';
import type { Catalogue } from '../schema/row';
import { SchemaComparison } from '../schema/comparison';
import type { SnapshotStore } from '../snapshots/snapshot-store';
import { takeSnapshot } from './take-snapshot';

/** What is put right, and where. */
export interface SchemaFixOptions {
  readonly server: PostgresServer;
  readonly snapshots: SnapshotStore;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** Of the release. */
  readonly catalogue: Catalogue;
  /** Ids of the findings to put right. @default all that can be */
  readonly only?: readonly string[];
  /** Also what does not bring everything back: a table that was dropped is made again, empty. @default false */
  readonly evenIfEmpty?: boolean;
  readonly versionTable?: VersionTable;
  readonly onStep?: (text: string) => void;
}

/** What was done. */
export interface SchemaFix {
  /** The snapshot that was taken first. @default there was nothing to do */
  readonly snapshot?: string;
  readonly statements: readonly string[];
  /** What was left as it is, by name. */
  readonly left: readonly string[];
}

/**
 * Puts a schema right that somebody has changed: in one transaction, after a snapshot. The first statement that fails
 * leaves everything as it was. Afterwards the schema is looked at again.
 *
 * @throws RewindError database/…, store/unusable
 */
export async function applySchemaFix(options: SchemaFixOptions): Promise<SchemaFix> {
  const { server, snapshots, stack, catalogue, only, evenIfEmpty = false, versionTable } = options;
  const compare = async (): Promise<SchemaComparison> =>
    new SchemaComparison(catalogue, await readCatalogue(server), server.database);
  const comparison = await compare();
  const wanted = comparison.differences().filter(({ name }) => only?.includes(`database/${name}`) ?? true);
  const mended = wanted.filter(({ isWhole, back }) => isWhole || (evenIfEmpty && back.gaps.length === 0));
  const left = wanted.filter((it) => !mended.includes(it)).map(({ name }) => name);
  if (mended.length === 0) return { statements: [], left };
  const { statements, outside } = comparison.wayBack(new Set(mended.flatMap(({ keys }) => keys)));
  await server.checkWritable();
  const { id: snapshot } = await takeSnapshot({
    server,
    store: snapshots,
    stack,
    ...(versionTable && { versionTable }),
    ...(options.onStep && { onStep: options.onStep }),
    reason: `before the schema was put right: ${mended.map(({ name }) => name).join(', ')}`,
  });
  await server.execute(['BEGIN;', `SET LOCAL search_path = '';`, ...statements, 'COMMIT;'].join('\n'));
  if (outside.length > 0) await server.execute([...outside, 'SELECT pg_reload_conf() \\g /dev/null'].join('\n'));
  const names = new Set(mended.map(({ name }) => name));
  const still = (await compare()).differences().filter(({ name }) => names.has(name));
  if (still.length > 0) {
    throw new RewindError({
      code: 'database/failed',
      message: `The schema of ${server.service} is still not as in the release: ${still.map(({ name }) => name).join(', ')}.`,
      fix: `See what is left: rewind drift. What was there before is in the snapshot ${snapshot}.`,
    });
  }
  return { snapshot, statements, left };
}
