import type { Family, Fault, Way, WayOn } from './fault';
import { engine, everything, rewindAlone, started, within } from './processes';
import type { Moment } from '../test/support/running-rewind';
import type { Rig } from './rig';

// kill -9 of each process of a revert, in each of its phases.

const rewindKilled = 'kill -9 of rewind';
const allKilled = 'kill -9 of rewind, its engine and all they have started';

/** Rewind itself is killed, alone or with everything that it has started. */
function killed(
  what: typeof rewindKilled | typeof allKilled,
  way: Way,
  phase: string,
  at: (rig: Rig) => Moment,
  wayOn: WayOn = 'rewind resume',
  more: Partial<Fault> = {},
): Fault {
  const fault = what === rewindKilled ? rewindAlone : everything;
  return { what, way, phase, at, fault: () => fault, ends: ['killed'], wayOn, ...more };
}

/** r1 cannot be brought up: what ran before is put back. */
const r1IsSick: Partial<Fault> = { before: (rig) => rig.fall('v1', 'sick'), heal: (rig) => rig.heal('v1') };

/** The snapshot is restored already. */
const isReady: Partial<Fault> = { before: (rig) => rig.leaveReady() };

/** Something that it has started is killed, of which rewind hears. */
function ended(
  what: string,
  way: Way,
  phase: string,
  at: (rig: Rig) => Moment,
  fault: (rig: Rig) => Moment,
  ends: Fault['ends'],
): Fault {
  return { what, way, phase, at, fault, ends };
}

const inPhase =
  (name: string) =>
  (rig: Rig): Moment =>
    rig.inPhase(name);
const inDatabase =
  (program: string) =>
  (rig: Rig): Moment =>
    within(rig.container('db'), program);
const onEvent =
  (service: string, action: string) =>
  (rig: Rig): Moment =>
    rig.event(service, action);

export const kills: Family = {
  name: 'kills',
  title: 'Processes killed',
  faults: [
    killed(
      rewindKilled,
      'downgrade',
      'assess',
      (rig) => (rewind) => rewind.until(rig.database.session(`application_name = 'rewind'`)),
      'the same command',
    ),
    killed(rewindKilled, 'downgrade', 'plan', (rig) => rig.locked, 'the same command'),
    killed(allKilled, 'restore', 'plan', (rig) => rig.locked, 'the same command'),
    killed(rewindKilled, 'downgrade', 'protect', inPhase('protect')),
    killed(allKilled, 'downgrade', 'protect, while the snapshot is written', (rig) => rig.snapshotWritten),
    killed(rewindKilled, 'restore', 'prepare, while the data is restored', (rig) => rig.shadowFilled),
    killed(allKilled, 'restore', 'prepare, while the data is restored', (rig) => rig.shadowFilled, 'rewind abort'),
    killed(
      rewindKilled,
      'restore',
      'prepare, when what is ready is taken',
      (rig) => rig.readyTaken,
      'rewind resume',
      isReady,
    ),
    killed(
      allKilled,
      'restore',
      'prepare, when what is ready is taken',
      (rig) => rig.readyTaken,
      'rewind abort',
      isReady,
    ),
    killed(rewindKilled, 'images', 'switch, old container stopping', onEvent('app', 'kill')),
    killed(allKilled, 'images', 'switch, old container gone', onEvent('app', 'destroy')),
    killed(allKilled, 'images', 'switch, new container made', onEvent('app', 'create'), 'rewind abort'),
    killed(rewindKilled, 'images', 'switch, new container started', onEvent('app', 'start'), 'the same command'),
    killed(allKilled, 'images', 'switch, new container waited for', onEvent('app', 'exec_start')),
    killed(rewindKilled, 'downgrade', 'switch, schema moving', (rig) => rig.schemaMoving),
    killed(allKilled, 'downgrade', 'switch, schema moving', (rig) => rig.schemaMoving),
    killed(allKilled, 'downgrade', 'switch, schema moved', onEvent('app', 'create'), 'rewind abort'),
    killed(allKilled, 'restore', 'switch, services stopped', onEvent('app', 'die')),
    killed(allKilled, 'restore', 'switch, data replaced', onEvent('app', 'create'), 'rewind abort'),
    killed(allKilled, 'downgrade', 'switch, schema moving: taken back', (rig) => rig.schemaMoving, 'rewind abort'),
    {
      what: 'kill -9 of rewind and its engine',
      phase: 'switch, schema moving',
      way: 'downgrade',
      at: (rig) => rig.schemaMoving,
      fault: () => (rewind) => rewind.kill(),
      ends: ['killed'],
      wayOn: 'rewind abort',
    },
    killed(rewindKilled, 'downgrade', 'verify', inPhase('verify')),
    killed(allKilled, 'restore', 'verify', inPhase('verify')),
    killed(rewindKilled, 'images', 'record', inPhase('record')),
    killed(allKilled, 'downgrade', 'record', inPhase('record'), 'the same command'),
    killed(rewindKilled, 'images', 'put back', inPhase('put back'), 'rewind resume', r1IsSick),
    killed(allKilled, 'downgrade', 'put back', inPhase('put back'), 'rewind abort', r1IsSick),
    ended('kill -9 of the engine', 'downgrade', 'protect', inPhase('protect'), () => engine, ['refused', 'put back']),
    ended(
      'kill -9 of the engine',
      'restore',
      'prepare',
      (rig) => rig.shadowFilled,
      () => engine,
      ['refused', 'put back'],
    ),
    ended('kill -9 of the engine', 'images', 'switch, old container stopping', onEvent('app', 'kill'), () => engine, [
      'put back',
    ]),
    ended(
      'kill -9 of the engine',
      'downgrade',
      'switch, schema moving',
      (rig) => rig.schemaMoving,
      () => engine,
      ['put back'],
    ),
    ended('kill -9 of pg_dump', 'downgrade', 'protect', inPhase('protect'), inDatabase('pg_dump'), ['refused']),
    ended('kill -9 of pg_restore', 'restore', 'prepare', (rig) => rig.shadowFilled, inDatabase('pg_restore'), [
      'refused',
    ]),
    ended(
      'kill -9 of the container with the migration',
      'downgrade',
      'switch, schema moving',
      (rig) => rig.schemaMoving,
      (rig) => rig.migrationKilled,
      ['refused', 'put back'],
    ),
    ended(
      'kill -9 of the Docker plugin',
      'images',
      'switch, new container made',
      onEvent('app', 'create'),
      () => started('resource-docker'),
      ['put back'],
    ),
  ],
};
