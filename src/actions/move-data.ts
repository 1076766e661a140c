import { isOneWay, type MigrationPath, pathBetween } from '../alembic/graph';
import { AlembicImage, type DowngradeSql, migrationPurpose, type RevisionSteps } from '../alembic/image';
import { endAbandoned, removeAbandonedOneOffs, removeStanding } from '../docker/abandoned-one-offs';
import { messageOf, type Problem, RewindError } from '../errors';
import { loadParser } from '../loss/parse-sql';
import { readEffects } from '../loss/read-effects';
import { salvage } from '../loss/salvage';
import { sayingWhoLocks } from '../postgres/lock-holders';
import { dropDatabase } from '../postgres/restore';
import { endSessionsFrom } from '../postgres/lost-sessions';
import { revisionNames } from '../postgres/revisions';
import { withScratch } from '../postgres/scratch';
import { identifier } from '../postgres/sql';
import { databaseId, withSwap } from '../postgres/swap';
import type { RestoreSettings } from '../settings';
import { chooseMover } from './choose-mover';
import type { SchemaMove, StandingMigration } from './data-run';
import type { OpenRun } from './open-run';
import { PauseMark } from './pause-mark';
import { noDowngrade, unknownRevision } from './prepare-data';
import { withReplacement } from './restore-database';
import { RestoreLedger } from './restore-ledger';
import { restartServices, stoppedAmong, stopUsers } from './restart-services';

/** A way for the schema, and the image that knows it. */
interface Way extends MigrationPath {
  readonly image: AlembicImage;
}

/** A database that is to take the place of the live one. */
interface Replacement {
  readonly restore: RestoreSettings;
  readonly name: string;
  readonly revisions: readonly string[];
}

/**
 * Brings the data to where an update wants it: the restored database takes the place of the live one, if one was
 * prepared, and the schema is moved to its revisions. The services that use the database are stopped for it, and left so:
 * the update replaces or starts them. Whatever fails leaves the data as it was, with the services started again.
 *
 * @param signal - asks to stop, as long as nothing has been changed. @default never
 * @returns whether there was anything to do
 * @throws RewindError migration/…, database/…, docker/…
 */
export async function moveData(open: OpenRun, signal?: AbortSignal): Promise<boolean> {
  const { run } = open;
  const replacement = await replacementOf(open);
  const live = await open.revisions();
  const from = replacement?.revisions ?? live;
  const to = run.revisions ?? from;
  const way = (await standsAt(open, from, to)) ? undefined : await wayBetween(open, from, to);
  if (replacement || way) await new Switch(open, replacement, way, live, signal).run();
  await open.exchange.reached(run);
  return replacement !== undefined || way !== undefined;
}

/**
 * Waits for migrations that go on although whoever has begun them was killed, and removes those that never began.
 *
 * @param but - ID of a container that this update has loaded ahead. @default it has loaded none
 */
export async function endAbandonedMigrations({ docker, run, stack }: OpenRun, but?: string): Promise<void> {
  if (!run.alembic) return;
  await Promise.all([
    endAbandoned(docker, migrationPurpose, run.alembic.name, { but }),
    removeAbandonedOneOffs(docker, stack, { but }),
  ]);
}

/**
 * Loads the migrations that are to be run in a container that waits for them to be: beside a snapshot, that is a second less
 * to be waited for. Where it cannot be done, they are loaded when they are run, which tells why.
 *
 * @param from - where the database stands
 */
export async function standByToMove(open: OpenRun, from: readonly string[]): Promise<void> {
  const { docker, run, exchange } = open;
  try {
    const way = run.revisions && (await wayBetween(open, from, run.revisions));
    if (!way) return;
    const container = await way.image.standBy(stepsOf(way));
    const standing = { container, image: way.image.image, ...stepsOf(way) };
    await exchange.add({ standing }).catch(() => removeStanding(docker, container));
  } catch {
    // said by whoever runs them
  }
}

/** Removes what was loaded ahead, unless it was told to go on. */
export async function standDown({ docker, exchange }: OpenRun): Promise<void> {
  const { standing } = await exchange.outcome();
  if (standing) await removeStanding(docker, standing.container);
}

/**
 * Whether a database is where it is wanted. A revision that another one depends on need not stand in alembic's table: the
 * same migrations are what counts.
 */
export async function standsAt(open: OpenRun, live: readonly string[], wanted: readonly string[]): Promise<boolean> {
  if (same(live, wanted)) return true;
  const mover = await chooseMover(open.run.images, [...live, ...wanted], open.graphOf);
  if (!mover) return false;
  const { undo, apply } = pathBetween(mover.graph, live, wanted);
  return undo.length + apply.length === 0;
}

