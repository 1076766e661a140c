import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { execIn } from '../support/docker';
import { FaultStack } from '../support/fault-stack';
import type { Moment } from '../support/running-rewind';

// A stack whose database lies on a small disk, which gets full while something is done with it. Without a log of the
// changes that a restore makes, so that it is the data that finds no room, and not the log: without that no server runs.

const mebibyte = 2 ** 20;

let rig: FaultStack;

beforeAll(async () => {
  const volume = { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=400m,uid=999,gid=999,mode=700' } };
  const server = ['-c', 'wal_level=minimal', '-c', 'max_wal_senders=0'];
  rig = await FaultStack.create('rewind-dbfull', { volume, server, rows: 80_000 });
  // Room for its log that is there already.
  for (let count = 0; count < 3; count++) await rig.database.sql('SELECT pg_switch_wal(); CHECKPOINT');
});

afterAll(async () => {
  await rig.remove();
});

const filler = '/var/lib/postgresql/data/filler';
/** Fills the disk up to so many bytes. */
const fill = (left: number): Promise<string> =>
  execIn(
    rig.db,
    'sh',
    '-c',
    `free=$(df -Pk $PGDATA | tail -n 1 | awk '{ print $4 }'); head -c $((free - ${Math.round(left / 1024)}))k /dev/zero > ${filler}`,
  );
const filled: Moment = () => fill(4 * mebibyte);
const emptied = (): Promise<string> => execIn(rig.db, 'rm', '-f', filler);

test('a disk that gets full while another database is being filled ends the restore with the data of before', async () => {
  await rig.change();
  const rewind = await rig.hinder(rig.restore, rig.untilThereIs('shadow'), filled);
  try {
    expect(await rewind.ended).toBe(1);
    expect(rewind.stderr).toMatch(/The disk of the database of db is full.*\[database\/no-room\]/s);
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.expectRunning('db', 'app', 'web');
    await rig.expectNothingLeft();
  } finally {
    await emptied();
  }
  await rig.stack.rewind(...rig.restore);
  await rig.expectRestored();
});

describe('what a proof has restored', () => {
  let second: string;
  /** What a restore asks for, and what it takes, in bytes. */
  let [needed, taken] = [0, 0];
  const ready = (): Promise<string[]> => rig.database.databases('ready');

  beforeAll(async () => {
    ({ id: second } = await rig.stack.rewindJson<{ id: string }>(['snapshot', 'create', '--prove']));
    const manifest = JSON.parse(await readFile(join(rig.store, rig.snapshot, 'manifest.json'), 'utf8')) as {
      databaseBytes: number;
      files: { archive: { bytes: number } };
    };
    taken = manifest.databaseBytes;
    needed = taken + manifest.files.archive.bytes + 128 * mebibyte;
    await rig.change();
  });

  test('gives way to a restore that would find no room beside it', async () => {
    expect(await ready()).toHaveLength(1);
    await fill(needed - taken / 2);
    try {
      await rig.stack.rewind(...rig.restore);
    } finally {
      await emptied();
    }
    await rig.expectRestored();
    expect(await ready()).toEqual([]);
  });

  test('does not stay where the disk would have no room for another one', async () => {
    await rig.change();
    await fill(needed + 4 * mebibyte);
    try {
      expect(await rig.stack.rewind('snapshot', 'verify', second)).toContain('restorable');
      expect(await ready()).toEqual([]);
    } finally {
      await emptied();
    }
    await rig.stack.rewind('snapshot', 'verify', second);
    expect(await ready()).toHaveLength(1);
  });
});

test('a snapshot can be taken while the disk of the database is full', async () => {
  await rig.change();
  await filled(undefined as never);
  try {
    await rig.stack.rewind('snapshot', 'create');
  } finally {
    await emptied();
  }
});
