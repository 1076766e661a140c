import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Moment } from '../test/support/running-rewind';
import type { Family, Fault } from './fault';
import type { Rig } from './rig';

// The store lies on a small disk, which gets full, or can only be read.

const filler = (rig: Rig): string => join(rig.stack.directory, '.rewind', 'stacks', 'filler');

/** Fills the disk to its last byte. */
async function fill(rig: Rig): Promise<void> {
  for (let size = 1 << 20; size > 0; size >>= 1) {
    for (let isFull = false; !isFull;) {
      isFull = await appendFile(filler(rig), Buffer.alloc(size)).then(
        () => false,
        () => true,
      );
    }
  }
}

const full =
  (rig: Rig): Moment =>
  () =>
    fill(rig);
const emptied = (rig: Rig): Promise<void> => rm(filler(rig), { force: true });
const readOnly =
  (rig: Rig): Moment =>
  () =>
    rig.disk!.readOnly(true);
const writable = (rig: Rig): Promise<void> => rig.disk!.readOnly(false);

const inPhase =
  (name: string) =>
  (rig: Rig): Moment =>
    rig.inPhase(name);
const phases: readonly Pick<Fault, 'phase' | 'way' | 'at' | 'ends'>[] = [
  { phase: 'protect', way: 'downgrade', at: inPhase('protect'), ends: ['refused', 'put back'] },
  {
    phase: 'prepare, while the data is restored',
    way: 'restore',
    at: (rig) => rig.shadowFilled,
    // The snapshot of what runs is written beside it: it may be there by then.
    ends: ['done', 'refused', 'put back'],
  },
  { phase: 'switch, schema moving', way: 'downgrade', at: (rig) => rig.schemaMoving, ends: ['done', 'put back'] },
  {
    phase: 'switch, old container gone',
    way: 'images',
    at: (rig) => rig.event('app', 'destroy'),
    ends: ['done', 'put back'],
  },
  { phase: 'verify', way: 'downgrade', at: inPhase('verify'), ends: ['done', 'put back'] },
];

export const store: Family = {
  name: 'store',
  title: 'The store',
  disk: '40m',
  faults: [
    {
      what: 'store full',
      phase: 'before it',
      way: 'downgrade',
      before: fill,
      heal: emptied,
      ends: ['refused'],
      says: /no space left|ENOSPC/i,
    },
    {
      what: 'store read-only',
      phase: 'before it',
      way: 'restore',
      before: (rig) => rig.disk!.readOnly(true),
      heal: writable,
      ends: ['refused'],
      says: /read-only/,
    },
    ...phases.map((it): Fault => ({ what: 'store full', ...it, fault: full, heal: emptied })),
    ...phases.map((it): Fault => ({
      what: 'store read-only',
      ...it,
      // Steps on the data have to be written down, also those that bring it back.
      ends: [...it.ends, 'broken'],
      fault: readOnly,
      heal: writable,
    })),
  ],
};
