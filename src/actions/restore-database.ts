import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { readSequences } from '../postgres/contents';
import { differences, propertyDifferences, sequenceDifferences } from '../postgres/differences';
import { type DatabaseProperties, propertiesSql } from '../postgres/facts';
import { dropDatabase, gatherStatistics, restoreArchive } from '../postgres/restore';
import type { VersionTable } from '../postgres/revisions';
import { checkRoom } from '../postgres/room';
import type { PostgresServer } from '../postgres/server';
import { proofSuffix, removeAbandoned, withScratch } from '../postgres/scratch';
import { SnapshotSession } from '../postgres/session';
import { derivedName, identifier, textArray } from '../postgres/sql';
import { readState } from '../postgres/state';
import { databaseId, withSwap } from '../postgres/swap';
import { RewindError } from '../errors';
import { timeName, timeOf } from '../snapshots/id';
import type { SnapshotManifest } from '../snapshots/manifest';
import type { SnapshotProof } from '../snapshots/proof';
import { leaveReady, removeReady, type SnapshotOnServer, takeReady } from './ready-database';

/** What is restored. */
export interface RestoreSource extends SnapshotOnServer {
  readonly versionTable?: VersionTable;
  /**
   * Whether every row is compared by checksum, or only counted. @default every row, unless that takes long and a proof has
   * done it before with the same archive
   */
  readonly everyRow?: boolean;
  readonly signal?: AbortSignal;
  /** Hears of what has been done, e.g. `restored`. */
  readonly onStep?: (text: string) => void;
}

/** Every row of so many bytes is read and summed up in about a second. */
export const quicklyRead = 64 * 1024 ** 2;

/**
 * Restores a snapshot into a database of its own beside the live one, while applications go on, and holds it against the
 * manifest.
 *
 * @param name - of the new database
 * @throws RewindError database/…, snapshot/damaged, snapshot/not-restorable; there is no such database then
 */
export async function buildShadow(source: RestoreSource, name: string): Promise<void> {
  const { server, store, manifest, signal, onStep } = source;
  const { id, facts, databaseBytes, files } = manifest;
  await checkRoom(server, databaseBytes + files.archive.bytes, `Restoring ${id}`, () => removeReady(server));
  await store.check(manifest, 'archive');
  const properties = await readKeptProperties(source);
  await missingRoles(server, manifest);
  const archive = store.path(id, 'archive');
  await restoreArchive(server, { archive, name, owner: properties.owner, facts, ...(signal && { signal }) });
  try {
    await server.execute(propertiesSql(name, properties), server.maintenance);
    const everyRow = await comparesEveryRow(source);
    onStep?.(everyRow ? 'restored, comparing every row' : 'restored, counting rows');
    const [findings] = await bothEnded(snapshotFindings(source, name, everyRow), gatherStatistics(server, name));
    if (findings.length > 0) throw notRestorable(id, findings);
  } catch (error) {
    await dropDatabase(server, name).catch(() => undefined);
    throw error;
  }
}

/**
 * The same, except that a database is taken, if there is one, that a proof has left: that is there at once. It is held against
 * the manifest, too; where it has come to differ, the snapshot is restored anew.
 *
 * @throws RewindError as {@link buildShadow}
 */
export async function provideShadow(source: RestoreSource, name: string): Promise<void> {
  const { server, onStep } = source;
  if (await takeReady(source, name)) {
    try {
      if (await isAsTaken(source, name)) return;
    } catch (error) {
      await dropDatabase(server, name).catch(() => undefined);
      throw error;
    }
    onStep?.('it has been changed since: restoring anew');
    await dropDatabase(server, name);
  }
  await buildShadow(source, name);
}

/**
 * Whether a database that a proof has left is still as the snapshot was taken.
 *
 * @throws RewindError database/…, snapshot/damaged
 */
export async function isAsTaken(source: RestoreSource, name: string): Promise<boolean> {
  const everyRow = await comparesEveryRow(source);
  source.onStep?.(`restored already, ${everyRow ? 'comparing every row' : 'counting rows'}`);
  return (await snapshotFindings(source, name, everyRow)).length === 0;
}

async function comparesEveryRow({ everyRow, manifest, store }: RestoreSource): Promise<boolean> {
  return everyRow ?? (manifest.databaseBytes <= quicklyRead || (await store.proof(manifest.id))?.ok !== true);
}

/** Two things side by side, both at their end even if one fails. */
async function bothEnded<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}

/** What is proved. */
export interface ProofSource extends RestoreSource {
  /** What it restores stays on the server, up to this size in bytes, if it is what would be brought back. @default a gibibyte */
  readonly readyUpTo?: number | undefined;
}

/**
 * Restores a snapshot into a scratch database and holds that against the manifest; the outcome is kept beside the snapshot.
 * What was restored takes the place of what an earlier proof has left, or is removed again.
 *
 * @throws RewindError database/… where that could not be tried
 */
