import { createHash } from 'node:crypto';

import { RewindError } from '../errors';
import type { DatabaseContent, SequencePosition } from '../postgres/contents';
import type { DatabaseFacts } from '../postgres/facts';
import type { SchemaFingerprint } from '../postgres/schema';

/** One file of a snapshot. */
export interface SnapshotFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** What a snapshot holds, so that what is restored from it can be held against it. Without a row, and without a secret. */
export interface SnapshotManifest {
  readonly format: 1;
  /** `s-20261124-101500`. */
  readonly id: string;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** The moment that it shows, ISO 8601. */
  readonly takenAt: string;
  /** How long it took. */
  readonly seconds: number;
  /** `user@host`. */
  readonly by: string;
  /** Why it was taken. @default nobody said */
  readonly reason?: string;
  /** Whether it shows what an update that failed ran on, before that was put back. @default false */
  readonly isOfFailed?: true;
  /** File that it was imported from. @default it was taken of the running database */
  readonly importedFrom?: string;
  readonly service: string;
  readonly database: string;
  readonly facts: DatabaseFacts;
  /** Size of the database on its server, in bytes: what a restored one takes. */
  readonly databaseBytes: number;
  /** `archive`: pg_dump's custom format; `settings`: `settings`: what belongs to the database itself, as JSON. */
  readonly files: { readonly archive: SnapshotFile; readonly settings: SnapshotFile };
  /** Revisions in alembic's table; empty if there is none. */
  readonly revisions: readonly string[];
  readonly schema: SchemaFingerprint;
  readonly content: DatabaseContent;
  /** Positions of the sequences before and after the archive was written: they go on outside of transactions. */
  readonly sequences: { readonly before: readonly SequencePosition[]; readonly after: readonly SequencePosition[] };
  /** Roles that own something or were granted something. */
  readonly roles: readonly string[];
}

/** A manifest as text: JSON with a checksum, so that a later change of it is noticed. */
export function renderManifest(manifest: SnapshotManifest): string {
  return `${JSON.stringify({ ...manifest, checksum: checksumOf(manifest) }, undefined, 1)}\n`;
}

/**
 * Reads what {@link renderManifest} wrote.
 *
 * @throws RewindError snapshot/damaged
 */
export function parseManifest(text: string, where: string): SnapshotManifest {
  const damaged = (why: string): RewindError =>
    new RewindError({
      code: 'snapshot/damaged',
      message: `The manifest ${where} ${why}.`,
      fix: 'Bring the file back from a backup, or choose another snapshot: rewind snapshot list.',
    });
  let parsed: Partial<SnapshotManifest> & { checksum?: string };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    throw damaged('is cut short or is no JSON');
  }
  const { checksum, ...manifest } = parsed;
  if ((manifest.format as number | undefined) !== 1) {
    throw damaged(`has the format ${manifest.format}, which this version does not know`);
  }
  if (checksum !== checksumOf(manifest as SnapshotManifest)) throw damaged('was changed after it was written');
  return manifest as SnapshotManifest;
}

function checksumOf(manifest: SnapshotManifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}
