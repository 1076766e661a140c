import { RewindError } from '../errors';
import { dropDatabase } from '../postgres/restore';
import { readRevisions, revisionNames } from '../postgres/revisions';
import { preparedSuffix, removeAbandoned, shadowSuffix, withScratch } from '../postgres/scratch';
import { fingerprintObjects, fingerprintOf, readSchema } from '../postgres/schema';
import { SnapshotSession } from '../postgres/session';
import { derivedName, identifier } from '../postgres/sql';
import { timeName } from '../snapshots/id';
import { standByToMove, standDown, standsAt } from './move-data';
import type { OpenRun } from './open-run';
import { PauseMark } from './pause-mark';
import { provideShadow } from './restore-database';
import { RestoreLedger } from './restore-ledger';
import { stoppedAmong } from './restart-services';
import { takeSnapshot } from './take-snapshot';

/**
 * Takes a snapshot if the data is about to change: complete, written to the disk and readable to its end. Where the store
 * has become full, what ran before is put back without one: what a restore replaces, and what a downgrade takes away, is kept
 * on the server.
 *
 * @param signal - asks to stop; what was written is removed again. @default never
 * @returns its id; undefined if nothing will change, there is nothing to lose, or there is no room for putting back
 * @throws RewindError database/…, store/unusable
 */
export async function snapshotFirst(open: OpenRun, signal?: AbortSignal): Promise<string | undefined> {
  const { run, server, snapshots, stack, versionTable, exchange, releases } = open;
  const { restore } = run.database;
  const from = await open.revisions();
  const to = run.revisions ?? from;
  const isRestored = restore !== undefined && !(await new RestoreLedger(releases).has(restore, server));
  if (((await standsAt(open, from, to)) && !isRestored) || (await isEmpty(open))) return undefined;
  const what = isRestored ? `the restore of ${sourceName(restore)}` : `${revisionNames(from)} → ${revisionNames(to)}`;
  const isOfFailed = run.isPutBack ?? false;
  const reason = `before ${isOfFailed ? 'putting back: ' : ''}${what}`;
  const options = { server, store: snapshots, stack, versionTable, reason, isOfFailed, ...(signal && { signal }) };
  const loading = isRestored ? undefined : standByToMove(open, from);
  try {
    const taken = await takeSnapshot(options).catch((error: unknown) => {
      if (run.isPutBack && error instanceof RewindError && error.code === 'store/unusable') return undefined;
      throw error;
    });
    await loading;
    if (!taken) return undefined;
    await exchange.add({ snapshot: taken.id });
    return taken.id;
  } catch (error) {
    await loading;
    await standDown(open);
    throw error;
  }
}

async function isEmpty({ server }: OpenRun): Promise<boolean> {
  const [found] = await server.query<{ tables: number }>(
    `SELECT count(*) AS tables FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'`,
  );
  return found?.tables === 0;
}

/**
 * Restores the snapshot that the configuration names into a database beside the live one, while the application goes
 * on, unless that restore has been done before.
 *
 * @param signal - asks to stop. @default never
 * @returns the name of the database; undefined if there is nothing to prepare
 * @throws RewindError database/…, snapshot/…
 */
export async function prepareRestore(open: OpenRun, signal?: AbortSignal): Promise<string | undefined> {
  const { run, server, snapshots: store, versionTable, releases, exchange } = open;
  const { restore } = run.database;
  if (!restore || 'database' in restore.source || (await new RestoreLedger(releases).has(restore, server)))
    return undefined;
  await removeAbandoned(server);
  for (const left of await server.databasesLike(preparedSuffix)) await dropDatabase(server, left);
  const manifest = await store.read(restore.source.snapshot);
  const time = timeName(new Date());
  const shadow = derivedName(server.database, `${shadowSuffix}${time}`);
  const name = derivedName(server.database, `${preparedSuffix}${time}`);
  await withScratch(server, shadow, async () => {
    await provideShadow({ server, store, manifest, versionTable, ...(signal && { signal }) }, shadow);
    // Under this name it outlives this process.
    const sql = `ALTER DATABASE ${identifier(shadow)} RENAME TO ${identifier(name)};`;
    await server.execute(sql, server.maintenance);
  });
  await exchange.add({ prepared: name });
  return name;
}

/**
 * Makes sure, at the end of an update, that the data is where it should be, and that nothing was left stopped.
 *
 * @throws RewindError migration/unfinished, database/…
 */
export async function verifyData(open: OpenRun): Promise<void> {
  const { run, server, docker, stack, releases, exchange } = open;
  const { schema, live } = await SnapshotSession.use(server, server.database, async (session) => ({
    live: await readRevisions(session, open.versionTable),
    schema: fingerprintOf(fingerprintObjects(await readSchema(session))),
  }));
  if (run.revisions && !(await standsAt(open, live, run.revisions))) {
    throw new RewindError({
      code: 'migration/unfinished',
      message: `The database of ${server.service} stands at ${revisionNames(live)} and not at ${revisionNames(run.revisions)}.`,
      fix: 'Somebody else has moved it meanwhile: end that, then run the update again.',
    });
  }
  const paused = (await new PauseMark(releases.folder).read())?.services ?? [];
  const stopped = await stoppedAmong(docker, stack, paused);
  if (stopped.length > 0) {
    throw new RewindError({
      code: 'migration/unfinished',
      message: `Stopped for the change of the data, and not started again: ${stopped.join(', ')}.`,
      fix: 'Start them: rewind restart.',
    });
  }
  await exchange.add({ schema, verified: new Date().toISOString() });
  await exchange.settled();
}

/** What a restore is of, in words. */
export function sourceName({ source }: NonNullable<OpenRun['run']['database']['restore']>): string {
  return 'snapshot' in source ? source.snapshot : source.database;
}
