import { eventually } from '../test/support/docker';
import { argumentsOf, descendantsOf, isRunning } from '../test/support/processes';
import type { Moment } from '../test/support/running-rewind';
import type { Family, Fault } from './fault';
import type { Rig } from './rig';

// The terminal goes away under a revert, or somebody stops it.

const signal =
  (name: NodeJS.Signals): Moment =>
  (rewind) => {
    rewind.signal(name);
    return Promise.resolve();
  };

/** The terminal dies: the kernel tells whoever is at it (SIGHUP), and takes no output any more. */
const closed: Moment = async (terminal) => {
  const rewind = descendantsOf(terminal.pid).find((pid) => /^\S*node .*cli\.js/.test(argumentsOf(pid)));
  if (rewind === undefined) throw new Error('no rewind runs in the terminal');
  terminal.signal('SIGKILL');
  await eventually(() => Promise.resolve(!isRunning(rewind)), 'the end of rewind', 120_000);
};

/** In a terminal of its own: https://man7.org/linux/man-pages/man1/script.1.html */
const inTerminal: Partial<Fault> = {
  inTerminal: true,
  fault: () => closed,
  ends: ['killed'],
  wayOn: 'the same command',
};

const inPhase =
  (name: string) =>
  (rig: Rig): Moment =>
    rig.inPhase(name);

const terminal = (way: Fault['way'], phase: string, at: (rig: Rig) => Moment): Fault => ({
  what: 'terminal closed',
  phase,
  way,
  at,
  ends: [],
  ...inTerminal,
});
const stopped = (name: NodeJS.Signals, way: Fault['way'], phase: string, at: (rig: Rig) => Moment): Fault => ({
  what: name === 'SIGINT' ? 'Ctrl-C' : `kill (${name})`,
  phase,
  way,
  at,
  fault: () => signal(name),
  ends: ['refused', 'put back'],
});

export const signals: Family = {
  name: 'signals',
  title: 'Signals and terminals',
  faults: [
    terminal('downgrade', 'protect', inPhase('protect')),
    terminal('restore', 'prepare, while the data is restored', (rig) => rig.shadowFilled),
    terminal('downgrade', 'switch, schema moving', (rig) => rig.schemaMoving),
    terminal('images', 'switch, new container made', (rig) => rig.event('app', 'create')),
    terminal('images', 'verify', inPhase('verify')),
    stopped('SIGINT', 'downgrade', 'switch, schema moving', (rig) => rig.schemaMoving),
    stopped('SIGTERM', 'restore', 'prepare, while the data is restored', (rig) => rig.shadowFilled),
    stopped('SIGHUP', 'images', 'switch, old container stopping', (rig) => rig.event('app', 'kill')),
  ],
};
