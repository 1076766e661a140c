import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Outcome, RunProgramOptions, Step } from '../automation/engine';
import { RewindError } from '../errors';
import { LockTimeout, withLock } from '../lock.mjs';
import { configOfRelease, withImages } from '../releases/next-config';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { openRelease } from '../releases/release-store';
import { newKeyNotice } from '../releases/seal';
import { type ConfigSection, StackConfig } from '../releases/stack-config';
import { removeStrays, whenStopped } from './dead-engine';
import { type ReleaseReason, whoAmI } from './keep-release';
import { restoreSecrets } from './restore-secrets';
import type { StackContext } from './stack-context';

const containerType = 'docker:index/container:Container';

/** Makes the program of a run; undefined: the project's own, in a process of its own. */
export type ProgramFor = (run: {
  readonly configFile: string;
  readonly reason: ReleaseReason;
}) => RunProgramOptions['program'];

/** What hears of the progress of a change. */
export interface ChangeListener {
  /** A part of the operation begins, e.g. `deploying`. */
  readonly onPhase?: (text: string) => void | Promise<void>;
  readonly onStep?: (step: Step) => void;
}

/** A change of a stack: to another configuration. */
export interface ChangeOptions extends ChangeListener {
  readonly context: StackContext;
  /** `deploy` or `revert to r3`, for others who find the stack locked. */
  readonly what: string;
  readonly reason: ReleaseReason;
  /** The configuration to go to; told the one of today. */
  readonly next: (today: ConfigSection) => Promise<ConfigSection>;
  /** The release whose secrets are to be brought back with it. @default those of today stay */
  readonly secretsOf?: ReleaseRecord;
  readonly programFor: ProgramFor;
  /** Asks to stop. What has begun is put back. @default never */
  readonly signal?: AbortSignal;
}

/** How a change ended. */
export type ChangeResult =
  | { readonly state: 'done'; readonly release: ReleaseRecord; readonly steps: readonly Step[] }
  /** It failed before anything had changed. */
  | { readonly state: 'refused'; readonly why: string }
  /** It failed, and what ran before runs again. */
  | { readonly state: 'put-back'; readonly why: string; readonly release: ReleaseRecord }
  /** It failed, and what ran before could not be put back. */
  | { readonly state: 'broken'; readonly why: string; readonly whyNotBack: string };

/**
 * Brings a stack to another configuration through the engine, and puts back what ran before if that fails. The stack
 * configuration file is replaced only when what it says runs.
 *
 * @throws RewindError before anything has changed
 */
export async function changeStack(options: ChangeOptions): Promise<ChangeResult> {
  const { context, what } = options;
  await mkdir(context.releases.folder, { recursive: true, mode: 0o700 });
  const lockFile = join(context.releases.folder, 'lock');
  const since = new Date().toISOString().slice(11, 19);
  try {
    return await withLock(lockFile, () => new Change(options).run(), {
      timeoutMs: 0,
      what: `${what} by ${whoAmI()} since ${since} UTC`,
    });
  } catch (error) {
    if (!(error instanceof LockTimeout)) throw error;
    throw new RewindError({
      code: 'release/locked',
      message: `The stack ${context.name} is being changed: ${error.message.replace(/ has not finished in time$/, '')}.`,
      fix: 'Wait for it to end. The lock of a process that died is taken over by itself.',
    });
  }
}

class Change {
  readonly #options: ChangeOptions;
  readonly #context: StackContext;
  readonly #nextFile: string;
  /** Whether an engine was killed, so that the stack's state may not know what runs. */
  #isUnsure = false;

  constructor(options: ChangeOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#nextFile = join(options.context.releases.folder, 'next.yaml');
  }

