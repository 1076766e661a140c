import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { RewindError } from '../errors';
import type { ReleaseStore } from '../releases/release-store';
import { numbersIn, replaceFile, writeNew } from '../store/write';
import { hashOf, operationName, type OperationRecord, parseOperation, renderOperation } from './record';

/** A record on disk, or what is wrong with it. */
export type StoredOperation = { readonly number: number } & (
  { readonly record: OperationRecord } | { readonly damage: RewindError }
);

/** What a record is made of: the log gives it its number and its place in the chain. */
export type OperationDraft = Omit<OperationRecord, 'format' | 'number' | 'stack' | 'previous' | 'evidence'>;

/**
 * What was done to one stack, in the store: `operations/o12.json` in the stack's folder. Each record has the hash of the
 * one before it, so that one that is changed or taken away is noticed by those that came after.
 */
export class OperationLog {
  readonly #releases: ReleaseStore;
  readonly #stack: string;
  readonly #folder: string;

  /** @param stack - `project/stack` of Pulumi */
  constructor(releases: ReleaseStore, stack: string) {
    this.#releases = releases;
    this.#stack = stack;
    this.#folder = join(releases.folder, 'operations');
  }

  /** Numbers of the operations, ascending. */
  async numbers(): Promise<number[]> {
    return numbersIn(this.#folder, 'o').catch((error: unknown) => {
      throw this.#releases.unusable('cannot be read', error);
    });
  }

  /**
   * Operations, ascending, each held against the one before it; a damaged record is told of, not thrown.
   *
   * @param newest - only so many, the newest ones. @default all
   */
  async list(newest = Infinity): Promise<StoredOperation[]> {
    const numbers = await this.numbers();
    const wanted = numbers.slice(-newest);
    const first = numbers.length - wanted.length;
    const stored = await Promise.all(numbers.slice(Math.max(0, first - 1)).map((number) => this.#tryRead(number)));
    const checked = stored.map((it, at) => this.#checked(it, stored[at - 1], numbers[0]!));
    return checked.slice(-wanted.length || checked.length);
  }

  /**
   * One operation.
   *
   * @throws RewindError operation/unknown, operation/damaged
   */
  async read(number: number): Promise<OperationRecord> {
    const path = this.#path(number);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#releases.unusable('cannot be read', error);
      throw new RewindError({
        code: 'operation/unknown',
        message: `The stack ${this.#stack} has no operation ${operationName(number)}.`,
        fix: 'See which there are: rewind report --list.',
      });
    });
    return parseOperation(text, path);
  }

  /**
   * Writes a record under the next number.
   *
   * @param evidence - kept beside it as JSON. @default none
   * @throws RewindError store/unusable
   */
  async add(draft: OperationDraft, evidence?: object): Promise<OperationRecord> {
    try {
      for (;;) {
        const last = (await this.numbers()).at(-1) ?? 0;
        const before = last === 0 ? undefined : await this.#tryRead(last);
        const number = last + 1;
        const file = `${operationName(number)}.evidence.json`;
        const record: OperationRecord = {
          format: 1,
          number,
          stack: this.#stack,
          ...draft,
          ...(evidence && { evidence: file }),
          previous: before && 'record' in before ? hashOf(before.record) : '',
        };
        if (!(await writeNew(this.#path(number), renderOperation(record)))) continue;
        if (evidence) await replaceFile(join(this.#folder, file), JSON.stringify(evidence, undefined, 1));
        return record;
      }
    } catch (error) {
      if (error instanceof RewindError) throw error;
      throw this.#releases.unusable('cannot be written', error);
    }
  }

  /** What was kept beside a record; undefined if it is gone. */
  async evidence({ evidence }: OperationRecord): Promise<unknown> {
    if (evidence === undefined) return undefined;
    try {
      return JSON.parse(await readFile(join(this.#folder, evidence), 'utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  async #tryRead(number: number): Promise<StoredOperation> {
    try {
      return { number, record: await this.read(number) };
    } catch (error) {
      if (error instanceof RewindError) return { number, damage: error };
      throw error;
    }
  }

  #checked(it: StoredOperation, before: StoredOperation | undefined, oldest: number): StoredOperation {
    if ('damage' in it || it.number === oldest) return it;
    if (before && before.number === it.number - 1) {
      // One that is damaged itself is told of at its own place.
      if ('damage' in before || it.record.previous === hashOf(before.record)) return it;
    }
    const { number } = it;
    const name = operationName(number - 1);
    const missing = !before || before.number !== number - 1;
    return {
      number,
      damage: new RewindError({
        code: 'operation/damaged',
        message: missing
          ? `The record ${name} is gone: ${this.#path(number)} comes after it.`
          : `The record ${this.#path(number - 1)} is not the one that ${operationName(number)} came after.`,
        fix: 'Bring the file back from a backup.',
      }),
    };
  }

  #path(number: number): string {
    return join(this.#folder, `${operationName(number)}.json`);
  }
}
