import { eventually } from '../test/support/docker';
import { OwnEngine } from '../test/support/own-engine';
import type { Moment } from '../test/support/running-rewind';
import { type Family, type Fault, projectOf } from './fault';
import { type Rig, services } from './rig';
import { imageOf } from './shop';

// The Docker engine is killed or restarted under a revert: one of its own, which serves nobody else.

let own: OwnEngine;

const restarted = (signal: NodeJS.Signals) => (): Moment => () => own.restart(signal, 1);

/** The engine starts the containers again by itself: all have `restart: unless-stopped`. */
async function allRun(rig: Rig): Promise<void> {
  await own.answers();
  await eventually(
    async () => {
      const containers = await rig.containers();
      return services.every((name) => containers[name]?.State.Running === true);
    },
    'all containers',
    20_000,
  ).catch(() => undefined); // told by the checks that follow
}

const phases: readonly Pick<Fault, 'phase' | 'way' | 'at'>[] = [
  { phase: 'protect', way: 'downgrade', at: (rig) => rig.inPhase('protect') },
  { phase: 'prepare, while the data is restored', way: 'restore', at: (rig) => rig.shadowFilled },
  { phase: 'switch, old container stopping', way: 'images', at: (rig) => rig.event('app', 'kill') },
  { phase: 'switch, schema moving', way: 'downgrade', at: (rig) => rig.schemaMoving },
  { phase: 'verify', way: 'images', at: (rig) => rig.inPhase('verify') },
];

export const restarts: Family = {
  name: 'engine',
  title: 'The Docker engine',
  isOnOwnEngine: true,
  begin: async () => {
    const from = process.env['DOCKER_HOST'];
    const started = await OwnEngine.start('a second Docker engine');
    if (typeof started === 'string') return started;
    own = started;
    process.env['DOCKER_HOST'] = own.host;
    const images = ['apex-db:15', ...(['v1', 'v2'] as const).map((it) => imageOf(projectOf(restarts), it))];
    await own.take(images, from);
    return () => own.remove();
  },
  faults: phases.flatMap((it): Fault[] => [
    {
      what: 'Docker engine killed (SIGKILL), and started 1 s later',
      ...it,
      fault: restarted('SIGKILL'),
      heal: allRun,
      ends: ['refused', 'put back', 'broken'],
    },
    {
      what: 'Docker engine restarted',
      ...it,
      fault: restarted('SIGTERM'),
      heal: allRun,
      ends: ['refused', 'put back', 'broken'],
    },
  ]),
};
