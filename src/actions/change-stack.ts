import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Outcome, RunProgramOptions, Step } from '../automation/program-run';
import { connect } from '../docker/engine';
import { clearTheName } from '../docker/containers';
import { messageOf, RewindError } from '../errors';
import { goodReleases, historyOf } from '../releases/history';
import { configOfRelease, type DataChange, withImages } from '../releases/next-config';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { openRelease, type StoredRelease } from '../releases/release-store';
import { newKeyNotice } from '../releases/seal';
import { type ConfigSection, StackConfig } from '../releases/stack-config';
import { DataExchange } from './data-run';
import { removeStrays } from './dead-engine';
import { Journal } from './journal';
import { type ReleaseReason, whoAmI } from './keep-release';
import { endInterruptedPause, PauseMark } from './pause-mark';
import { restoreSecrets } from './restore-secrets';
import type { StackContext } from './stack-context';
import { pulumiLockIn, withStackLock } from './stack-lock';
import { WhatRan } from './what-ran';

/** For so long an engine is waited for that an interrupted operation has left. */
const patienceMs = 30_000;

/** Makes the program of a run; undefined: the project's own, in a process of its own. */
export type ProgramFor = (run: {
  readonly configFile: string;
  readonly reason: ReleaseReason;
  /** Aborted when the run has ended: a program that is still at work is to stop. @default never */
  readonly signal?: AbortSignal;
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
  return withStackLock(options.context, options.what, () => new Change(options).run());
}

class Change {
  readonly #options: ChangeOptions;
  readonly #context: StackContext;
  readonly #journal: Journal;
  readonly #data: DataExchange;
  /** Whether an engine was killed, which may have left containers that the stack's state does not know. */
  #isUnsure = false;

  constructor(options: ChangeOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#journal = new Journal(options.context.releases);
    this.#data = new DataExchange(options.context.releases);
  }

  async run(): Promise<ChangeResult> {
    const { next, reason, secretsOf, what, onPhase, signal } = this.#options;
    await this.#checkConfigFile();
    await this.#endInterruptedPause();
    await this.#finishInterrupted();
    const today = await this.#withKey();
    const before = await this.#newest();
    const text = today.withConfig(await next(today.config)).toString();
    const startedAt = new Date().toISOString();
    const entry = { what, by: whoAmI(), startedAt, before: before?.number ?? 0 };
    const { revertOf } = reason;
    const [configuration, ran] = await Promise.all([this.#hashOfConfiguration(), WhatRan.now(this.#context.name)]);
    await this.#journal.begin({ ...entry, ...(revertOf !== undefined && { revertOf }), configuration }, text);
    let outcome: Outcome | undefined;
    try {
      if (secretsOf) await restoreSecrets(this.#context, secretsOf, today, this.#journal.nextFile);
      await onPhase?.(what);
      if (!signal?.aborted) outcome = await this.#update(this.#journal.nextFile, reason, what, signal);
    } catch (error) {
      await this.#journal.end();
      throw error;
    }
    if (outcome?.ok) return this.#done(outcome.steps);
    const why = outcome && !signal?.aborted ? outcome.why : 'Interrupted.';
    const isUnknown = outcome?.unfinished !== undefined || (await this.#data.outcome()).begun === true;
    const isAsBefore = !isUnknown && !outcome?.steps.some(changesContainers);
    // A step that was taken before the one that failed, as a snapshot, stands in the state of the stack.
    const isInState = before !== undefined && outcome?.steps.some(changesData) === true;
    if (!outcome || (isAsBefore && !isInState)) {
      await this.#journal.end();
      return { state: 'refused', why };
    }
    try {
      const result = await this.#putBack(before, ran, why, outcome);
      return isAsBefore && result.state === 'put-back' ? { state: 'refused', why } : result;
    } catch (error) {
      return { state: 'broken', why, whyNotBack: error instanceof RewindError ? error.render() : messageOf(error) };
    }
  }

  async #update(configFile: string, reason: ReleaseReason, what: string, signal?: AbortSignal): Promise<Outcome> {
    const { programFor, onStep } = this.#options;
    await this.#data.clear();
    const run = async (): Promise<Outcome> => {
      const ended = new AbortController();
      const program = programFor({ configFile, reason, signal: ended.signal });
      try {
        return await this.#context.engine.update({
          configFile,
          ...(program && { program }),
          message: reason.message ?? what,
          ...(signal && { signal }),
          ...(onStep && { onStep }),
        });
      } finally {
        ended.abort();
        // The program does so itself, unless it was left in the middle of its work.
        await this.#context.releases.giveBack();
      }
    };
    const outcome = await run();
    if (outcome.ok || !(await this.#clearedLock(outcome.why))) return outcome;
    await this.#recover();
    return run();
  }

  /**
   * Takes Pulumi's lock away if the process that made it is dead.
   *
   * @throws RewindError release/locked if it is not
   */
  async #clearedLock(why: string): Promise<boolean> {
    const lock = pulumiLockIn(why);
    if (!lock) return false;
    if (lock.mayLive) {
      throw new RewindError({
        code: 'release/locked',
        message: `The stack ${this.#context.name} is being changed by a pulumi: ${lock.holder}.`,
        fix: 'Wait for it to end. If it runs on another machine and is dead: pulumi cancel.',
      });
    }
    await this.#context.engine.cancel();
    return true;
  }

  /** After an engine was killed: has Pulumi look at what there is, in place of what it did not see the end of. */
  async #recover(): Promise<void> {
    this.#isUnsure = true;
    // An engine that was left alone still finishes the steps that were under way.
    for (const end = Date.now() + patienceMs; ;) {
      const outcome = await this.#context.engine.refresh();
      if (outcome.ok) return;
      const lock = pulumiLockIn(outcome.why);
      if (!lock) {
        throw new RewindError({
          code: 'pulumi/failed',
          message: `An earlier operation was interrupted, and pulumi refresh, which is to find out what it left, fails:\n${outcome.why}`,
          fix: 'Docker and the state backend (PULUMI_BACKEND_URL) have to answer. Then run the same command again.',
        });
      }
      if (lock.mayLive && Date.now() < end) await sleep(500);
      else await this.#clearedLock(outcome.why);
    }
  }

  async #done(steps: readonly Step[]): Promise<ChangeResult> {
    const release = await this.#current();
    if (this.#isUnsure) await removeStrays(release);
    await this.#settle(release);
    return { state: 'done', release, steps };
  }

  /** The update has succeeded: its configuration becomes the stack's, with the images that it came to. */
  async #settle(release: ReleaseRecord, nextFile = this.#journal.nextFile): Promise<void> {
    const next = await StackConfig.read(nextFile);
    await next.withConfig(withImages(next.config, release)).replace(this.#context.configFile);
    await this.#journal.end();
  }

  async #putBack(before: StoredRelease | undefined, ran: WhatRan, why: string, failed: Outcome): Promise<ChangeResult> {
    const { onPhase } = this.#options;
    if (!before) {
      await this.#journal.end();
      return { state: 'broken', why, whyNotBack: 'there is no earlier release. What was started is left as it is' };
    }
    const name = releaseName(before.number);
    await onPhase?.(`${why}\n\nputting back ${name}`);
    await this.#context.releases.dropAfter(before.number);
    if (!failed.ok && failed.unfinished) await this.#endUnfinished(failed.unfinished);
    await ran.startAgain();
    const today = await StackConfig.read(this.#context.configFile);
    // Where the record of what ran cannot be read, the stack configuration says the same.
    const record = 'record' in before ? before.record : undefined;
    const data = await this.#dataBack();
    const text = (record ? today.withConfig(configOfRelease(record, today.config, data)) : today).toString();
    const nextFile = await this.#nextFile(text);
    if (record) await restoreSecrets(this.#context, record, today, nextFile);
    const reason: ReleaseReason = record ? { kind: 'revert', revertOf: before.number } : { kind: 'deploy' };
    const outcome = await this.#update(nextFile, reason, `put back ${name}`);
    if (!outcome.ok) {
      await this.#context.releases.dropAfter(before.number);
      return { state: 'broken', why, whyNotBack: outcome.why };
    }
    const release = await this.#current();
    if (this.#isUnsure) await removeStrays(release);
    // Mostly the configuration of before says what runs now. It does not if the compose files have changed since.
    if (await this.#isWhatRuns(this.#context.configFile)) await this.#journal.end();
    else await this.#settle(release, nextFile);
    return { state: 'put-back', why, release };
  }

  /** How the data of before comes back: what was replaced is still there, and what was undone is in the snapshot. */
  async #dataBack(): Promise<DataChange> {
    const { keptAs, moved, snapshot } = await this.#data.outcome();
    const at = new Date().toISOString();
    if (keptAs !== undefined) return { restore: { database: keptAs, at } };
    if (moved && !moved.isReversible && snapshot !== undefined) return { restore: { snapshot, at } };
    return {};
  }

  /** Writes the configuration to put back. What runs is put back even if the store is full by now, or gone. */
  async #nextFile(text: string): Promise<string> {
    try {
      await this.#journal.goTo(text);
      return this.#journal.nextFile;
    } catch {
      const file = join(await mkdtemp(join(tmpdir(), 'rewind-')), 'next.yaml');
      await writeFile(file, text, { mode: 0o600 });
      return file;
    }
  }

  /** What an engine was about when it was killed may still be going on in a plugin: it is brought to its end. */
  async #endUnfinished(steps: readonly Step[]): Promise<void> {
    const { docker } = await connect();
    const containers = steps.filter(({ type, op }) => type === containerType && /create|delete|replace/.test(op));
    for (const name of new Set(containers.map((step) => step.name))) {
      await clearTheName(docker, name, this.#context.name);
    }
    await this.#recover();
  }

  async #isWhatRuns(configFile: string): Promise<boolean> {
    const program = this.#options.programFor({ configFile, reason: { kind: 'update' } });
    const outcome = await this.#context.engine.preview({ configFile, ...(program && { program }) });
    return outcome.ok && !outcome.steps.some((step) => changesContainers(step) || changesData(step));
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

  /** An operation that was killed after its release was recorded, but before the configuration was, is finished now. */
  async #finishInterrupted(): Promise<void> {
    const entry = await this.#journal.read();
    if (!entry) return;
    await this.#options.onPhase?.(`after an interrupted ${entry.what} (${entry.by}, ${entry.startedAt})`);
    await this.#recover();
    const newest = await this.#newest();
    if (newest && newest.number > entry.before && 'record' in newest) {
      // Whoever has changed the stack configuration since wants what it says now.
      const isUntouched = entry.configuration === (await this.#hashOfConfiguration());
      if (!(await this.#hasSucceeded(newest.record))) await this.#context.releases.dropAfter(entry.before);
      else if (isUntouched && existsSync(this.#journal.nextFile)) await this.#settle(newest.record);
    }
    await this.#journal.end();
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

const containerType = 'docker:index/container:Container';

function changesContainers({ op, type }: Step): boolean {
  return isChange(op) && type.startsWith('docker:');
}

function changesData({ op, type }: Step): boolean {
  return isChange(op) && type === 'command:local:Command';
}

function isChange(op: string): boolean {
  return !['same', 'read', 'refresh'].includes(op);
}
