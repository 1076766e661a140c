import { createHash } from 'node:crypto';

import type { Advice } from '../assess/advice';
import { RewindError } from '../errors';
import type { ProbeResult } from '../verify/probe';

/** What was done to a stack. */
export type OperationKind = 'assess' | 'deploy' | 'revert' | 'restart' | 'drill';

/** How it ended. */
export type OperationResult = 'done' | 'refused' | 'put-back' | 'broken';

/** A part of an operation. Parts may lie beside each other. */
export interface PhaseRecord {
  /** `plan`, `protect`, `prepare`, `switch`, `verify`, `record`, `put back`. */
  readonly name: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly ok: boolean;
}

/** What ran before an operation, or after it. */
export interface StackSide {
  /** Number of the release. @default there was none */
  readonly release?: number;
  /** By service: the image as it was asked for, and its ID. */
  readonly images: Readonly<Record<string, { readonly image: string; readonly imageId: string }>>;
  /** Where the schema stood. @default there is no database that Rewind looks after */
  readonly revisions?: readonly string[];
}

/** A reason to roll back that held. */
export interface RecordedTrigger {
  readonly id: string;
  readonly title: string;
  readonly service?: string;
  readonly evidence: string;
  /** ISO 8601. @default nobody can tell */
  readonly since?: string;
}

/** What was seen of a stack before something was done about it. */
export interface RecordedAssessment {
  readonly triggers: readonly RecordedTrigger[];
  readonly advice: Advice;
}

/** Whether the stack was as it should be afterwards. */
export interface RecordedVerification {
  readonly level: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly probes: readonly ProbeResult[];
}

/** One operation on a stack: written once, without a secret. */
export interface OperationRecord {
  readonly format: 1;
  /** 1, 2, … */
  readonly number: number;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  readonly kind: OperationKind;
  /** `revert to r3`. */
  readonly what: string;
  /** Why, in the words of whoever did it. @default none were given */
  readonly message?: string;
  /** `user@host`. */
  readonly by: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly result: OperationResult;
  /** Why it did not do what it was to do. @default it did */
  readonly failure?: string;
  readonly phases: readonly PhaseRecord[];
  readonly before?: StackSide;
  readonly after?: StackSide;
  /** What differs in environment, settings and files, a line each, secrets masked. */
  readonly configuration?: readonly string[];
  /** The snapshot that was taken first, and the database that was replaced and is kept. */
  readonly data?: { readonly snapshot?: string; readonly keptAs?: string };
  /** What it was said to lose before it began, a line each. @default nothing */
  readonly loss?: readonly string[];
  readonly assessment?: RecordedAssessment;
  readonly verification?: RecordedVerification;
  /** File with what was seen before: containers and their last log lines, beside the record. @default nothing was kept */
  readonly evidence?: string;
  /** Hash of the record before this one; empty for the first. */
  readonly previous: string;
}

/** `o12`. */
export function operationName(number: number): string {
  return `o${number}`;
}

/** The number in `o12` or `12`; undefined if the text names no operation. */
export function parseOperationName(text: string): number | undefined {
  const digits = /^o?([1-9]\d{0,8})$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Hash of a record, which the next one has in it. */
export function hashOf(record: OperationRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('hex');
}

/** A record as text: JSON with its hash. */
export function renderOperation(record: OperationRecord): string {
  return `${JSON.stringify({ ...record, hash: hashOf(record) }, undefined, 2)}\n`;
}

/**
 * Reads what {@link renderOperation} wrote.
 *
 * @param where - the file, for the error
 * @throws RewindError operation/damaged
 */
export function parseOperation(text: string, where: string): OperationRecord {
  const damaged = (why: string): RewindError =>
    new RewindError({
      code: 'operation/damaged',
      message: `The record of an operation ${where} ${why}.`,
      fix: 'Bring the file back from a backup: the records after it are held against it.',
    });
  let parsed: (Partial<OperationRecord> & { hash?: string }) | null;
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    throw damaged('is cut short or is no JSON');
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) throw damaged('is none');
  const { hash, ...record } = parsed;
  if ((record.format as number | undefined) !== 1)
    throw damaged(`has the format ${record.format}, which this version does not know`);
  if (hash !== hashOf(record as OperationRecord)) throw damaged('was changed after it was written');
  return record as OperationRecord;
}