export async function proveSnapshot(source: ProofSource): Promise<SnapshotProof> {
  const { server, store, manifest, readyUpTo } = source;
  const started = new Date();
  const proofOf = (findings: readonly string[]): SnapshotProof => {
    const seconds = (Date.now() - started.getTime()) / 1000;
    return { at: started.toISOString(), seconds, ok: findings.length === 0, findings };
  };
  await server.checkWritable();
  await removeAbandoned(server);
  const name = derivedName(server.database, `${proofSuffix}${timeName(started)}`);
  const proving = withScratch(server, name, async (): Promise<SnapshotProof> => {
    await buildShadow({ ...source, everyRow: true }, name);
    const proof = proofOf([]);
    try {
      const left = await leaveReady(source, name, proof, readyUpTo);
      if (left) return left;
    } catch (error) {
      await dropDatabase(server, name).catch(() => undefined);
      throw error;
    }
    await dropDatabase(server, name);
    await store.keepProof(manifest.id, proof);
    return proof;
  });
  return proving.catch(async (error: unknown) => {
    if (!(error instanceof RewindError) || !error.code.startsWith('snapshot/')) throw error;
    const failed = proofOf(error.message.split('\n'));
    await store.keepProof(manifest.id, failed);
    return failed;
  });
}

/** A database that was replaced, and is kept. */
export interface KeptDatabase {
  readonly name: string;
  /** When it was replaced, ISO 8601. */
  readonly since: string;
  readonly bytes: number;
}

/** A database that is about to take the place of the live one. */
export interface Replacing {
  /** What names it, whatever it is called. */
  readonly id: number | undefined;
  /**
   * Puts it there, once.
   *
   * @returns the name under which the live one is kept
   * @throws RewindError database/…; the live database is as it was then
   */
  readonly replace: () => Promise<string>;
}

/**
 * Prepares to put a database into the place of the live one.
 *
 * @param replacement - whoever calls holds its lock: {@link withScratch}
 * @param work - stops what uses the live one, and replaces it
 * @throws RewindError database/…; and whatever `work` throws
 */
export async function withReplacement<T>(
  server: PostgresServer,
  replacement: string,
  work: (replacing: Replacing) => Promise<T>,
): Promise<T> {
  const keptAs = await freeName(server);
  return withSwap(server, { live: server.database, replacement, keptAs }, ({ id, run }) =>
    work({ id, replace: () => run().then(() => keptAs) }),
  );
}

const keptSuffix = '.before-';

/** A name that has not been taken in the same second, e.g. by the restore that is being undone. */
async function freeName(server: PostgresServer): Promise<string> {
  for (;;) {
    const name = derivedName(server.database, `${keptSuffix}${timeName(new Date())}`);
    if ((await databaseId(server, name)) === undefined) return name;
    await sleep(200);
  }
}

/**
 * The databases that were replaced and are kept, newest first.
 *
 * @throws RewindError database/…
 */
export async function keptDatabases(server: PostgresServer): Promise<KeptDatabase[]> {
  const names = await server.databasesLike(keptSuffix);
  const rows = await server.query<{ name: string; bytes: number }>(
    `SELECT datname AS name, pg_database_size(oid) AS bytes FROM pg_database WHERE datname = ANY (${textArray(names)})`,
    server.maintenance,
  );
  const bytes = new Map(rows.map((row) => [row.name, row.bytes]));
  return names.map((name) => ({ name, bytes: bytes.get(name) ?? 0, since: timeOf(name).toISOString() }));
}

/**
 * How a database that was restored from a snapshot differs from it, in words; empty if it does not.
 *
 * @param everyRow - without it rows are only counted. @default true
 * @throws RewindError database/…, snapshot/damaged
 */
export async function snapshotFindings(source: RestoreSource, name: string, everyRow = true): Promise<string[]> {
  const { server, manifest, versionTable, signal } = source;
  const properties = await readKeptProperties(source);
  return SnapshotSession.use(
    server,
    name,
    async (session) => {
      const state = await readState(server, session, versionTable, everyRow ? undefined : manifest.content);
      const sequences = await readSequences(session);
      return [
        ...differences(manifest, state, everyRow),
        ...sequenceDifferences(manifest.sequences.before, manifest.sequences.after, sequences),
        ...propertyDifferences(properties, state.properties),
      ];
    },
    signal,
  );
}

async function readKeptProperties({ store, manifest }: RestoreSource): Promise<DatabaseProperties> {
  await store.check(manifest, 'settings');
  return JSON.parse(await readFile(store.path(manifest.id, 'settings'), 'utf8')) as DatabaseProperties;
}

function notRestorable(id: string, findings: readonly string[]): RewindError {
  return new RewindError({
    code: 'snapshot/not-restorable',
    message: `The snapshot ${id} does not come back as it was taken:\n${findings.map((line) => `    ${line}`).join('\n')}`,
    fix: 'Take another one (rewind snapshot create --prove), or choose another: rewind snapshot list. The live database has not been touched.',
  });
}

/** Owners and grants name roles, which belong to the server and not to a database: they have to be there. */
async function missingRoles(server: PostgresServer, { id, roles }: SnapshotManifest): Promise<void> {
  const rows = await server.query<{ name: string }>('SELECT rolname AS name FROM pg_roles', server.maintenance);
  const there = new Set(rows.map(({ name }) => name));
  const missing = roles.filter((role) => !there.has(role));
  if (missing.length === 0) return;
  throw new RewindError({
    code: 'snapshot/not-restorable',
    message: `The snapshot ${id} has owners or rights of roles that the server of ${server.service} does not have: ${missing.join(', ')}.`,
    fix: `Make them first: ${missing.map((role) => `CREATE ROLE ${identifier(role)};`).join(' ')}`,
  });
}
