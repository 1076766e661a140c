import { PsqlEnded, PsqlSession, type RunPsql } from './psql-session';

/** So long after its last answer a session is closed, in milliseconds: one that stays would be in the way of others. */
const idleMs = 100;

/** Answers queries in one psql as long as they come one soon after another, and in a new one otherwise. */
export class QuerySession {
  readonly #run: RunPsql;
  #psql: PsqlSession | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  /** How many queries are being answered, or wait for it. */
  #asking = 0;

  constructor(run: RunPsql) {
    this.#run = run;
  }

  /**
   * What a query prints. Queries go one by one: one that fails ends the psql, but no other query.
   *
   * @param script - changes nothing of the session
   * @throws PsqlEnded if it fails; and whatever running psql throws
   */
  ask(script: string): Promise<string> {
    this.#asking++;
    const asking = this.#last.then(() => this.#ask(script)).finally(() => this.#asking--);
    this.#last = asking.catch(() => undefined);
    return asking;
  }

  /** Hands its psql over to somebody who may change it and has to end it; undefined if there is none, or it is in use. */
  take(): PsqlSession | undefined {
    if (this.#asking > 0) return undefined;
    clearTimeout(this.#idle);
    const psql = this.#psql;
    this.#psql = undefined;
    return psql;
  }

  async #ask(script: string): Promise<string> {
    clearTimeout(this.#idle);
    const used = this.#psql;
    try {
      return await this.#say(script);
    } catch (error) {
      // Somebody has ended the session while it was idle.
      if (used === undefined || !(error instanceof PsqlEnded) || !isLost(error)) throw error;
      return await this.#say(script);
    } finally {
      this.#idle = setTimeout(() => void this.#close(), idleMs);
    }
  }

  async #say(script: string): Promise<string> {
    const psql = (this.#psql ??= new PsqlSession(this.#run));
    try {
      return await psql.say(script);
    } catch (error) {
      this.#psql = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    const psql = this.#psql;
    this.#psql = undefined;
    await psql?.end();
  }
}

/** psql ends with 2 when it has lost its connection: https://www.postgresql.org/docs/current/app-psql.html#id-1.9.4.20.7 */
export function isLost({ result: { exitCode } }: PsqlEnded): boolean {
  return exitCode === 2 || exitCode === undefined;
}
