import { RewindError } from '../errors';
import type { PostgresServer } from './server';

const mebibyte = 1024 * 1024;
/** What a server needs for itself while a database is filled: its log of changes, sorting. */
const spareBytes = 128 * mebibyte;

/**
 * Makes sure that the disk of the database has room for another one.
 *
 * @param bytes - what it will take
 * @param makeRoom - removes what can be made anew, where there is too little. @default nothing
 * @throws RewindError database/no-room
 */
export async function checkRoom(
  server: PostgresServer,
  bytes: number,
  what: string,
  makeRoom?: () => Promise<void>,
): Promise<void> {
  const free = await freeBytes(server);
  const needed = bytes + spareBytes;
  if (free === undefined || free >= needed) return;
  if (makeRoom) {
    await makeRoom();
    return checkRoom(server, bytes, what);
  }
  throw new RewindError({
    code: 'database/no-room',
    message: `${what} needs ${mebibytes(needed)} on the disk of the database of ${server.service}, which has ${mebibytes(free)} left.`,
    fix: 'Make room; databases that are kept aside take some: rewind snapshot list, rewind snapshot prune. Nothing has been changed.',
  });
}

/** What of a disk has to stay free of what is only kept to be quick: a disk that is nearly full is a trigger. */
const sparePart = 0.1;

/** Whether it has room for another one, and the disk is not nearly full, as far as it can tell. */
export async function hasRoomToSpare(server: PostgresServer, bytes: number): Promise<boolean> {
  const disk = await dataDisk(server);
  return !disk || disk.freeBytes >= Math.max(bytes + spareBytes, sparePart * disk.totalBytes);
}

async function freeBytes(server: PostgresServer): Promise<number | undefined> {
  return (await dataDisk(server))?.freeBytes;
}

/** The disk where the server keeps its data; undefined if its container cannot tell. */
export async function dataDisk(
  server: PostgresServer,
): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | undefined> {
  const { stdout, exitCode } = await server.tool(['df', '-Pk', await dataFolder(server)]);
  const [, total, , free] = (stdout.trim().split('\n').at(-1)?.split(/\s+/) ?? []).map(Number);
  if (exitCode !== 0 || !Number.isFinite(free) || !Number.isFinite(total)) return undefined;
  return { freeBytes: free! * 1024, totalBytes: total! * 1024 };
}

/** The server's data folder, in its container. */
export async function dataFolder(server: PostgresServer): Promise<string> {
  const sql = `SELECT current_setting('data_directory') AS folder`;
  const [row] = await server.query<{ folder: string }>(sql, server.maintenance);
  return row!.folder;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / mebibyte)} MiB`;
}
