import { join } from 'node:path';

import { Journal } from '../../src/actions/journal';
import { ReleaseStore, type StoredRelease } from '../../src/releases/release-store';
import type { ReleaseRecord } from '../../src/releases/record';
import { containerIds, execIn } from '../../test/support/docker';
import { TestStack } from '../../test/support/stack';
import { imageId, makeTaggedImages, removeTaggedImages, tagImage } from '../../test/support/tagged-images';
import { Random } from '../random';
import { differences, Mismatch, type SoakOptions } from '../soak';
import { changedSettings, changedSource, firstSource, tags } from './changes';
import { endPlugins, runAndKill } from './killing';
import { observe } from './live';
import {
  type Configuration,
  filesOf,
  isSame,
  type ModelRelease,
  noSettings,
  pinsOf,
  type Running,
  runningOf,
  settingsFor,
  type Source,
  targetWithoutName,
} from './model';

/** An update that is about to be made, and what it comes to. */
interface Operation {
  readonly args: readonly string[];
  readonly source: Source;
  readonly configuration: Configuration;
  readonly running: Running;
  readonly revertOf?: number;
  /** What the same command comes to by then. */
  readonly again: () => Operation;
}

/** What `rewind deploy|revert --json` prints. */
interface ChangeJson {
  readonly state?: string;
  readonly why?: string;
  readonly release?: { readonly number: number };
  readonly errors?: readonly { readonly code: string; readonly message: string }[];
}

/**
 * Changes a stack at random, and goes back to its releases at random, while its processes are killed at random. After
 * each operation the containers, the release records and the stack's state have to be what the model says.
 *
 * @throws Mismatch
 */
export async function releaseRoundTrips(options: SoakOptions): Promise<void> {
  const trips = await RoundTrips.begin(options);
  let isToStay = false;
  try {
    for (let round = 1; round <= options.rounds; round++) await trips.round(round);
    trips.noSecretWasShown();
  } catch (error) {
    isToStay = options.leaveMismatch ?? false;
    throw error;
  } finally {
    if (!isToStay) await trips.end();
  }
}

class RoundTrips {
  readonly #options: SoakOptions;
  readonly #stack: TestStack;
  readonly #store: ReleaseStore;
  #random: Random;
  #where = '';

  /** The compose file as it is now. */
  #source: Source;
  #configuration: Configuration = { settings: noSettings, pins: {} };
  readonly #releases: ModelRelease[] = [];
  /** What each tag points to. */
  readonly #images: Record<string, string> = {};
  readonly #secrets = new Set<string>();
  #orphans: readonly number[] = [];
  #usualMs = 3000;
  /** Whether an operation was killed, and nothing has made that good yet. */
  #isHalfDone = false;

  private constructor(options: SoakOptions, stack: TestStack) {
    this.#options = options;
    this.#stack = stack;
    this.#store = new ReleaseStore(join(stack.directory, '.rewind'), `${stack.project}/dev`);
    this.#random = new Random(options.seed);
    this.#source = firstSource(this.#random);
  }

  static async begin(options: SoakOptions): Promise<RoundTrips> {
    const { project } = options;
    await makeTaggedImages({
      [`${project}/box:v1`]: 'plain',
      [`${project}/box:v2`]: 'newer',
      [`${project}/box:stable`]: 'plain',
    });
    const trips = new RoundTrips(options, await TestStack.create(project));
    await trips.#readTags();
    await trips.#writeSource(trips.#source);
    trips.#where = 'the first deploy';
    await trips.#run(trips.#deploy({}));
    await execIn(`${project}-db-1`, 'sh', '-c', `echo ${marker} > /var/lib/data/marker`);
    return trips;
  }

