import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { execIn } from '../support/docker';
import { FaultStack, says } from '../support/fault-stack';
import type { Moment } from '../support/running-rewind';
import { smallDisk } from '../support/small-disk';
import { TestStack } from '../support/stack';
import { databaseService } from '../support/test-database';

// One stack with a real Postgres, whose server is killed, cut off and locked at one stage after the other.

let rig: FaultStack;

beforeAll(async () => {
  rig = await FaultStack.create('rewind-dbfaults');
});

beforeEach(async () => {
  await rig.change();
});

afterAll(async () => {
  await rig.remove();
});

/** Does something while a transaction of somebody else is open. */
async function whileHeld<T>(statement: string, database: string, work: () => Promise<T>): Promise<T> {
  const hold = await rig.database.hold(statement, { database });
  try {
    return await work();
  } finally {
    await hold.release();
  }
}

const aboutTheDatabase = `COMMENT ON DATABASE shop IS 'mine'`;
const waits = (query: string): Moment => rig.untilSession(`wait_event_type = 'Lock' AND query ~ '${query}'`);
const serverKilled: Moment = () => rig.database.kill();

describe('a database that is killed', () => {
  test.each<[when: string, moment: Moment]>([
    ['while another one is being filled', (rewind) => rig.untilThereIs('shadow')(rewind)],
    ['while that is compared with the manifest', says('comparing')],
    ['when the services are stopped', says('switching')],
    ['right after the two have changed places', says('switched')],
  ])('%s has all of the one or of the other, and the same command finishes the restore', async (_when, moment) => {
    const rewind = await rig.hinder(rig.restore, moment, serverKilled);
    if ((await rewind.ended) !== 0) expect(rewind.output).toContain('rewind restart');
    await rig.expectRunning('app', 'web');
    await rig.stack.rewind('restart');
    await rig.expectOldOrNew();
    await rig.stack.rewind(...rig.restore);
    await rig.expectRestored();
    await rig.expectNothingLeft();
  });

  test('while the names wait to be changed has the data of before', async () => {
    await whileHeld(aboutTheDatabase, 'postgres', () => rig.hinder(rig.restore, waits('RENAME'), serverKilled));
    await rig.stack.rewind('restart');
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.stack.rewind(...rig.restore);
    await rig.expectRestored();
    await rig.expectNothingLeft();
  });

  test('while it is dumped has its data, and no half of a snapshot is left', async () => {
    const rewind = await whileHeld('LOCK TABLE goods', 'shop', () =>
      rig.hinder(['snapshot', 'create'], waits('LOCK TABLE'), serverKilled),
    );
    expect(rewind.output).toContain('rewind restart');
    await rig.stack.rewind('restart');
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.stack.rewind('snapshot', 'create', '--prove');
    await rig.expectNothingLeft();
  });
});

describe('a connection that is lost', () => {
  const ofRewind = `application_name = 'rewind'`;
  test.each<[when: string, moment: Moment, sessions: string]>([
    ['that tells the server that rewind lives', says('comparing'), `${ofRewind} AND query ~ 'advisory'`],
  ])('%s ends the restore with the data of before', async (_when, moment, sessions) => {
    const rewind = await rig.hinder(rig.restore, moment, () => rig.database.disconnect(sessions));
    expect(await rewind.ended).toBe(1);
    expect(rewind.stderr).toMatch(/\[database\/\w+/);
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.expectRunning('db', 'app', 'web');
    await rig.expectNothingLeft();
    await rig.stack.rewind(...rig.restore);
    await rig.expectRestored();
  });

  test.each<[when: string, query: string, statement: string, database: string, command: () => string[]]>([
    ['while the names wait to be changed', 'RENAME', aboutTheDatabase, 'postgres', () => rig.restore],
    ['while a snapshot is dumped', 'LOCK TABLE', 'LOCK TABLE goods', 'shop', () => ['snapshot', 'create']],
  ])('%s changes nothing', async (_when, query, statement, database, command) => {
    const rewind = await whileHeld(statement, database, () =>
      rig.hinder(command(), waits(query), () => rig.database.disconnect(`${ofRewind} AND query ~ '${query}'`)),
    );
    expect(await rewind.ended).toBe(1);
    expect(rewind.stderr).toMatch(/The database of db cannot be reached.*\[database\/unreachable\]/s);
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.expectRunning('db', 'app', 'web');
    await rig.expectNothingLeft();
    await rig.stack.rewind(...command());
  });
});

describe('a lock of somebody else', () => {
  test('on a table is not waited for without end, and it is said whose it is', async () => {
    const { exitCode, stderr } = await whileHeld('LOCK TABLE goods', 'shop', () =>
      rig.stack.tryRewind(['snapshot', 'create']),
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/held by shop \(import\), process \d+, .*on goods.*\[database\/locked\]/s);
    await rig.expectNothingLeft();
  });

  test('on a table does not keep a restore waiting: it is sent away with whoever is connected', async () => {
    await whileHeld('LOCK TABLE goods', 'shop', () => rig.stack.rewind(...rig.restore));
    await rig.expectRestored();
    await rig.expectNothingLeft();
  });

  test('on the database as a whole keeps the application away for some seconds only, and it is said whose it is', async () => {
    const { exitCode, stderr } = await whileHeld(aboutTheDatabase, 'postgres', () => rig.stack.tryRewind(rig.restore));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/held by shop \(import\), process \d+, .*on the database.*\[database\/locked\]/s);
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.expectRunning('db', 'app', 'web');
    await rig.expectNothingLeft();
  });
});

