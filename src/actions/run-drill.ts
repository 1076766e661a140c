import { join } from 'node:path';

import type { ProgramFor } from './engine-run';
import { connect } from '../docker/engine';
import { DrillPlace, drillStack } from '../drill/drill-place';
import { isolate } from '../drill/isolate';
import { RewindError } from '../errors';
import { withLock } from '../lock.mjs';
import { OperationLog } from '../operations/operation-log';
import type { OperationRecord, RecordedVerification } from '../operations/record';
import { Timeline } from '../operations/timeline';
import { sideOf } from '../operations/sides';
import { configOfRelease } from '../releases/next-config';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { ReleaseStore } from '../releases/release-store';
import { parseKey } from '../releases/seal';
import type { SealedRelease } from '../releases/sealed';
import { type ConfigSection, securePaths, StackConfig } from '../releases/stack-config';
import type { DatabaseSettings } from '../settings';
import type { Level } from '../verify/probe';
import { changeStack, type ChangeResult, failuresIn } from './change-stack';
import { whoAmI } from './keep-release';
import { openDatabase, snapshotsOf } from './open-database';
import { openSide, type Side } from './release-side';
import { settingValue } from './setting-value';
import { openStack, releaseKey, type StackContext } from './stack-context';
import { takeSnapshot } from './take-snapshot';
import { recordedVerification } from './verify-stack';

/** What a drill is told. */
export interface DrillOptions {
  /** The real stack. */
  readonly context: StackContext;
  /** The release that runs, and the one that is gone back to. */
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
  /** Services that are left out. @default none */
  readonly without?: readonly string[];
  /** How closely each release is looked at. @default functional */
  readonly level?: Level;
  /** Makes the program of a run on the stack of the drill. */
  readonly programFor: (directory: string) => ProgramFor;
  /** Environment of the engine. */
  readonly env: Readonly<Record<string, string>>;
  readonly onPhase?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** How a drill went. */
export interface DrillResult {
  readonly ok: boolean;
  readonly record: OperationRecord;
  /** What the copy finds otherwise than the real stack. */
  readonly notes: readonly string[];
  /** The drill before this one that went well. @default there was none */
  readonly last?: OperationRecord;
}

/**
 * Practises a rollback: makes an isolated copy of the stack with its data, brings the running release up in it, goes back
 * to an earlier one, verifies both, and takes the copy down again. The real stack is only read.
 *
 * @throws RewindError release/locked if another drill of the stack is under way
 */
export async function runDrill(options: DrillOptions): Promise<DrillResult> {
  const { context } = options;
  const place = new DrillPlace(context.releases.root, context.name);
  return withLock(`${place.directory}.lock`, () => new Drill(options, place).run(), {
    timeoutMs: 0,
    what: `drill by ${whoAmI()}`,
  }).catch((error: unknown) => {
    if ((error as Error).name !== 'LockTimeout') throw error;
    throw new RewindError({
      code: 'release/locked',
      message: `A drill of ${context.name} is under way: ${(error as Error).message.replace(/ has not finished in time$/, '')}.`,
      fix: 'Wait for it to end.',
    });
  });
}

class Drill {
  readonly #options: DrillOptions;
  readonly #place: DrillPlace;
  readonly #timeline = new Timeline();
  readonly #notes: string[] = [];

  constructor(options: DrillOptions, place: DrillPlace) {
    this.#options = options;
    this.#place = place;
  }

