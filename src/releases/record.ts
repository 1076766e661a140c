import { createHash } from 'node:crypto';

import { RewindError } from '../errors';
import type { ConfigSection, SecretsProvider } from './stack-config';

/** What one service ran in a release. */
export interface ReleasedService {
  /** The image as it was asked for. */
  readonly image: string;
  readonly imageId: string;
  /** When the image was built, ISO 8601. @default the image does not say */
  readonly builtAt?: string;
  /** Under which a registry has the image: `name@sha256:…`. @default it came from none */
  readonly digest?: string;
  /** Commit that the image was built from, as its labels say. @default they do not say */
  readonly revision?: string;
  readonly containers: number;
}

/** Where the database of a stack stood in a release. */
export interface ReleasedDatabase {
  /** Revisions of its migrations, one for each branch. */
  readonly revisions: readonly string[];
  /** Where alembic keeps the revision. @default where it does by itself, or an earlier version has written this */
  readonly versionTable?: { readonly schema?: string; readonly table?: string };
  /** One hash over every object of the schema. @default nobody has looked */
  readonly schema?: string;
  /** The snapshot that was taken before this update changed the data. @default it did not, or there was nothing yet */
  readonly snapshot?: string;
  /** When it was checked that the database was as it should be, ISO 8601. @default it was not */
  readonly verified?: string;
}

/** A successful update of a stack: immutable, and without a secret. */
export interface ReleaseRecord {
  readonly format: 1;
  /** 1, 2, … in the order of the updates. */
  readonly number: number;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** Name of the compose project. */
  readonly project: string;
  /** When the update began and when all services were ready, ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `user@host`. */
  readonly by: string;
  /** By which command it came: `update` is a bare `pulumi up`. */
  readonly kind: 'update' | 'deploy' | 'revert';
  /** Why, in the words of whoever did it. @default none were given */
  readonly message?: string;
  /** The release that a revert brought back. @default it was no revert */
  readonly revertOf?: number;
  readonly services: Readonly<Record<string, ReleasedService>>;
  /** @default the stack had no database that Rewind looks after, or an earlier version has written this */
  readonly database?: ReleasedDatabase;
  /** Name of the sealed catalogue of the database's schema. @default there was none to read, or an earlier version has written this */
  readonly catalogue?: string;
  /** Content hash of each configuration file, by its path; without secrets. */
  readonly files: Readonly<Record<string, string>>;
  /** The `config:` section of the stack configuration: secrets are encrypted by the stack's own secrets provider. */
  readonly config: ConfigSection;
  /** What they were encrypted with: while the stack still has it, they can be put back as they are. */
  readonly provider: SecretsProvider;
  /** Keyed hash of everything that was planned: releases with the same one are the same. */
  readonly fingerprint: string;
  /** Name of the sealed part: the resolved compose model and the values of secrets, encrypted. */
  readonly sealed: string;
}

/** `r3`. */
export function releaseName(number: number): string {
  return `r${number}`;
}

/** The number in `r3` or `3`; undefined if the text names no release. */
export function parseReleaseName(text: string): number | undefined {
  const digits = /^r?([1-9]\d{0,8})$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A record as text: JSON with a checksum, so that a later change of it is noticed. */
export function renderRecord(record: ReleaseRecord): string {
  return `${JSON.stringify({ ...record, checksum: checksumOf(record) }, undefined, 2)}\n`;
}

/**
 * Reads what {@link renderRecord} wrote.
 *
 * @param where - the file, for the error
 * @throws RewindError release/damaged
 */
export function parseRecord(text: string, where: string): ReleaseRecord {
  const damaged = (why: string): RewindError =>
    new RewindError({
      code: 'release/damaged',
      message: `The release record ${where} ${why}.`,
      fix: 'Bring the file back from a backup, or choose another release: rewind history.',
    });
  let parsed: (Partial<ReleaseRecord> & { checksum?: string }) | null;
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    throw damaged('is cut short or is no JSON');
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) throw damaged('is no release record');
  const { checksum, ...record } = parsed;
  if ((record.format as number | undefined) !== 1)
    throw damaged(`has the format ${record.format}, which this version does not know`);
  if (checksum !== checksumOf(record as ReleaseRecord)) throw damaged('was changed after it was written');
  return record as ReleaseRecord;
}

function checksumOf(record: ReleaseRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