test('clients that connect over and over do not keep the two from changing places', async () => {
  const loop = 'while [ ! -e /tmp/enough ]; do psql -q -U shop -d shop -c "SELECT pg_sleep(0.2)" >/dev/null 2>&1; done';
  const clients = [1, 2, 3].map(() => spawn('docker', ['exec', rig.db, 'timeout', '90', 'sh', '-c', loop]));
  const ended = clients.map((client) => new Promise((resolve) => client.once('close', resolve)));
  await rig.database.session(`query ~ 'pg_sleep'`);
  const started = Date.now();
  const { outageSeconds } = await rig.stack.rewindJson<{ outageSeconds: number }>(rig.restore);
  expect(outageSeconds).toBeLessThan((Date.now() - started) / 2000);
  await execIn(rig.db, 'touch', '/tmp/enough');
  await Promise.all(ended);
  await rig.expectRestored();
});

test.each([
  ['the database', 'ALTER DATABASE shop'],
  ['the role', 'ALTER ROLE shop'],
])('a short statement_timeout of %s neither keeps a snapshot from being taken nor restored', async (_of, alter) => {
  const timeouts = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
  for (const name of timeouts) await rig.database.sql(`${alter} SET ${name} = '1ms'`, 'postgres');
  try {
    await rig.stack.rewind('snapshot', 'create', '--prove');
    await rig.stack.rewind(...rig.restore);
  } finally {
    for (const name of timeouts) await rig.database.sql(`${alter} RESET ${name}`, 'postgres');
  }
  await rig.expectRestored();
});

describe('a full disk', () => {
  test('of the store is told of, and nothing of the snapshot is kept', async (context) => {
    const disk = await smallDisk(join(rig.stack.directory, 'small'), '1m');
    if (!disk) return context.skip();
    try {
      await rig.stack.configure({ store: `file://${disk.path}` });
      await rig.database.sql(`INSERT INTO goods SELECT i, md5(i::text) FROM generate_series(100, 60000) i`);
      const { exitCode, stderr } = await rig.stack.tryRewind(['snapshot', 'create']);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('[store/unusable]');
      expect(await readdir(join(disk.path, 'stacks', rig.stack.project, 'dev', 'snapshots'))).toEqual([]);
    } finally {
      await rig.stack.configure({ store: undefined });
      await disk.unmount();
    }
  });

  test('of the database is told of before anything is done', async () => {
    const small = await TestStack.create('rewind-dbroom');
    try {
      const [db, volume] = [
        databaseService('postgres'),
        { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=150m,uid=999,gid=999,mode=700' } },
      ];
      await small.write('compose.yaml', { services: { db }, volumes: { data: volume } });
      await small.configure({ database: { service: 'db' } });
      await small.up();
      const { id } = await small.rewindJson<{ id: string }>(['snapshot', 'create']);
      const { exitCode, stderr } = await small.tryRewind(['snapshot', 'restore', id, '--yes']);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/needs \d+ MiB .*Nothing has been changed\..*\[database\/no-room\]/s);
    } finally {
      await small.remove();
    }
  });
});