  async run(): Promise<DrillResult> {
    const { context, from, to } = this.#options;
    const { docker } = await connect();
    const startedAt = new Date().toISOString();
    await this.#place.clear(docker); // what a drill has left that was killed
    let failure: string | undefined;
    let verification: RecordedVerification | undefined;
    try {
      const copy = await this.#timeline.during('prepare', () => this.#copy());
      this.#say(`bringing ${releaseName(from.number)} up`);
      const up = await this.#timeline.during('protect', () => this.#change(copy, copy.from, 'deploy', copy.restore));
      if (up.state !== 'done') throw new DrillFailed(`${releaseName(from.number)} does not come up in the copy`, up);
      this.#say(`going back to ${releaseName(to.number)}`);
      const back = await this.#timeline.during('switch', () => this.#change(copy, copy.to, 'revert'));
      if (back.state !== 'done') throw new DrillFailed(`going back to ${releaseName(to.number)} fails`, back);
      ({ verification } = back);
    } catch (error) {
      failure = error instanceof RewindError ? error.render() : error instanceof Error ? error.message : String(error);
      if (error instanceof DrillFailed) verification = error.verification;
    } finally {
      this.#say('taking it down');
      await this.#timeline.during('record', () => this.#place.clear(docker));
    }
    const log = new OperationLog(context.releases, context.name);
    const earlier = await log.list();
    const record = await log.add({
      kind: 'drill',
      what: `drill: ${releaseName(from.number)} back to ${releaseName(to.number)}`,
      by: whoAmI(),
      startedAt,
      finishedAt: new Date().toISOString(),
      result: failure === undefined ? 'done' : 'broken',
      ...(failure !== undefined && { failure }),
      phases: this.#timeline.phases,
      before: sideOf(from)!,
      after: sideOf(to)!,
      ...(verification && { verification }),
    });
    const last = earlier
      .flatMap((it) => ('record' in it ? [it.record] : []))
      .findLast(({ kind, result }) => kind === 'drill' && result === 'done');
    return { ok: failure === undefined, record, notes: this.#notes, ...(last && { last }) };
  }

  #say(text: string): void {
    this.#options.onPhase?.(text);
  }

  /** Makes the project of the drill, with both releases in its store, and the data to begin with. */
  async #copy(): Promise<Copy> {
    const { context, from, to, without = [], env } = this.#options;
    const today = await StackConfig.read(context.configFile);
    const key = await releaseKey(context, today);
    const [older, newer] = [await openSide(context, to, key), await openSide(context, from, key)];
    await this.#place.make();
    const { directory, stack, store } = this.#place;
    const database = newer.settings.database && withoutRestore(newer.settings.database);
    const verify = today.config['rewind:verify'];
    const hasSecret = securePaths(verify).length > 0;
    const plain: ConfigSection = {
      'rewind:store': 'file://./store',
      'rewind:readyTimeoutSeconds': newer.settings.readyTimeoutSeconds,
      ...(verify !== undefined && !hasSecret && { 'rewind:verify': verify }),
      ...(database && { 'rewind:database': database }),
    };
    const configFile = join(directory, `Pulumi.${drillStack}.yaml`);
    await StackConfig.parse('').withConfig(plain).replace(configFile);
    const drill = await openStack(directory, drillStack, { ...env, ...this.#place.env });
    await drill.engine.makeKey();
    if (hasSecret) {
      // What is encrypted with the passphrase of the stack, the copy with its own could not read.
      const text = JSON.stringify(await settingValue(context, today, 'verify'));
      await drill.engine.setSecret('rewind:verify', text, configFile);
    }
    const config = await StackConfig.read(configFile);
    const made = parseKey(await drill.engine.secretOf('rewind:key'))!;
    const releases = new ReleaseStore(store, stack);
    await this.#place.copyFiles([older.files, newer.files]);
    const add = async (side: Side, record: ReleaseRecord): Promise<ReleaseRecord> =>
      releases.add(await this.#isolated(side, record, releases, made, config, without));
    const first = await add(older, to);
    const second = await add(newer, from);
    const snapshot = database && !without.includes(database.service) ? await this.#snapshot(releases) : undefined;
    return {
      context: drill,
      to: first,
      from: second,
      ...(snapshot !== undefined && { restore: { snapshot, at: new Date().toISOString() } }),
    };
  }

  async #isolated(
    { compared, files }: Side,
    record: ReleaseRecord,
    store: ReleaseStore,
    key: Buffer,
    copied: StackConfig,
    without: readonly string[],
  ): Promise<Omit<ReleaseRecord, 'number' | 'format' | 'stack'>> {
    const { context } = this.#options;
    const images = Object.fromEntries(Object.entries(record.services).map(([name, { imageId }]) => [name, imageId]));
    const { model, notes } = isolate(compared.project.model, {
      name: this.#place.project,
      without,
      images,
      kept: new Set(Object.keys(files)),
    });
    this.#notes.push(...notes.filter((note) => !this.#notes.includes(note)));
    const content: SealedRelease = {
      project: { ...compared.project, model },
      files,
      secrets: {},
      directory: context.directory,
    };
    const { number, stack, format, ...rest } = record;
    return {
      ...rest,
      project: this.#place.project,
      services: Object.fromEntries(
        Object.entries(record.services)
          .filter(([name]) => !without.includes(name))
          .map(([name, service]) => [name, { ...service, image: service.imageId }]),
      ),
      config: Object.fromEntries(Object.entries(copied.config).filter(([name]) => name !== 'rewind:key')),
      provider: copied.provider,
      // Of none that the drill will plan: bringing it up is a release of its own.
      fingerprint: `drill of ${record.fingerprint}`,
      sealed: await store.seal(key, JSON.stringify(content)),
    };
  }

  /** The newest snapshot of the real stack; one is taken if there is none. */
  async #snapshot(releases: ReleaseStore): Promise<string> {
    const { context, signal } = this.#options;
    const there = await snapshotsOf(context).list();
    const newest = there.findLast((it) => 'manifest' in it && it.proof?.ok !== false);
    const id: string = newest?.id ?? (await this.#take(signal));
    await this.#place.linkSnapshot(context.releases.folder, releases.folder, id);
    return id;
  }

  async #take(signal: AbortSignal | undefined): Promise<string> {
    const { context } = this.#options;
    const { server, snapshots: store, versionTable } = await openDatabase(context);
    const options = { server, store, stack: context.name, versionTable, reason: 'for a drill' };
    return (await takeSnapshot({ ...options, ...(signal && { signal }) })).id;
  }

