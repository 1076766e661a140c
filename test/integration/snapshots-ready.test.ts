import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { FaultStack, killed, says } from '../support/fault-stack';
import { RunningRewind } from '../support/running-rewind';

// One stack with a real Postgres: what the proof of its snapshot has restored stays, and is what comes back.

let rig: FaultStack;

beforeAll(async () => {
  rig = await FaultStack.create('rewind-dbready');
});

beforeEach(async () => {
  await rig.change();
});

afterAll(async () => {
  await rig.remove();
});

interface Listed {
  readonly snapshots: readonly { readonly id: string; readonly ready: boolean }[];
}

const prove = (): Promise<string> => rig.stack.rewind('snapshot', 'verify', rig.snapshot);
const ready = (): Promise<string[]> => rig.database.databases('ready');
/** IDs of the snapshots that are listed as ready. */
async function listed(): Promise<string[]> {
  const { snapshots } = await rig.stack.rewindJson<Listed>(['snapshot', 'list']);
  return snapshots.filter((it) => it.ready).map(({ id }) => id);
}

test('what a proof has restored stays, lets nobody in, and comes back without being restored once more', async () => {
  await prove();
  const [name] = await ready();
  expect(await listed()).toEqual([rig.snapshot]);
  expect(await rig.stack.rewind('snapshot', 'list')).toMatch(new RegExp(`${rig.snapshot} .* yes, ready`));
  expect(await rig.database.sql('SELECT 1', name)).toContain('not currently accepting connections');
  const said = await rig.stack.rewind(...rig.restore);
  expect(said).toContain('restored already, comparing every row');
  expect(said).not.toContain('  restored, ');
  await rig.expectRestored();
  await rig.expectNothingLeft();
  expect(await ready()).toEqual([]);
  expect(await listed()).toEqual([]);
});

test('a restore that is given up leaves it', async () => {
  await prove();
  const [name] = await ready();
  const rewind = RunningRewind.start(rig.stack, ...rig.restore);
  await rewind.untilItSays('web: stopped');
  rewind.signal('SIGINT');
  expect(await rewind.end()).toBe(3);
  await rig.expectRunning('db', 'app', 'web');
  expect(await rig.expectOldOrNew()).toBe('old');
  expect(await ready()).toEqual([name]);
  expect(await rig.database.sql('SELECT 1', name)).toContain('not currently accepting connections');
});

test('one that somebody has changed is not taken: the snapshot is restored anew', async () => {
  await prove();
  const [name] = await ready();
  await rig.database.sql(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`, 'postgres');
  await rig.database.sql(`UPDATE goods SET name = 'other' WHERE id = 5`, name);
  const said = await rig.stack.rewind(...rig.restore);
  expect(said).toContain('it has been changed since: restoring anew');
  await rig.expectRestored();
  await rig.expectNothingLeft();
});

test('one that somebody is at work with is left to them: the snapshot is restored anew', async () => {
  await prove();
  const [name] = await ready();
  await rig.database.sql(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`, 'postgres');
  const hold = await rig.database.hold('SELECT 1', { database: name! });
  try {
    expect(await rig.stack.rewind(...rig.restore)).toContain('restored, comparing every row');
    await rig.expectRestored();
  } finally {
    await hold.release();
  }
  expect(await ready()).toEqual([name]);
});

test.each([
  ['while it is compared', says('restored already')],
  ['while services are being stopped', says('web: stopped')],
])('kill -9 of a restore %s leaves all of the one or of the other, and the same command finishes it', async (_, at) => {
  await prove();
  await rig.hinder(rig.restore, at, killed);
  expect(await rig.expectOldOrNew()).toBe('old');
  await rig.stack.rewind(...rig.restore);
  await rig.expectRestored();
  await rig.expectNothingLeft();
});

test('what takes its place is the proof of a later snapshot; that of an earlier one leaves it', async () => {
  await prove();
  const [first] = await ready();
  // Another revision: it is the one that would be brought back for that, as the first one is for its own.
  await rig.database.sql(
    `CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('0002')`,
  );
  const { id } = await rig.stack.rewindJson<{ id: string }>(['snapshot', 'create', '--prove']);
  const [second, ...others] = await ready();
  expect(others).toEqual([]);
  expect(second).not.toBe(first);
  await prove();
  expect(await ready()).toEqual([second]);
  expect(await listed()).toEqual([id]);
  await rig.database.sql('DROP TABLE alembic_version');
  // The last one goes with its snapshot.
  await rig.stack.rewind('snapshot', 'prune', '--keep', '0', '--yes');
  expect(await ready()).toEqual([]);
});

test('none stays where that is not wanted, and --databases removes the one that does', async () => {
  const small = await rig.stack.rewindJson<{ id: string }>(['snapshot', 'create', '--prove']);
  expect(await listed()).toEqual([small.id]);
  await rig.stack.rewind('snapshot', 'prune', '--databases', '--yes');
  expect(await ready()).toEqual([]);
  await rig.stack.configure({ database: { service: 'db', readyUpTo: '1mb' } });
  await rig.stack.rewind('snapshot', 'verify');
  expect(await ready()).toEqual([]);
});
