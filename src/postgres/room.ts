import { RewindError } from '../errors';
import type { PostgresServer } from './server';

const mebibyte = 1024 * 1024;
/** What a server needs for itself while a database is filled: its log of changes, sorting. */
const spareBytes = 128 * mebibyte;

/**
 * Makes sure that the disk of the database has room for another one.
 *
 * @param bytes - what it will take
 * @throws RewindError database/no-room
 */
export async function checkRoom(server: PostgresServer, bytes: number, what: string): Promise<void> {
  const free = await freeBytes(server);
  const needed = bytes + spareBytes;
  if (free === undefined || free >= needed) return;
  throw new RewindError({
    code: 'database/no-room',
    message: `${what} needs ${mebibytes(needed)} on the disk of the database of ${server.service}, which has ${mebibytes(free)} left.`,
    fix: 'Make room; databases that are kept aside take some: rewind snapshot list, rewind snapshot prune. Nothing has been changed.',
  });
}

/** Free bytes where the server keeps its data; undefined if its container cannot tell. */
async function freeBytes(server: PostgresServer): Promise<number | undefined> {
  const { stdout, exitCode } = await server.tool(['df', '-Pk', await dataFolder(server)]);
  const kibibytes = Number(stdout.trim().split('\n').at(-1)?.split(/\s+/)[3]);
  return exitCode === 0 && Number.isFinite(kibibytes) ? kibibytes * 1024 : undefined;
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