  async run(): Promise<ChangeResult> {
    const { next, reason, what, onPhase } = this.#options;
    await this.#finishInterrupted();
    const today = await this.#withKey();
    const before = await this.#current();
    await this.#prepare(today, today.withConfig(await next(today.config)), before);
    await onPhase?.(what);
    const outcome = await this.#update(this.#nextFile, reason, what);
    if (outcome.ok) return this.#done(outcome.steps);
    if (outcome.died) await whenStopped(removalsIn(outcome.unfinished));
    else if (!outcome.steps.some(changesSomething)) {
      await this.#forget();
      return { state: 'refused', why: outcome.why };
    }
    return this.#putBack(before, outcome.why);
  }

  async #update(
    configFile: string,
    reason: ReleaseReason,
    what: string,
    signal = this.#options.signal,
  ): Promise<Outcome> {
    const { programFor, onStep } = this.#options;
    const program = programFor({ configFile, reason });
    const run = (): Promise<Outcome> =>
      this.#context.engine.update({
        configFile,
        ...(program && { program }),
        message: reason.message ?? what,
        refresh: this.#isUnsure,
        ...(signal && { signal }),
        ...(onStep && { onStep }),
      });
    const outcome = await run();
    if (outcome.ok) return outcome;
    if (outcome.died) this.#isUnsure = true;
    if (!(await this.#clearedLock(outcome.why))) return outcome;
    this.#isUnsure = true;
    return run();
  }

  /** Takes Pulumi's lock away if the process that made it is dead. */
  async #clearedLock(why: string): Promise<boolean> {
    const holder = /created by \S+ \(pid (\d+)\)/.exec(why);
    if (!/is currently locked/.test(why) || !holder) return false;
    if (isAlive(Number(holder[1]))) {
      await this.#forget();
      throw new RewindError({
        code: 'release/locked',
        message: `The stack ${this.#context.name} is being changed by a pulumi: ${holder[0].replace(/^created by /, '')}.`,
        fix: 'Wait for it to end. If it runs on another machine and is dead: pulumi cancel.',
      });
    }
    await this.#context.engine.cancel();
    return true;
  }

  async #done(steps: readonly Step[]): Promise<ChangeResult> {
    const release = await this.#current();
    if (!release) throw new Error('an update left no release record');
    if (this.#isUnsure) await removeStrays(release);
    await this.#settle(release);
    return { state: 'done', release, steps };
  }

  /** The update has succeeded: its configuration becomes the stack's, with the images that it came to. */
  async #settle(release: ReleaseRecord): Promise<void> {
    const next = await StackConfig.read(this.#nextFile);
    await next.withConfig(withImages(next.config, release)).replace(this.#context.configFile);
    await this.#forget();
  }

  async #putBack(before: ReleaseRecord | undefined, why: string): Promise<ChangeResult> {
    const { onPhase } = this.#options;
    if (!before) {
      await this.#forget();
      return { state: 'broken', why, whyNotBack: 'there is no earlier release. What was started is left as it is' };
    }
    await onPhase?.(`${why}\n\nputting back ${releaseName(before.number)}`);
    const today = await StackConfig.read(this.#context.configFile);
    const text = today.withConfig(configOfRelease(before, today.config)).toString();
    await writeFile(this.#nextFile, text, { mode: 0o600, flush: true });
    await restoreSecrets(this.#context, before, today, this.#nextFile);
    const reason = { kind: 'revert', revertOf: before.number } as const;
    const what = `put back ${releaseName(before.number)}`;
    const outcome = await this.#update(this.#nextFile, reason, what, undefined);
    if (!outcome.ok) return { state: 'broken', why, whyNotBack: outcome.why };
    const release = (await this.#current()) ?? before;
    if (this.#isUnsure) await removeStrays(release);
    // Mostly the configuration of before says what runs now. It does not if the compose files have changed since.
    if (await this.#isWhatRuns(this.#context.configFile)) await this.#forget();
    else await this.#settle(release);
    return { state: 'put-back', why, release };
  }

  async #isWhatRuns(configFile: string): Promise<boolean> {
    const program = this.#options.programFor({ configFile, reason: { kind: 'update' } });
    const outcome = await this.#context.engine.preview({ configFile, ...(program && { program }) });
    return outcome.ok && !outcome.steps.some(changesSomething);
  }

  /** The stack configuration with a key; the first operation makes it. */
  async #withKey(): Promise<StackConfig> {
    const { configFile, directory, engine, releases } = this.#context;
    const { secretsOf, onPhase } = this.#options;
    const config = await StackConfig.read(configFile);
    if (config.config['rewind:key'] !== undefined) return config;
    // A new key would not open it: it is refused here, with the way to mend it.
    if (secretsOf) await openRelease(releases, secretsOf, undefined, directory);
    if ((await releases.numbers()).length > 0) await onPhase?.(newKeyNotice);
    await engine.makeKey();
    return StackConfig.read(configFile);
  }

  async #current(): Promise<ReleaseRecord | undefined> {
    const [stored] = await this.#context.releases.list(1);
    if (stored && 'damage' in stored) throw stored.damage;
    return stored?.record;
  }

  /** Writes down what is about to happen, so that an interruption can be made good. */
  async #prepare(today: StackConfig, next: StackConfig, before: ReleaseRecord | undefined): Promise<void> {
    const { secretsOf } = this.#options;
    await writeFile(this.#nextFile, next.toString(), { mode: 0o600, flush: true });
    try {
      if (secretsOf) await restoreSecrets(this.#context, secretsOf, today, this.#nextFile);
    } catch (error) {
      await this.#forget();
      throw error;
    }
    const journal: Journal = {
      what: this.#options.what,
      by: whoAmI(),
      startedAt: new Date().toISOString(),
      before: before?.number ?? 0,
      ...(this.#options.reason.revertOf !== undefined && { revertOf: this.#options.reason.revertOf }),
      configuration: await this.#hashOfConfiguration(),
    };
    await writeFile(this.#journalFile, JSON.stringify(journal), { mode: 0o600, flush: true });
  }

  async #forget(): Promise<void> {
    await rm(this.#journalFile, { force: true });
    await rm(this.#nextFile, { force: true });
  }

  get #journalFile(): string {
    return join(this.#context.releases.folder, 'operation.json');
  }

  /** An operation that was killed after its release was recorded, but before the configuration was, is finished now. */
  async #finishInterrupted(): Promise<void> {
    const journal = await readJournal(this.#context);
    if (!journal) return;
    this.#isUnsure = true;
    const current = await this.#current();
    await this.#options.onPhase?.(`after an interrupted ${journal.what} (${journal.by}, ${journal.startedAt})`);
    // Whoever has changed the stack configuration since wants what it says now.
    const isUntouched = journal.configuration === (await this.#hashOfConfiguration());
    const isRecorded = current !== undefined && current.number > journal.before;
    if (isUntouched && isRecorded && existsSync(this.#nextFile)) await this.#settle(current);
    await this.#forget();
  }

  async #hashOfConfiguration(): Promise<string> {
    return createHash('sha256')
      .update(await readFile(this.#context.configFile))
      .digest('hex');
  }
}

/** An operation that has begun. */
export interface Journal {
  readonly what: string;
  readonly by: string;
  readonly startedAt: string;
  /** Number of the newest release then; 0 if there was none. */
  readonly before: number;
  /** The release that it brings back. @default it is no revert */
  readonly revertOf?: number;
  /** Hash of the stack configuration file then. */
  readonly configuration: string;
}

/** The operation that has begun and not ended: it is under way, or was killed. */
export async function readJournal(context: StackContext): Promise<Journal | undefined> {
  try {
    return JSON.parse(await readFile(join(context.releases.folder, 'operation.json'), 'utf8')) as Journal;
  } catch {
    return undefined; // there is none, or its writing was cut short before anything else happened
  }
}

function changesSomething({ op, type }: Step): boolean {
  return !['same', 'read', 'refresh'].includes(op) && type.startsWith('docker:');
}

/** Names of the containers that steps remove. */
function removalsIn(steps: readonly Step[]): string[] {
  return steps.flatMap(({ type, op, name }) =>
    type === containerType && ['delete', 'delete-replaced'].includes(op) ? [name] : [],
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
