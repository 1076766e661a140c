import type { RecordedVerification } from '../operations/record';
import type { ReleaseRecord } from '../releases/record';

/**
 * Looks at a release.
 *
 * @param stop - nobody wants to know any more
 */
export type Verify = (release: ReleaseRecord, stop?: AbortSignal) => Promise<RecordedVerification>;

interface Begun {
  readonly release: number;
  readonly stop: AbortController;
  /** What it found, or what has ended it. */
  readonly end: Promise<{ readonly found: RecordedVerification } | { readonly error: unknown }>;
}

/**
 * A verification that begins when everything is ready, beside what the engine still has to write down. It counts if it
 * passes and nothing has been changed since it began; else the stack is looked at again when the engine has ended.
 */
export class EarlyVerification {
  readonly #verify: Verify;
  #begun: Begun | undefined;

  constructor(verify: Verify) {
    this.#verify = verify;
  }

  begin(release: ReleaseRecord): void {
    this.drop();
    const stop = new AbortController();
    const end = this.#verify(release, stop.signal).then(
      (found) => ({ found }),
      (error: unknown) => ({ error }),
    );
    this.#begun = { release: release.number, stop, end };
  }

  /** What it was about is no more as it was. */
  drop(): void {
    this.#begun?.stop.abort();
    this.#begun = undefined;
  }

  /**
   * The verification of a release at the end of its update.
   *
   * @throws what has ended it
   */
  async of(release: ReleaseRecord): Promise<RecordedVerification> {
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun?.release !== release.number) return this.#verify(release);
    const end = await begun.end;
    if ('error' in end) throw end.error;
    return end.found.ok ? end.found : this.#verify(release);
  }
}
