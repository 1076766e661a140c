import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ReleaseRecord } from '../releases/record';
import type { ReleaseStore } from '../releases/release-store';
import { replaceFile } from '../store/write';

/** What of a release's schema somebody has taken over since it was made: its record is written once. */
export interface AcceptedSchema {
  /** Number of the release. */
  readonly release: number;
  /** Name of the sealed catalogue that holds in place of the one of the record. */
  readonly catalogue: string;
  /** Fingerprint of the schema that goes with it. */
  readonly schema: string;
  /** ISO 8601. */
  readonly at: string;
  /** `user@host`. */
  readonly by: string;
}

function fileOf({ folder }: Pick<ReleaseStore, 'folder'>): string {
  return join(folder, 'accepted-schema.json');
}

/**
 * A release's schema is from now on that of another catalogue.
 *
 * @throws Error if it cannot be written
 */
export async function acceptSchema(store: Pick<ReleaseStore, 'folder'>, accepted: AcceptedSchema): Promise<void> {
  await replaceFile(fileOf(store), JSON.stringify(accepted, undefined, 2));
}

/** A release's record, with what of its schema was taken over since. */
export async function withAcceptedSchema(
  store: Pick<ReleaseStore, 'folder'>,
  record: ReleaseRecord,
): Promise<ReleaseRecord> {
  try {
    const { release, catalogue, schema } = JSON.parse(await readFile(fileOf(store), 'utf8')) as AcceptedSchema;
    if (release !== record.number) return record;
    const { database } = record;
    return { ...record, catalogue, ...(database?.schema !== undefined && { database: { ...database, schema } }) };
  } catch {
    return record; // nothing was taken over
  }
}
