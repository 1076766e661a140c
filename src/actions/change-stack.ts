import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Outcome, Step } from '../automation/program-run';
import { connect } from '../docker/engine';
import { removeAbandonedOneOffs } from '../docker/abandoned-one-offs';
import { messageOf, RewindError } from '../errors';
import type { PhaseRecord, RecordedVerification } from '../operations/record';
import { type PhaseName, Timeline } from '../operations/timeline';
import { removeLeft } from '../postgres/scratch';
import { goodReleases, historyOf } from '../releases/history';
import { configOfRelease, withImages } from '../releases/next-config';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { openRelease, type StoredRelease } from '../releases/release-store';
import { newKeyNotice } from '../releases/seal';
import { type ConfigSection, StackConfig } from '../releases/stack-config';
import { certainOutcome } from './certain-outcome';
import { dataBack } from './data-back';
import { DataExchange, type DataOutcome } from './data-run';
import { removeStrays } from './dead-engine';
import { EarlyVerification, type Verify } from './early-verification';
import { changesContainers, changesData, EngineRun, type ProgramFor } from './engine-run';
import { Journal } from './journal';
import { type ReleaseReason, whoAmI } from './keep-release';
import { openDatabase, snapshotsOf } from './open-database';
import { endInterruptedPause, PauseMark } from './pause-mark';
import { restoreSecrets } from './restore-secrets';
import { rotateSecrets, type Rotation } from './rotate-secrets';
import type { StackContext } from './stack-context';
import { withStackLock } from './stack-lock';
import { stepsEnded } from './step-lock';
import { WhatRan } from './what-ran';

/** What hears of the progress of a change. */
export interface ChangeListener {
  /** A part of the operation begins, e.g. `deploying`. */
  readonly onPhase?: (text: string) => void | Promise<void>;
  readonly onStep?: (step: Step) => void;
  /** A phase of the operation begins: the operation is written down as being in it by then. */
  readonly onPhaseBegin?: (name: PhaseName) => void;
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
  /** Secrets that get new values on the way. @default none */
  readonly rotations?: readonly Rotation[];
  readonly programFor: ProgramFor;
  /** Looks at what runs before, once: to be begun when nothing else is to be done, and waited for until it is changed; may not fail. @default nobody looks */
  readonly lookBefore?: () => Promise<unknown>;
  /**
   * Does, before the engine runs, what the engine cannot: nobody else is at work on the stack meanwhile. What it has done is
   * not put back. @default nothing
   */
  readonly prepare?: () => Promise<void>;
  /** Looks whether what runs then is as it should be: if it is not, what ran before is put back. @default nobody looks */
  readonly verify?: Verify;
  /** Whether what fails its verification is left as it is. @default false */
  readonly keepsUnverified?: boolean;
  /** Hears how it ended, while nobody else may change the stack; until it is done, the change counts as interrupted. May not fail. @default nobody */
  readonly onEnd?: (result: ChangeResult) => Promise<void>;
  /** Asks to stop. What has begun is put back. @default never */
  readonly signal?: AbortSignal;
}

/** How a change ended. */
export type ChangeResult = ChangeEnd & {
  readonly phases: readonly PhaseRecord[];
  /** What was done to the data. */
  readonly data: DataOutcome;
};

type ChangeEnd =
  | {
      readonly state: 'done';
      readonly release: ReleaseRecord;
      /** @default nobody has looked */
      readonly verification?: RecordedVerification;
    }
  /** It failed before anything had changed. */
  | {
      readonly state: 'refused';
      readonly why: string;
      /** Whether what is done before the engine runs was done, and stays. @default there was nothing, or it was not begun */
      readonly isPrepared?: boolean;
    }
  /** It failed, or what ran then failed its verification, and what ran before runs again. */
  | {
      readonly state: 'put-back';
      readonly why: string;
      readonly release: ReleaseRecord;
      /** Of what ran before, and runs again. @default nobody has looked */
      readonly verification?: RecordedVerification;
    }
  /** It failed, and what ran before could not be put back. */
  | { readonly state: 'broken'; readonly why: string; readonly whyNotBack: string };

/**
 * Brings a stack to another configuration through the engine, and puts back what ran before if that fails. The stack
 * configuration file is replaced only when what it says runs.
 *
 * @throws RewindError before anything has changed
 */
export async function changeStack(options: ChangeOptions): Promise<ChangeResult> {
  return withStackLock(options.context, options.what, () => new Change(options).run());
}

