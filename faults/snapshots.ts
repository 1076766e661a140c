import { copyFile, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Family, Fault } from './fault';
import type { Rig } from './rig';

// The snapshot that is to be restored is damaged.

const file = (rig: Rig, name: string): string => join(rig.store, 'snapshots', rig.snapshot, name);

/** A file of the snapshot is damaged, and is brought back from a copy afterwards. */
function damaged(
  name: string,
  how: (path: string) => Promise<unknown>,
  isReady = false,
): Pick<Fault, 'before' | 'heal'> {
  return {
    before: async (rig) => {
      if (isReady) await rig.leaveReady();
      await copyFile(file(rig, name), file(rig, `${name}.good`));
      await how(file(rig, name));
    },
    heal: (rig) => rename(file(rig, `${name}.good`), file(rig, name)),
  };
}

const cut = async (path: string): Promise<void> => truncate(path, Math.floor((await readFile(path)).length / 2));
async function flip(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, Math.floor(size / 2));
    byte[0] = byte[0]! ^ 0xff;
    await handle.write(byte, 0, 1, Math.floor(size / 2));
  } finally {
    await handle.close();
  }
}

const restore = { way: 'restore', phase: 'before it', ends: ['refused'] } as const;

export const snapshots: Family = {
  name: 'snapshots',
  title: 'Snapshots',
  faults: [
    { what: 'snapshot cut short', ...restore, ...damaged('archive', cut), says: /snapshot\/damaged/ },
    { what: 'a byte of the snapshot changed', ...restore, ...damaged('archive', flip), says: /snapshot\/damaged/ },
    { what: 'data of the snapshot missing', ...restore, ...damaged('archive', rm), says: /snapshot\/damaged/ },
    {
      what: 'data of the snapshot missing, which is ready',
      ...restore,
      ...damaged('archive', rm, true),
      ends: ['done'],
    },
    { what: 'manifest of the snapshot cut short', ...restore, ...damaged('manifest.json', cut) },
    { what: 'manifest of the snapshot empty', ...restore, ...damaged('manifest.json', (path) => writeFile(path, '')) },
    {
      what: 'snapshot cut short',
      way: 'restore',
      phase: 'plan',
      ends: ['refused'],
      before: (rig) => copyFile(file(rig, 'archive'), file(rig, 'archive.good')),
      at: (rig) => rig.locked,
      fault: (rig) => () => cut(file(rig, 'archive')),
      heal: (rig) => rename(file(rig, 'archive.good'), file(rig, 'archive')),
      says: /snapshot\/damaged/,
    },
  ],
};