  async end(): Promise<void> {
    endPlugins(this.#orphans);
    await this.#stack.remove();
    await removeTaggedImages(...tags.map((tag) => this.#referenceOf(tag)));
  }

  /** One operation, and a look at what came of it. */
  async round(number: number): Promise<void> {
    this.#random = new Random(Math.imul(this.#options.seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b));
    const random = this.#random;
    const started = Date.now();
    const kind = random.weighted({
      deploy: 5,
      up: 1,
      revert: 4,
      'revert without a name': 2,
      'broken deploy': 1,
      restart: 0.5,
    });
    this.#where = `round ${number}, ${kind}`;
    if (kind === 'restart') await this.#restart();
    else if (kind === 'broken deploy') await this.#brokenDeploy();
    else {
      const operation = await this.#next(kind);
      this.#where = `round ${number}, ${operation.args.join(' ')}`;
      const canBeKilled = operation.args[0] !== 'up' && !isSame(this.#current.running, operation.running);
      if (canBeKilled && random.chance(0.3)) await this.#runKilled(operation);
      else await this.#run(operation);
    }
    await this.#check(random.chance(0.3));
    const time = ((Date.now() - started) / 1000).toFixed(1);
    this.#options.say(`${this.#where}: r${this.#current.number} (${time} s)`);
  }

  async #next(kind: 'deploy' | 'up' | 'revert' | 'revert without a name'): Promise<Operation> {
    const random = this.#random;
    if (kind === 'revert') return this.#revert(random.pick(this.#releases), true);
    const target = kind === 'revert without a name' ? targetWithoutName(this.#releases) : undefined;
    if (target) return this.#revert(target, false);
    if (random.chance(0.15)) await this.#moveTag();
    if (random.chance(0.8)) await this.#changeSource(1 + random.below(3));
    if (kind === 'up') {
      if (random.chance(0.6)) await this.#changeSettings(Object.keys(this.#configuration.kept ?? this.#source));
      if (!this.#configuration.kept) await this.#dropIdleSettings();
      return this.#up();
    }
    await this.#dropIdleSettings();
    if (random.chance(0.4)) await this.#changeSettings(Object.keys(this.#source));
    const names = random.chance(0.4) ? random.some(Object.keys(this.#source)) : [];
    return this.#deploy(Object.fromEntries(names.map((name) => [name, random.pick(tags)])));
  }

  // What an operation comes to.

  #deploy(given: Readonly<Record<string, string>>): Operation {
    const { settings } = this.#configuration;
    const next = { ...settings, tags: { ...settings.tags, ...given } };
    const running = this.#runningOf(this.#source, next, {});
    return {
      args: ['deploy', ...Object.entries(given).map(([name, tag]) => `${name}=${tag}`)],
      source: this.#source,
      configuration: { settings: next, pins: pinsOf(running) },
      running,
      again: () => this.#deploy(given),
    };
  }

  #up(): Operation {
    const { settings, kept, pins } = this.#configuration;
    const source = kept ?? this.#source;
    return {
      args: ['up'],
      source,
      configuration: this.#configuration,
      running: this.#runningOf(source, settings, pins),
      again: () => this.#up(),
    };
  }

  #revert(to: ModelRelease, named: boolean): Operation {
    return {
      args: ['revert', ...(named ? [`r${to.number}`] : []), '--yes'],
      source: to.source,
      configuration: configurationOf(to),
      running: to.running,
      revertOf: to.number,
      again: () => (named ? this.#revert(to, true) : this.#revertFurther()),
    };
  }

  /** One release further back; from the first one to any. */
  #revertFurther(): Operation {
    const target = targetWithoutName(this.#releases);
    return target ? this.#revert(target, false) : this.#revert(this.#random.pick(this.#releases), true);
  }

  // Doing it.

  async #run(operation: Operation): Promise<void> {
    const before = Date.now();
    if (operation.args[0] === 'up') {
      const { ok, output } = await this.#stack.tryUp();
      if (!ok) this.#fail(['pulumi up failed:', ...output.split('\n')]);
    } else {
      // The engine of a rewind that was killed goes on for a while: what is there changes under a plan.
      const isPlanned = operation.revertOf !== undefined && this.#random.chance(0.25) && !this.#isHalfDone;
      const plan = isPlanned ? await this.#plan(operation) : undefined;
      const containers = await containerIds(this.#stack.project);
      const json = await this.#rewind(operation.args, 0);
      this.#expect('state', 'done', json.state);
      if (plan) await this.#expectAsPlanned(plan, containers);
    }
    this.#usualMs = (this.#usualMs + (Date.now() - before)) / 2;
    this.#done(operation);
  }

  /** The operation has come to its end. */
  #done({ source, configuration, running, revertOf }: Operation): void {
    this.#configuration = configuration;
    if (this.#releases.length > 0 && isSame(this.#current.running, running)) return;
    this.#releases.push({
      number: this.#releases.length + 1,
      source,
      settings: configuration.settings,
      running,
      ...(revertOf !== undefined && { revertOf }),
    });
  }

  /** The operation, killed at some moment; then the same again, or something else. */
  async #runKilled(operation: Operation): Promise<void> {
    const random = this.#random;
    const who = random.pick(['rewind', 'engine'] as const);
    const before = this.#current;
    const { killed, exitCode, output, orphans } = await runAndKill(
      this.#stack,
      operation.args,
      who,
      300 + random.next() * this.#usualMs,
    );
    this.#orphans = [...this.#orphans, ...orphans];
    this.#where += killed === undefined ? ' (not killed in time)' : ` (${killed} killed)`;
    if (killed !== 'rewind') {
      // Rewind lives, and has to have left the stack in order.
      if (exitCode === 0) this.#done(operation);
      else if (exitCode === 3) await this.#putBack(operation, before);
      else this.#fail([`ended with ${exitCode}:`, ...output.split('\n')]);
      await this.#check(false);
    }
    const isRecorded = killed === 'rewind' && (await this.#newest()) > before.number;
    if (isRecorded) this.#done(operation);
    // Its last moments are those in which it tells how it ended.
    const isOver = isRecorded && (await new Journal(this.#store).read()) === undefined;
    const isInterrupted = killed === 'rewind' && !isOver;
    if (isOver) this.#where += ' (at its end)';
    this.#isHalfDone = isInterrupted;

    if (random.chance(0.6)) await this.#runAgain(operation, isInterrupted);
    else {
      const next = await this.#instead(operation, before, isInterrupted);
      this.#where += `, then ${next.args.join(' ')}`;
      await this.#run(next);
    }
    this.#isHalfDone = false;
    endPlugins(this.#orphans);
    this.#orphans = [];
  }

  /** The same command again. */
  async #runAgain(operation: Operation, wasInterrupted: boolean): Promise<void> {
    this.#where += ', then again';
    if (wasInterrupted) {
      // It may have got so far that its release was written down, and the configuration is that already.
      const isRecorded = isSame(this.#current.running, operation.running);
      return this.#run(isRecorded ? { ...operation, configuration: this.#configuration } : operation);
    }
    // What was put back may have taken settings along that were changed for the operation.
    if (operation.args[0] === 'deploy') await this.#dropIdleSettings();
    return this.#run(operation.again());
  }

  /** Another operation than the one that was killed. */
  async #instead(operation: Operation, before: ModelRelease, wasInterrupted: boolean): Promise<Operation> {
    const kind = this.#random.weighted({ deploy: 1, revert: 1, 'revert without a name': 1 });
    if (kind !== 'revert without a name' || !wasInterrupted) return this.#next(kind);
    // An interrupted revert is finished; what an interrupted deploy had begun is undone.
    const to = this.#releases[(operation.revertOf ?? before.number) - 1]!;
    const isRecorded = this.#current.number > before.number;
    return operation.revertOf === undefined && isRecorded ? this.#next(kind) : this.#revert(to, false);
  }

  /** What ran before runs again; where its release had been recorded already, that was undone by one more. */
  async #putBack(operation: Operation, before: ModelRelease): Promise<void> {
    if ((await this.#newest()) > before.number) {
      this.#done(operation);
      this.#done({
        ...operation,
        running: before.running,
        source: before.source,
        configuration: configurationOf(before),
        revertOf: before.number,
      });
    }
    this.#settlePutBack(before);
  }

  /** The stack configuration stays as it was where that says what runs; else it becomes that of the release. */
  #settlePutBack(before: ModelRelease): void {
    if (Object.keys(this.#idleSettings()).length > 0 || !isSame(before.running, this.#up().running)) {
      this.#configuration = configurationOf(before);
    }
  }

  async #brokenDeploy(): Promise<void> {
    await this.#dropIdleSettings();
    const before = this.#current;
    const whole = this.#source;
    const name = this.#random.pick(Object.keys(whole));
    const it = whole[name]!;
    await this.#writeSource({ ...whole, [name]: { ...it, environment: { ...it.environment, BROKEN: 'yes' } } });
    const json = await this.#rewind(['deploy'], 3);
    this.#expect('state', 'put-back', json.state);
    this.#settlePutBack(before);
    await this.#writeSource(whole);
  }

  async #restart(): Promise<void> {
    const names = this.#random.chance(0.5) ? [] : this.#random.some(Object.keys(this.#current.running.services));
    this.#where += ` ${names.join(' ')}`;
    const before = await containerIds(this.#stack.project);
    await this.#stack.rewind('restart', ...names);
    this.#differ('containers', before, await containerIds(this.#stack.project));
  }

  // Changing what a user may change.

  async #changeSource(times: number): Promise<void> {
    let source = this.#source;
    for (let i = 0; i < times; i++) source = changedSource(source, this.#random);
    await this.#writeSource(source);
  }

  async #writeSource(source: Source): Promise<void> {
    for (const [name, { pages }] of Object.entries(this.#source)) {
      for (const page of Object.keys(pages ?? {})) {
        if (source[name]?.pages?.[page] === undefined) await this.#stack.removeFile(`${name}.pages/${page}`);
      }
    }
    const files = filesOf(source, (tag) => this.#referenceOf(tag));
    for (const [path, content] of Object.entries(files)) await this.#stack.write(path, content);
    this.#source = source;
  }

  async #moveTag(): Promise<void> {
    const [from, to] = [this.#referenceOf(this.#random.pick(['v1', 'v2'])), this.#referenceOf('stable')];
    await tagImage(from, to);
    await this.#readTags();
  }

  async #readTags(): Promise<void> {
    for (const tag of tags) this.#images[this.#referenceOf(tag)] = await imageId(this.#referenceOf(tag));
  }

  async #changeSettings(services: readonly string[]): Promise<void> {
    await this.#writeSettings(changedSettings(this.#configuration.settings, services, this.#random));
  }

  /** A deploy refuses settings of services that the compose file does not have; the user removes them. */
  async #dropIdleSettings(): Promise<void> {
    const idle = this.#idleSettings();
    if (idle.length === 0) return;
    if (this.#random.chance(0.5)) {
      const { state, why = '' } = await this.#rewind(['deploy'], 1);
      this.#expect('state', 'refused', state);
      for (const name of idle)
        if (!why.includes(`.${name} names a service`)) this.#fail([`The refusal does not name ${name}: ${why}`]);
      if (!this.#isHalfDone) await this.#check(false);
    }
    await this.#writeSettings(settingsFor(this.#source, this.#configuration.settings));
  }

  #idleSettings(): string[] {
    const { tags: byTag, env, secrets } = this.#configuration.settings;
    return [byTag, env, secrets].flatMap(Object.keys).filter((name) => !Object.hasOwn(this.#source, name));
  }

  async #writeSettings(settings: Configuration['settings']): Promise<void> {
    const { tags: byTag, env, secrets } = settings;
    const before = this.#configuration.settings.secrets;
    await this.#stack.configure({ tags: orNone(byTag), env: orNone(env) });
    if (JSON.stringify(before) !== JSON.stringify(secrets)) {
      await this.#stack.configure({ secrets: undefined });
      for (const [service, values] of Object.entries(secrets)) {
        for (const [key, value] of Object.entries(values)) {
          this.#secrets.add(value);
          await this.#stack.configureSecret(`secrets.${service}.${key}`, value);
        }
      }
    }
    this.#configuration = { ...this.#configuration, settings };
  }

  // Looking at what came of it.

  /** Containers, networks, records and the data, and with `thoroughly` what Pulumi would change. */
  async #check(thoroughly: boolean): Promise<void> {
    const { project } = this.#stack;
    const { running } = this.#current;
    this.#differ('live', withoutReferences(running), await observe(project));
    this.#differ('marker', marker, await execIn(`${project}-db-1`, 'cat', '/var/lib/data/marker'));
    const stored = await this.#store.list();
    this.#differ('releases', this.#releases.map(briefOf), stored.map(briefRecord));
    if (!thoroughly) return;
    const [current] = (await this.#stack.rewindJson<{ current: boolean; release?: number }[]>(['history'])).filter(
      (row) => row.current,
    );
    this.#expect('the current release of rewind history', this.#current.number, current?.release);
    if (isSame(running, this.#idleSettings().length > 0 && !this.#configuration.kept ? running : this.#up().running)) {
      if (this.#idleSettings().length > 0 && !this.#configuration.kept) return;
      this.#differ('steps of pulumi preview', {}, await this.#stack.plannedSteps());
    }
  }

  async #plan({ args }: Operation): Promise<Record<string, string>> {
    const words = args.filter((word) => /^r\d/.test(word));
    const { services } = await this.#stack.rewindJson<{ services: { service: string; action: string }[] }>([
      'plan',
      ...words,
    ]);
    return Object.fromEntries(services.map(({ service, action }) => [service, action]));
  }

  /** The containers that a revert replaced, started and stopped are those that the plan had named. */
  async #expectAsPlanned(plan: Record<string, string>, before: Record<string, string>): Promise<void> {
    const after = await containerIds(this.#stack.project);
    const actions = [
      ...new Set([...Object.keys(before), ...Object.keys(after)].map((name) => this.#serviceOf(name))),
    ].map((service) => [service, this.#actionOn(service, before, after)] as const);
    const happened = Object.fromEntries(actions.filter(([, action]) => action !== undefined));
    this.#differ(
      'rewind plan',
      Object.fromEntries(Object.entries(plan).filter(([, action]) => action !== 'update')),
      happened,
    );
  }

  /** Service of a container, by their names. */
  #serviceOf(container: string): string {
    return container.slice(this.#stack.project.length + 1).replace(/-\d+$/, '');
  }

  /** What has become of a service; one that has more or fewer containers than before has gone on running. */
  #actionOn(
    service: string,
    before: Readonly<Record<string, string>>,
    after: Readonly<Record<string, string>>,
  ): string | undefined {
    const [was, is] = [before, after].map((all) => Object.keys(all).filter((it) => this.#serviceOf(it) === service));
    if (was!.length === 0) return 'start';
    if (is!.length === 0) return 'stop';
    return was!.some((name) => after[name] !== undefined && after[name] !== before[name]) ? 'replace' : undefined;
  }

  noSecretWasShown(): void {
    const shown = [...this.#secrets].filter((value) => this.#stack.printed.some((text) => text.includes(value)));
    if (shown.length > 0) this.#fail(shown.map((value) => `The secret ${value} was printed.`));
  }

  async #newest(): Promise<number> {
    return (await this.#store.numbers()).at(-1) ?? 0;
  }

  /** Runs rewind with --json. One that an engine of a killed rewind is in the way of is told so, and tries again. */
  async #rewind(args: readonly string[], expected: number): Promise<ChangeJson> {
    for (const end = Date.now() + 60_000; ;) {
      const { exitCode, stdout, stderr } = await this.#stack.tryRewind([...args, '--json']);
      const json = parsed(stdout);
      if (json?.errors?.some(({ code }) => code === 'release/locked') && Date.now() < end) continue;
      if (exitCode === expected && json) return json;
      this.#fail([
        `rewind ${args.join(' ')} ended with ${exitCode}, not ${expected}:`,
        ...`${stdout}\n${stderr}`.split('\n'),
      ]);
    }
  }

  get #current(): ModelRelease {
    return this.#releases.at(-1)!;
  }

  #runningOf(source: Source, settings: Configuration['settings'], pins: Readonly<Record<string, string>>): Running {
    return runningOf(
      source,
      settings,
      (tag) => this.#referenceOf(tag),
      (reference) => pins[reference] ?? this.#images[reference]!,
    );
  }

  #referenceOf(tag: string): string {
    return `${this.#options.project}/box:${tag}`;
  }

  #expect(what: string, expected: unknown, found: unknown): void {
    this.#differ(what, expected, found);
  }

  #differ(what: string, expected: unknown, found: unknown): void {
    const lines = differences(expected, found, what);
    if (lines.length > 0) this.#fail(lines);
  }

  #fail(details: readonly string[]): never {
    throw new Mismatch(`${this.#where} (in ${this.#stack.directory}):`, details);
  }
}

