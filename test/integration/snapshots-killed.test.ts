import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { FaultStack, killed, says } from '../support/fault-stack';
import type { Moment } from '../support/running-rewind';
import { RunningRewind } from '../support/running-rewind';

// One stack with a real Postgres, whose rewind is killed at one stage after the other.

let rig: FaultStack;

beforeAll(async () => {
  rig = await FaultStack.create('rewind-dbkilled');
});

beforeEach(async () => {
  await rig.change();
});

afterAll(async () => {
  await rig.remove();
});

/** Holds something in the database until rewind waits for it, is killed there, and the server has noticed. */
async function killedWaiting(statement: string, waiting: string, ...command: string[]): Promise<void> {
  const database = statement.startsWith('COMMENT') ? 'postgres' : 'shop';
  const hold = await rig.database.hold(statement, { database });
  try {
    await rig.hinder(command, rig.untilSession(`wait_event_type = 'Lock' AND query ~ '${waiting}'`), killed);
    await rig.database.until(`NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')`, 'postgres');
  } finally {
    await hold.release();
  }
}

describe('kill -9 of a restore', () => {
  test.each<[when: string, moment: Moment]>([
    ['when it begins', says('restoring')],
    ['while the other database is being filled', async (rewind) => rig.untilThereIs('shadow')(rewind)],
    ['while that is compared with the manifest', says('comparing')],
    ['while services are being stopped', says('web: stopped')],
    ['when the services are stopped', says('switching')],
    ['right after the two have changed places', says('switched')],
    ['while services are being started', says('app: ready')],
    ['when all services run again', says('web: ready')],
  ])('%s leaves all of the one or of the other, and the same command finishes it', async (_when, moment) => {
    await rig.hinder(rig.restore, moment, killed);
    await rig.expectOldOrNew();
    await rig.stack.rewind(...rig.restore);
    await rig.expectRestored();
    await rig.expectNothingLeft();
  });

  test('while the names wait to be changed leaves them as they were, also when they could be', async () => {
    await killedWaiting(`COMMENT ON DATABASE shop IS 'mine'`, 'RENAME', ...rig.restore);
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.stack.rewind(...rig.restore);
    await rig.expectRestored();
    await rig.expectNothingLeft();
  });

  test.each([[['deploy']], [['snapshot', 'create']], [['restart']]])(
    'while services are stopped is made good by rewind %s, too',
    async (command) => {
      await rig.hinder(rig.restore, says('app: stopped'), killed);
      await rig.stack.rewind(...command);
      await rig.expectRunning('db', 'app', 'web');
      await rig.stack.rewind('snapshot', 'create');
      await rig.expectNothingLeft();
    },
  );
});

describe('kill -9 of a snapshot', () => {
  test.each<[when: string, kill: () => Promise<unknown>]>([
    ['while it is dumped', () => killedWaiting('LOCK TABLE goods', 'LOCK TABLE', 'snapshot', 'create')],
    ['while its dump is read', () => rig.hinder(['snapshot', 'create'], says('dumped'), killed)],
    ['when it is about to be one', () => rig.hinder(['snapshot', 'create'], says('read the dump'), killed)],
    ['while it is proved', () => rig.hinder(['snapshot', 'verify'], rig.untilThereIs('proof'), killed)],
  ])('%s leaves none or a whole one, and nothing behind the next', async (_when, kill) => {
    await kill();
    const { snapshots } = await rig.stack.rewindJson<{ snapshots: { id: string; damage?: string }[] }>([
      'snapshot',
      'list',
    ]);
    expect(snapshots.filter(({ damage }) => damage !== undefined)).toEqual([]);
    await rig.stack.rewind('snapshot', 'create', '--prove');
    expect(await rig.expectOldOrNew()).toBe('old');
    await rig.expectRunning('db', 'app', 'web');
    await rig.expectNothingLeft();
  });
});

test.each([['SIGINT'], ['SIGKILL']] as const)('a dump ends with the rewind that takes it: %s', async (signal) => {
  // It would wait for ten seconds.
  const hold = await rig.database.hold('LOCK TABLE goods');
  try {
    const rewind = RunningRewind.start(rig.stack, 'snapshot', 'create');
    const waits = `wait_event_type = 'Lock' AND query ~ 'LOCK TABLE'`;
    await rig.untilSession(waits)(rewind);
    const given = Date.now();
    rewind.signal(signal);
    await rig.database.until(`NOT EXISTS (SELECT FROM pg_stat_activity WHERE ${waits})`);
    expect(Date.now() - given).toBeLessThan(8000);
    await rewind.end();
    const others = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'import'`;
    expect(await rig.database.sql(others)).toBe('1');
  } finally {
    await hold.release();
  }
  await rig.stack.rewind('snapshot', 'create');
  await rig.expectNothingLeft();
});

test.each<[when: string, moment: Moment]>([
  ['while the other database is being filled', async (rewind) => rig.untilThereIs('shadow')(rewind)],
  ['while services are stopped', says('web: stopped')],
])('Ctrl-C %s puts back what has begun, and says so', async (_when, moment) => {
  const rewind = RunningRewind.start(rig.stack, ...rig.restore);
  await moment(rewind);
  rewind.signal('SIGINT');
  expect(await rewind.end()).toBe(3);
  expect(rewind.stderr).toContain('Everything is as it was before.');
  expect(await rig.expectOldOrNew()).toBe('old');
  await rig.expectRunning('db', 'app', 'web');
  await rig.expectNothingLeft();
});
