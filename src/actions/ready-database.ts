import { RewindError } from '../errors';
import { dropDatabase } from '../postgres/restore';
import { hasRoomToSpare } from '../postgres/room';
import { isHeld, readySuffix, withScratch } from '../postgres/scratch';
import type { PostgresServer } from '../postgres/server';
import { derivedName, identifier } from '../postgres/sql';
import { databaseId } from '../postgres/swap';
import { timeName } from '../snapshots/id';
import type { SnapshotManifest } from '../snapshots/manifest';
import type { ReadyDatabase, SnapshotProof } from '../snapshots/proof';
import type { SnapshotStore, StoredSnapshot } from '../snapshots/snapshot-store';

/** A snapshot, and the server that it can be restored on. */
export interface SnapshotOnServer {
  readonly server: PostgresServer;
  readonly store: SnapshotStore;
  readonly manifest: SnapshotManifest;
}

/** A database of up to so many bytes stays restored, where nothing else is set. */
const usuallyUpTo = 1024 ** 3;

/**
 * Leaves what a proof has restored on the server, closed to everybody, so that bringing it back is a change of names: if it is the
 * snapshot that a revert to its revisions would bring back, no later one is ready, it is not larger than what is set, and there
 * is room to restore another one beside it.
 *
 * @param scratch - name of the database; whoever calls holds its lock
 * @param proof - how the proof has ended
 * @param upTo - in bytes. @default a gibibyte
 * @returns the proof, as it is kept beside the snapshot; undefined if the database is still called as it was
 * @throws RewindError database/…, store/unusable
 */
export async function leaveReady(
  { server, store, manifest }: SnapshotOnServer,
  scratch: string,
  proof: SnapshotProof,
  upTo = usuallyUpTo,
): Promise<SnapshotProof | undefined> {
  if (manifest.databaseBytes > upTo || (await store.newestAt(manifest.revisions)) !== manifest.id) return undefined;
  const needed = manifest.databaseBytes + manifest.files.archive.bytes;
  const name = derivedName(server.database, `${readySuffix}${timeName(new Date(proof.at))}`);
  const proved = { ...proof, ready: { name, id: (await databaseId(server, scratch))! } };
  // Proofs go on in the background: two may come to their ends at the same time, and an earlier snapshot's after a later one's.
  return withScratch(server, `${server.database}${readySuffix}`, async () => {
    const names = await readyNames(server);
    const stored = await store.list();
    const later = stored.slice(stored.findIndex(({ id }) => id === manifest.id) + 1);
    if (later.some((it) => isReady(it, names))) return undefined;
    if (!(await hasRoomToSpare(server, needed))) {
      await removeReady(server);
      if (!(await hasRoomToSpare(server, needed))) return undefined;
    }
    // First where it will be found: a database that nobody knows of would stay for long.
    await store.keepProof(manifest.id, proved);
    await rename(server, { from: scratch, to: name, isOpen: false });
    await removeReady(server, name);
    return proved;
  });
}

/**
 * Names of the databases that proofs have left.
 *
 * @throws RewindError database/…
 */
export function readyNames(server: PostgresServer): Promise<string[]> {
  return server.databasesLike(readySuffix);
}

/** Whether what a snapshot's proof has restored is among them. */
export function isReady(snapshot: StoredSnapshot, names: readonly string[]): boolean {
  return 'proof' in snapshot && snapshot.proof?.ready !== undefined && names.includes(snapshot.proof.ready.name);
}

/**
 * Takes the database that a proof of the snapshot has left: it has the new name then, and takes connections.
 *
 * @param name - the new one; whoever calls holds its lock
 * @returns whether there was one that nobody was at work with
 */
export async function takeReady(snapshot: SnapshotOnServer, name: string): Promise<boolean> {
  const { server } = snapshot;
  const ready = await readyOf(snapshot);
  if (!ready || (await isHeld(server, ready.name))) return false;
  return rename(server, { from: ready.name, to: name, isOpen: true }).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof RewindError)) throw error;
      return false;
    },
  );
}

/** Removes a database that a snapshot was restored into, or gives it back if it is what a proof has left: {@link takeReady}. */
export async function giveBack({ server, store, manifest }: SnapshotOnServer, name: string): Promise<void> {
  const ready = (await store.proof(manifest.id))?.ready;
  if (ready && (await databaseId(server, name)) === ready.id) {
    await rename(server, { from: name, to: ready.name, isOpen: false });
  } else await dropDatabase(server, name);
}

/**
 * Reads the database that a proof of the snapshot has left, and leaves it again.
 *
 * @param read - says whether it was as it should be: one that is not is removed
 * @returns what was read; undefined if there is no such database, or not as it should be
 */
export async function withReady<T>(
  snapshot: SnapshotOnServer,
  read: (name: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  const { server } = snapshot;
  const there = await readyOf(snapshot);
  if (!there) return undefined;
  return withScratch(server, there.name, async () => {
    // Somebody else may have taken it, or removed it, until now.
    if (!(await readyOf(snapshot))) return undefined;
    await allow(server, there.name, true);
    try {
      const value = await read(there.name);
      if (value === undefined) await dropDatabase(server, there.name);
      else await allow(server, there.name, false);
      return value;
    } catch (error) {
      await allow(server, there.name, false).catch(() => undefined);
      throw error;
    }
  });
}

/**
 * Removes the databases that proofs have left, unless somebody is at work with them: they can be made anew.
 *
 * @param but - the one that stays. @default none
 */
export async function removeReady(server: PostgresServer, but?: string): Promise<void> {
  for (const name of await readyNames(server)) {
    if (name !== but && !(await isHeld(server, name))) await dropDatabase(server, name);
  }
}

/**
 * What a proof of a snapshot has left, if it is there.
 *
 * @throws RewindError database/…
 */
export async function readyOf({ server, store, manifest }: SnapshotOnServer): Promise<ReadyDatabase | undefined> {
  const ready = (await store.proof(manifest.id))?.ready;
  return ready && (await databaseId(server, ready.name)) === ready.id ? ready : undefined;
}

function allow(server: PostgresServer, name: string, isOpen: boolean): Promise<void> {
  return server.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS ${isOpen};`, server.maintenance);
}

function rename(
  server: PostgresServer,
  { from, to, isOpen }: { readonly from: string; readonly to: string; readonly isOpen: boolean },
): Promise<void> {
  const sql = `BEGIN;
    ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)};
    ALTER DATABASE ${identifier(to)} ALLOW_CONNECTIONS ${isOpen};
    COMMIT;`;
  return server.execute(sql, server.maintenance);
}
