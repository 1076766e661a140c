import { afterAll, beforeAll, expect, test } from 'vitest';

import { execIn } from '../support/docker';
import { FaultStack } from '../support/fault-stack';
import type { Moment } from '../support/running-rewind';

// A stack whose database lies on a small disk, which gets full while something is done with it. Without a log of the
// changes that a restore makes, so that it is the data that finds no room, and not the log: without that no server runs.

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
/** Fills the disk up to 4 MiB. */
const filled: Moment = () =>
  execIn(
    rig.db,
    'sh',
    '-c',
    `free=$(df -Pk $PGDATA | tail -n 1 | awk '{ print $4 }'); head -c $((free - 4096))k /dev/zero > ${filler}`,
  );
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

test('a snapshot can be taken while the disk of the database is full', async () => {
  await rig.change();
  await filled(undefined as never);
  try {
    await rig.stack.rewind('snapshot', 'create');
  } finally {
    await emptied();
  }
});
