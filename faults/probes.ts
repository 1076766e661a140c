import type { Family } from './fault';
import type { Ailment, Version } from './shop';
import type { Rig } from './rig';

// The release that comes back is not well: its check fails or hangs, or it answers nobody.

const ill =
  (ailment: Ailment, ...versions: Version[]) =>
  async (rig: Rig): Promise<void> => {
    for (const version of versions) await rig.fall(version, ailment);
  };
const well = async (rig: Rig): Promise<void> => {
  await rig.heal('v1');
  await rig.heal('v2');
};

export const probes: Family = {
  name: 'probes',
  title: 'Probes',
  faults: [
    {
      what: 'health check of r1 fails',
      phase: 'switch',
      way: 'images',
      before: ill('sick', 'v1'),
      heal: well,
      ends: ['put back'],
    },
    {
      what: 'health check of r1 hangs',
      phase: 'switch',
      way: 'downgrade',
      before: ill('stuck', 'v1'),
      heal: well,
      ends: ['put back'],
    },
    {
      what: 'health check of r1 hangs',
      phase: 'switch',
      way: 'restore',
      before: ill('stuck', 'v1'),
      heal: well,
      ends: ['put back'],
    },
    {
      what: 'r1 takes requests and never answers',
      phase: 'verify',
      way: 'images',
      before: ill('mute', 'v1'),
      heal: well,
      ends: ['put back'],
      says: /no answer within 2000 ms/,
    },
    {
      what: 'r1 takes requests and never answers',
      phase: 'verify',
      way: 'restore',
      before: ill('mute', 'v1'),
      heal: well,
      ends: ['put back'],
      says: /no answer within 2000 ms/,
    },
    {
      what: 'neither r1 nor r2 answers',
      phase: 'verify, put back',
      way: 'downgrade',
      before: ill('mute', 'v1', 'v2'),
      heal: well,
      ends: ['put back'],
      says: /does not pass all probes either/,
    },
    {
      what: 'health checks of r1 and r2 fail',
      phase: 'switch, put back',
      way: 'downgrade',
      before: ill('sick', 'v1', 'v2'),
      heal: well,
      ends: ['broken'],
    },
  ],
};