const marker = 'written-at-the-start';

/** The configuration of a stack that has gone back to a release. */
function configurationOf({ settings, source, running }: ModelRelease): Configuration {
  return { settings, kept: source, pins: pinsOf(running) };
}

function withoutReferences({ services, networks }: Running): Running {
  return {
    services: Object.fromEntries(Object.entries(services).map(([name, it]) => [name, { ...it, reference: '' }])),
    networks,
  };
}

function briefOf({ number, running, revertOf }: ModelRelease): object {
  return {
    number,
    revertOf,
    services: Object.fromEntries(
      Object.entries(running.services).map(([name, { reference, image, containers }]) => [
        name,
        `${containers} × ${reference} ${image}`,
      ]),
    ),
  };
}

function briefRecord(stored: StoredRelease): object {
  if ('damage' in stored) return { number: stored.number, damage: stored.damage.message };
  const { number, revertOf, services }: ReleaseRecord = stored.record;
  return {
    number,
    revertOf,
    services: Object.fromEntries(
      Object.entries(services).map(([name, { image, imageId: id, containers }]) => [
        name,
        `${containers} × ${image} ${id}`,
      ]),
    ),
  };
}

function orNone<T extends object>(values: T): T | undefined {
  return Object.keys(values).length > 0 ? values : undefined;
}

function parsed(text: string): ChangeJson | undefined {
  try {
    return JSON.parse(text) as ChangeJson;
  } catch {
    return undefined;
  }
}
