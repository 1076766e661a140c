import type { Readable } from 'node:stream';

/** A row as it is compared: its key, and everything else of it, each as a hash. */
interface HashedRow {
  readonly key: string;
  readonly hash: string;
  /** Microseconds since 1970 in the column that tells of a change. @default there is none */
  readonly changedAt: string | undefined;
}

/** Ends the rows of a table in a stream that has those of several. */
export const endOfTable = '@';

/** Rows of tables, one table after the other, as `COPY` writes them: key, hash, time. Only some buffers are in memory. */
export class SortedRows {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = '';
  #lines: string[] = [];
  #at = 0;

  constructor(stream: Readable) {
    this.#chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The next row of the table; undefined behind its last one. At once where it has been read already. */
  next(): HashedRow | undefined | Promise<HashedRow | undefined> {
    return this.#at < this.#lines.length ? this.#row() : this.#more();
  }

  async #more(): Promise<HashedRow | undefined> {
    while (this.#at >= this.#lines.length) {
      const next = await this.#chunks.next();
      if (next.done) throw new Error('The rows ended before the table did.');
      const parts = (this.#rest + next.value.toString('latin1')).split('\n'); // nothing but ASCII is written
      this.#rest = parts.pop()!;
      [this.#lines, this.#at] = [parts, 0];
    }
    return this.#row();
  }

  #row(): HashedRow | undefined {
    const line = this.#lines[this.#at++]!;
    if (line === endOfTable) return undefined;
    const [key = '', hash = '', changedAt] = line.split('\t');
    return { key, hash, changedAt: changedAt === '\\N' ? undefined : changedAt };
  }
}

/** How rows differ from those of before. */
export interface RowChanges {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Microseconds since 1970. @default no time is known */
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
}

/** How the time of a change is read of a row. */
export interface ChangeTimes {
  /** Whether the column tells of an update too, and not of an insert alone. */
  readonly updates: boolean;
  /** Times outside of these, in microseconds since 1970, are none of a change. */
  readonly from: number;
  readonly to: number;
}

/**
 * Compares a table's rows in the order of their keys, each key as often as it is there: what is in `now` alone is
 * inserted, what is in `before` alone is deleted. Only one row of each side is looked at.
 *
 * @param times - how the time of a change is read. @default it is not
 */
export async function compareSorted(now: SortedRows, before: SortedRows, times?: ChangeTimes): Promise<RowChanges> {
  let [inserted, updated, deleted] = [0, 0, 0];
  let oldest: number | undefined;
  let newest: number | undefined;
  const note = ({ changedAt }: HashedRow): void => {
    const at = Number(changedAt);
    if (!times || changedAt === undefined || !Number.isFinite(at) || at < times.from || at > times.to) return;
    oldest = Math.min(oldest ?? at, at);
    newest = Math.max(newest ?? at, at);
  };
  let [left, right] = [await now.next(), await before.next()];
  while (left || right) {
    const order = !right ? -1 : !left ? 1 : left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
    if (order < 0) {
      inserted++;
      note(left!);
    } else if (order > 0) deleted++;
    else if (left!.hash !== right!.hash) {
      updated++;
      if (times?.updates) note(left!);
    }
    // Nothing is waited for that is there: millions of rows would each take a turn of the event loop.
    const [nextLeft, nextRight] = [order <= 0 ? now.next() : left, order >= 0 ? before.next() : right];
    left = nextLeft instanceof Promise ? await nextLeft : nextLeft;
    right = nextRight instanceof Promise ? await nextRight : nextRight;
  }
  return { inserted, updated, deleted, oldest, newest };
}