class Change {
  readonly #options: ChangeOptions;
  readonly #context: StackContext;
  readonly #journal: Journal;
  readonly #data: DataExchange;
  readonly #engine: EngineRun;
  readonly #timeline: Timeline;
  readonly #early: EarlyVerification | undefined;
  #dataDone: DataOutcome = {};
  /** Whether a command on the data has begun. */
  #isDataTouched = false;
  /** Whether something was done before the engine ran. */
  #isPrepared = false;
  /** Whether it has come to its end, so that nothing is to be made good. */
  #isOver = false;
  /** A folder for what the store has no room for. @default it has */
  #elsewhere: string | undefined;

  constructor(options: ChangeOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#journal = new Journal(options.context.releases);
    this.#data = new DataExchange(options.context.releases);
    const { context, programFor, verify, onStep, onPhaseBegin } = options;
    this.#early = verify && new EarlyVerification(verify);
    this.#timeline = new Timeline((name) => {
      this.#journal.phase(name);
      onPhaseBegin?.(name);
    });
    this.#engine = new EngineRun({
      context,
      data: this.#data,
      programFor,
      onStep: (step) => {
        this.#timeline.step(step);
        if (changesContainers(step)) this.#early?.drop();
        this.#isDataTouched ||= changesData(step);
        onStep?.(step);
      },
    });
  }

  async run(): Promise<ChangeResult> {
    const end = await this.#run().finally(
      () => this.#elsewhere && rm(this.#elsewhere, { recursive: true, force: true }),
    );
    if (end.state !== 'done' && this.#isDataTouched) await this.#removeLeftData();
    this.#timeline.endAll(end.state === 'done' || end.state === 'put-back');
    const result = { ...end, phases: this.#timeline.phases, data: this.#dataDone };
    await this.#options.onEnd?.(result);
    if (this.#isOver) await this.#journal.end();
    return result;
  }

  async #run(): Promise<ChangeEnd> {
    const { next, reason, secretsOf, rotations = [], what, prepare, onPhase, signal, lookBefore } = this.#options;
    this.#timeline.begin('plan');
    await this.#checkConfigFile();
    await this.#endInterruptedPause();
    await this.#finishInterrupted();
    const removing = this.#removeLeftContainers();
    const today = await this.#withKey();
    const before = await this.#newest();
    const text = today.withConfig(await next(today.config)).toString();
    const startedAt = new Date().toISOString();
    const entry = { what, by: whoAmI(), startedAt, before: before?.number ?? 0 };
    const { revertOf } = reason;
    const [configuration, ran] = await Promise.all([
      this.#hashOfConfiguration(),
      WhatRan.now(this.#context.name),
      removing,
    ]);
    await this.#journal.begin({ ...entry, ...(revertOf !== undefined && { revertOf }), configuration }, text);
    let outcome: Outcome | undefined;
    try {
      if (secretsOf) await restoreSecrets(this.#context, secretsOf, today, this.#journal.nextFile);
      await rotateSecrets(this.#context, rotations, this.#journal.nextFile);
      this.#timeline.end('plan');
      await onPhase?.(what);
      if (!signal?.aborted && prepare) {
        await lookBefore?.();
        await this.#timeline.during('prepare', prepare);
        this.#isPrepared = true;
      }
      if (!signal?.aborted) {
        outcome = await this.#engine.update({
          configFile: this.#journal.nextFile,
          reason,
          what,
          onRelease: (release) => {
            this.#verifyEarly(release);
          },
          ...(lookBefore && { meanwhile: lookBefore }),
          ...(signal && { signal }),
        });
      }
    } catch (error) {
      await this.#journal.takeBack();
      throw error;
    }
    // A step on the data outlives an engine that was killed.
    await stepsEnded(this.#context.releases);
    this.#dataDone = await this.#data.outcome();
    this.#timeline.end('switch', outcome?.ok ?? false);
    if (outcome?.ok) return this.#done(before, ran, outcome);
    this.#early?.drop();
    await this.#removeLeftContainers();
    const why = outcome && !signal?.aborted ? outcome.why : 'Interrupted.';
    const isUnknown = outcome?.unfinished !== undefined || this.#dataDone.begun === true;
    const isAsBefore = !isUnknown && !outcome?.steps.some(changesContainers);
    // A step that was taken before the one that failed, as a snapshot, stands in the state of the stack.
    const isInState = before !== undefined && outcome?.steps.some(changesData) === true;
    // A container may be what it failed for: what ran, runs again, as far as it can be started.
    if (outcome && isAsBefore) await ran.startAgain();
    if (!outcome || (isAsBefore && !isInState)) {
      await this.#journal.takeBack();
      return this.#refused(why);
    }
    const result = await this.#tryPutBack(before, ran, why, outcome);
    const isBack = result.state === 'put-back' && result.verification?.ok !== false;
    return isAsBefore && isBack ? this.#refused(why) : result;
  }

  #refused(why: string): ChangeEnd {
    return { state: 'refused', why, ...(this.#isPrepared && { isPrepared: true }) };
  }

  async #done(before: StoredRelease | undefined, ran: WhatRan, outcome: Outcome): Promise<ChangeEnd> {
    const release = await this.#current();
    if (this.#engine.isUnsure) {
      this.#early?.drop();
      await removeStrays(release);
    }
    let verification: RecordedVerification | undefined;
    try {
      verification = await this.#verified(release);
    } catch (error) {
      if (!this.#options.signal?.aborted || !before) throw error;
      return this.#tryPutBack(before, ran, 'Interrupted.', outcome);
    }
    if (before && verification && !verification.ok && this.#options.keepsUnverified !== true) {
      const why = `${releaseName(release.number)} has failed its verification:\n${failuresIn(verification)}`;
      return this.#tryPutBack(before, ran, why, outcome);
    }
    await this.#timeline.during('record', () => this.#settle(release));
    this.#isOver = true;
    return { state: 'done', release, ...(verification && { verification }) };
  }

  #verifyEarly(release: ReleaseRecord): void {
    if (!this.#early) return;
    this.#timeline.end('switch');
    this.#timeline.begin('verify');
    this.#early.begin(release);
  }

  async #verified(release: ReleaseRecord): Promise<RecordedVerification | undefined> {
    const early = this.#early;
    return early && this.#timeline.during('verify', () => early.of(release));
  }

  /** The update has succeeded: its configuration becomes the stack's, with the images that it came to. */
  async #settle(release: ReleaseRecord, nextFile = this.#journal.nextFile): Promise<void> {
    const next = await StackConfig.read(nextFile);
    await next.withConfig(withImages(next.config, release)).replace(this.#context.configFile);
  }

  async #tryPutBack(before: StoredRelease | undefined, ran: WhatRan, why: string, failed: Outcome): Promise<ChangeEnd> {
    try {
      return await this.#timeline.during('put back', () => this.#putBack(before, ran, why, failed));
    } catch (error) {
      return { state: 'broken', why, whyNotBack: error instanceof RewindError ? error.render() : messageOf(error) };
    }
  }

  async #putBack(before: StoredRelease | undefined, ran: WhatRan, why: string, failed: Outcome): Promise<ChangeEnd> {
    const { onPhase } = this.#options;
    if (!before) {
      this.#isOver = true;
      return { state: 'broken', why, whyNotBack: 'there is no earlier release. What was started is left as it is' };
    }
    const name = releaseName(before.number);
    await onPhase?.(`${why}\n\nputting back ${name}`);
    // What ran, and only failed its verification, was a release.
    if (!failed.ok) await this.#context.releases.dropAfter(before.number);
    if (!failed.ok && failed.unfinished) await this.#engine.endUnfinished(failed.unfinished);
    await ran.startAgain();
    const today = await StackConfig.read(this.#context.configFile);
    // Where the record of what ran cannot be read, the stack configuration says the same.
    const record = 'record' in before ? before.record : undefined;
    this.#dataDone = await certainOutcome(this.#context, this.#dataDone);
    const data = dataBack(this.#dataDone);
    const text = (record ? today.withConfig(configOfRelease(record, today.config, data)) : today).toString();
    const nextFile = await this.#nextFile(text);
    if (record) await restoreSecrets(this.#context, record, today, nextFile);
    const reason: ReleaseReason = {
      ...(record ? { kind: 'revert', revertOf: before.number } : { kind: 'deploy' }),
      isPutBack: true,
    };
    const outcome = await this.#engine.update({ configFile: nextFile, reason, what: `put back ${name}` });
    if (!outcome.ok) {
      await this.#context.releases.dropAfter(before.number);
      return { state: 'broken', why, whyNotBack: outcome.why };
    }
    const release = await this.#current();
    if (this.#engine.isUnsure) await removeStrays(release);
    // Mostly the configuration of before says what runs now. It does not if the compose files have changed since.
    if (!(await this.#engine.isWhatRuns(this.#context.configFile))) await this.#settle(release, nextFile);
    this.#isOver = true;
    const verification = await this.#verified(release);
    return { state: 'put-back', why, release, ...(verification && { verification }) };
  }

  /** Writes the configuration to put back. What runs is put back even if the store is full by now, or gone. */
  async #nextFile(text: string): Promise<string> {
    try {
      await this.#journal.goTo(text);
      return this.#journal.nextFile;
    } catch {
      this.#elsewhere = await mkdtemp(join(tmpdir(), 'rewind-'));
      const file = join(this.#elsewhere, 'next.yaml');
      await writeFile(file, text, { mode: 0o600 });
      return file;
    }
  }

  async #checkConfigFile(): Promise<void> {
    const { configFile } = this.#context;
    await access(dirname(configFile), constants.W_OK).catch((error: unknown) => {
      throw new RewindError({
        code: 'config/invalid',
        message: `The stack configuration ${configFile} could not be replaced: ${messageOf(error)}`,
        fix: 'Make its folder writable: a release is written down there when it runs.',
        cause: error,
      });
    });
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

  async #newest(): Promise<StoredRelease | undefined> {
    return (await this.#context.releases.list(1))[0];
  }

  /** What runs after an update that succeeded. */
  async #current(): Promise<ReleaseRecord> {
    const newest = await this.#newest();
    if (newest && 'record' in newest) return newest.record;
    throw newest?.damage ?? new Error('an update left no release record');
  }

  /** A restore that was killed while the services were stopped. */
  async #endInterruptedPause(): Promise<void> {
    const mark = new PauseMark(this.#context.releases.folder);
    if (!(await mark.read())) return;
    const { docker } = await connect();
    await endInterruptedPause(docker, this.#context.name, mark, this.#options.onPhase);
  }

  /**
   * An operation that was killed after its release was recorded, but before the configuration was, is finished now. One
   * that had not got so far stays written down until another has changed the stack.
   */
  async #finishInterrupted(): Promise<void> {
    const entry = await this.#journal.read();
    if (!entry) return;
    await this.#options.onPhase?.(`after an interrupted ${entry.what} (${entry.by}, ${entry.startedAt})`);
    await this.#options.lookBefore?.();
    await this.#engine.recover();
    await stepsEnded(this.#context.releases);
    await this.#removeLeftData();
    const newest = await this.#newest();
    if (newest && newest.number > entry.before && 'record' in newest) {
      // Whoever has changed the stack configuration since wants what it says now.
      const isUntouched = entry.configuration === (await this.#hashOfConfiguration());
      if (!(await this.#hasSucceeded(newest.record))) await this.#context.releases.dropAfter(entry.before);
      else {
        if (isUntouched && existsSync(this.#journal.nextFile)) await this.#settle(newest.record);
        await this.#journal.end();
      }
    }
  }

  /** Containers of programs that a process was running, or about to, when it was killed. Where that fails, the next one does it. */
  async #removeLeftContainers(): Promise<void> {
    await connect()
      .then(({ docker }) => removeAbandonedOneOffs(docker, this.#context.name))
      .catch(() => undefined);
  }

  /**
   * What a snapshot or a restore was filling when it failed or was killed. Where there is no database, or none that answers,
   * whoever works with it next does.
   */
  async #removeLeftData(): Promise<void> {
    await Promise.allSettled([
      openDatabase(this.#context).then(({ server }) => removeLeft(server)),
      snapshotsOf(this.#context).removeAbandoned(),
    ]);
  }

  async #hashOfConfiguration(): Promise<string> {
    return createHash('sha256')
      .update(await readFile(this.#context.configFile))
      .digest('hex');
  }

  /** Whether the backend does not know better: the engine may have failed after the record was written. */
  async #hasSucceeded({ number }: ReleaseRecord): Promise<boolean> {
    const stored = await this.#context.releases.list();
    const rows = historyOf(stored, await this.#context.engine.history());
    return goodReleases(stored, rows).some((good) => good.number === number);
  }
}

/** What a verification has found wrong, a line each. */
export function failuresIn({ probes }: RecordedVerification): string {
  return probes.flatMap(({ ok, name, said }) => (ok ? [] : [`  ✘ ${name}: ${said}`])).join('\n');
}