/** What a restore that is still to be done has prepared; undefined if there is none to do. */
async function replacementOf({
  run,
  releases,
  server,
  exchange,
  revisions,
}: OpenRun): Promise<Replacement | undefined> {
  const { restore } = run.database;
  if (!restore || (await new RestoreLedger(releases).has(restore, server))) return undefined;
  const name = 'database' in restore.source ? restore.source.database : (await exchange.outcome()).prepared;
  if (name === undefined || (await databaseId(server, name)) === undefined) {
    throw new RewindError({
      code: 'snapshot/unknown',
      message: `The server of ${server.service} has no database ${JSON.stringify(name ?? '')} that could take the place of ${JSON.stringify(server.database)}.`,
      fix: 'See what there is: rewind snapshot list.',
    });
  }
  return { restore, name, revisions: await revisionsOf(name) };

  async function revisionsOf(database: string): Promise<string[]> {
    // One that is kept aside takes no connections.
    await server.execute(`ALTER DATABASE ${identifier(database)} ALLOW_CONNECTIONS true;`, server.maintenance);
    return revisions(database);
  }
}

async function wayBetween(open: OpenRun, from: readonly string[], to: readonly string[]): Promise<Way> {
  const { docker, run, snapshots } = open;
  const mover = await chooseMover(run.images, [...from, ...to], open.graphOf);
  if (!mover) throw RewindError.of([unknownRevision(from, to, await snapshots.newestAt(to))])!;
  const path = pathBetween(mover.graph, from, to);
  const stuck = path.undo.filter(isOneWay);
  if (stuck.length > 0) throw RewindError.of([noDowngrade(stuck, from, to, await snapshots.newestAt(to))])!;
  return { ...path, image: new AlembicImage(docker, await open.surroundingsOf(mover.image), mover.image) };
}

/** The one part of an update during which the application does not run. */
class Switch {
  readonly #open: OpenRun;
  readonly #replacement: Replacement | undefined;
  readonly #way: Way | undefined;
  readonly #before: readonly string[];
  readonly #signal: AbortSignal | undefined;
  readonly #mark: PauseMark;
  /** Services that are to run again if this fails. */
  #stopped: readonly string[] = [];
  #keptAs: string | undefined;
  /** Where the connections of the program come from that moves the schema. */
  #addresses: readonly string[] = [];

  constructor(
    open: OpenRun,
    replacement: Replacement | undefined,
    way: Way | undefined,
    before: readonly string[],
    signal: AbortSignal | undefined,
  ) {
    this.#open = open;
    this.#replacement = replacement;
    this.#way = way;
    this.#before = before;
    this.#signal = signal;
    this.#mark = new PauseMark(open.releases.folder);
  }