  async #change(
    { context }: Copy,
    release: ReleaseRecord,
    kind: 'deploy' | 'revert',
    restore?: Copy['restore'],
  ): Promise<ChangeResult> {
    const { programFor, level = 'functional', signal } = this.#options;
    const result = await changeStack({
      context,
      what: `drill: ${kind}`,
      reason: kind === 'deploy' ? { kind } : { kind, revertOf: release.number },
      next: (today) => Promise.resolve(configOfRelease(release, today, restore ? { restore } : {})),
      programFor: programFor(context.directory),
      verify: () => recordedVerification(context, level, signal),
      keepsUnverified: true,
      ...(signal && { signal }),
    });
    if (result.state === 'done' && result.verification?.ok === false) {
      throw new DrillFailed(
        `${kind === 'deploy' ? 'The copy' : 'The release gone back to'} fails its verification`,
        result,
      );
    }
    return result;
  }
}

/** A stack that is a copy. */
interface Copy {
  readonly context: StackContext;
  /** Both releases, as the store of the copy has them. */
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
  readonly restore?: Readonly<Record<string, string>>;
}

class DrillFailed extends Error {
  readonly verification: RecordedVerification | undefined;

  constructor(what: string, result: ChangeResult) {
    const verification = 'verification' in result ? result.verification : undefined;
    const why = 'why' in result ? result.why : verification ? failuresIn(verification) : '';
    super(`${what}:\n${why}`);
    this.verification = verification;
  }
}

/** What was restored for the real stack is not there for the copy, and its further roles have no password there. */
function withoutRestore({ service, name, user, alembic }: DatabaseSettings): DatabaseSettings {
  return {
    service,
    ...(name !== undefined && { name }),
    ...(user !== undefined && { user }),
    ...(alembic && { alembic }),
  };
}