  async run(): Promise<void> {
    const { server, releases } = this.#open;
    if (!this.#replacement) return this.#run(() => Promise.resolve());
    const { restore, name } = this.#replacement;
    await withScratch(server, name, () =>
      withReplacement(server, name, ({ id, replace }) =>
        this.#run(async () => {
          this.#keptAs = await new RestoreLedger(releases).during(restore, id!, replace);
        }),
      ),
    );
  }

  async #run(replace: () => Promise<void>): Promise<void> {
    const { exchange } = this.#open;
    const begin = async (): Promise<void> => {
      stopIf(this.#signal);
      await this.#quiesce();
      await replace();
      stopIf(this.#signal);
    };
    try {
      if (this.#way) await this.#move(this.#way, begin);
      else await begin();
    } catch (error) {
      throw await this.#undone(error);
    }
    await exchange.add({
      ...(this.#keptAs !== undefined && { keptAs: this.#keptAs }),
      ...(this.#way && { moved: this.#moveOf(this.#way) }),
    });
  }

  async #quiesce(): Promise<void> {
    const { docker, stack, run, exchange } = this.#open;
    // Written ahead: whoever comes after a kill, or finds the store full, has to know what to ask the database.
    const like = run.alembic?.name;
    await exchange.add({ begun: true, ...(this.#way && like && { moving: { ...this.#moveOf(this.#way), like } }) });
    const earlier = await this.#mark.read();
    this.#stopped = earlier?.services ?? [];
    await stopUsers(docker, stack, run.database.service, run.users, async (services) => {
      this.#stopped = [...new Set([...this.#stopped, ...services])].sort();
      await this.#mark.begin({ what: 'update', since: new Date().toISOString(), services: this.#stopped });
    });
  }

  #moveOf(way: Way): SchemaMove {
    return { from: this.#before, to: this.#open.run.revisions!, isReversible: isReversible(way) };
  }

  async #move(way: Way, begin: () => Promise<void>): Promise<void> {
    const { image, undo } = way;
    const { server, exchange } = this.#open;
    if (undo.length > 0) loadParser();
    const { standing } = await exchange.outcome();
    try {
      const whenLoaded = async (scripts: readonly DowngradeSql[]): Promise<void> => {
        // What undoing takes away, as far as it can be told; the snapshot that was taken first has all of it.
        const effects = await readEffects(undo, scripts, this.#open.versionTable);
        await begin();
        await salvage(server, server.database, effects, { revision: this.#from.join(', ') });
      };
      await image.move(stepsOf(way), {
        whenLoaded,
        onAddresses: (addresses) => (this.#addresses = addresses),
        ...(standing && fits(standing, way) && { standing: standing.container }),
      });
    } catch (error) {
      const isLock = error instanceof RewindError && /lock ?timeout|LockNotAvailable/i.test(error.message);
      throw isLock ? await sayingWhoLocks(server, server.database, error, true) : error;
    }
  }

  /** Where the database stands that is to be moved. */
  get #from(): readonly string[] {
    return this.#replacement?.revisions ?? this.#before;
  }

  /** Puts everything back, and says what could not be. */
  async #undone(error: unknown): Promise<unknown> {
    const { docker, stack, exchange } = this.#open;
    const problems: Problem[] = [];
    await endSessionsFrom(this.#open.server, this.#addresses);
    await this.#dataUndone().catch((failure: unknown) => problems.push(notBack(failure, this.#before)));
    const starting = stoppedAmong(docker, stack, this.#stopped).then(async (services) => {
      if (services.length > 0) await restartServices(docker, stack, { services });
    });
    await starting.catch((failure: unknown) => {
      if (failure instanceof RewindError) problems.push(...failure.problems);
    });
    if (this.#stopped.length > 0) await this.#mark.end();
    if (problems.length === 0) {
      await exchange.add({ begun: false }).catch(() => undefined);
      return error;
    }
    if (!(error instanceof RewindError)) return error;
    const [first, ...others] = error.problems;
    return new RewindError(first!, [...others, ...problems]);
  }

  async #dataUndone(): Promise<void> {
    const { server, releases, revisions } = this.#open;
    if (this.#replacement && this.#keptAs !== undefined) {
      const { restore, name } = this.#replacement;
      const back = { live: server.database, replacement: this.#keptAs, keptAs: name };
      await withScratch(server, back.replacement, () => withSwap(server, back, ({ run }) => run()));
      await new RestoreLedger(releases).forget(restore);
      // What a snapshot was restored into can be made anew; a database that was kept stays.
      if ('snapshot' in restore.source) await dropDatabase(server, name);
      return;
    }
    // Some migrations are in transactions of their own: those that were done before the one that failed are undone.
    const now = await revisions();
    if (!this.#way || same(now, this.#before)) return;
    const back = await wayBetween(this.#open, now, this.#before);
    await back.image.move(stepsOf(back));
  }
}

/** Whether undoing what was done brings everything back, or undoing has taken something away. */
function isReversible({ undo, apply }: MigrationPath): boolean {
  return undo.length === 0 && !apply.some(isOneWay);
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted();
}

/** A step that was asked to stop, and has. */
export function interrupted(cause?: unknown): RewindError {
  return new RewindError({
    code: 'migration/failed',
    message: 'Interrupted: the data is as it was before.',
    fix: 'Run the same command again.',
    cause,
  });
}

function notBack(failure: unknown, before: readonly string[]): Problem {
  return {
    code: 'migration/unfinished',
    message: `The schema could not be brought back to ${revisionNames(before)}: ${messageOf(failure)}`,
    fix: 'Mend what is named, or bring the data back from the snapshot that was taken first: rewind snapshot list, rewind snapshot restore.',
  };
}

function stepsOf({ undo, apply }: MigrationPath): RevisionSteps {
  const names = (path: MigrationPath['undo']): string[] => path.map(({ revision }) => revision);
  return { undo: names(undo), apply: names(apply) };
}

/** Whether what was loaded ahead is what is to be done: the database may have been moved since. */
function fits(standing: StandingMigration, way: Way): boolean {
  const { undo, apply } = stepsOf(way);
  return standing.image === way.image.image && same(standing.undo, undo) && same(standing.apply, apply);
}

/** Whether two lists of revisions are the same, both sorted. */
export function same(a: readonly string[], b: readonly string[]): boolean {
  return a.join('\n') === b.join('\n');
}
