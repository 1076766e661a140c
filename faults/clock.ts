import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from '../src/process';
import type { Moment } from '../test/support/running-rewind';
import type { Family, Fault } from './fault';
import type { Rig } from './rig';

// The clock jumps under rewind and the steps that it starts: libfaketime gives them another one, which a file sets.
// https://github.com/wolfcw/libfaketime

let folder: string;
let library: string;
const clockFile = (): string => join(folder, 'clock');

async function findLibrary(): Promise<string | undefined> {
  folder = await mkdtemp(join(tmpdir(), 'rewind-clock-'));
  // Unpacked, not installed.
  await run(['apt-get', 'download', 'libfaketime'], { cwd: folder });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive !== undefined) await run(['dpkg-deb', '-x', join(folder, archive), folder]);
  const found = await run(['find', folder, '/usr/lib', '-name', 'libfaketime.so.1']);
  return found.stdout.split('\n').find((path) => path !== '');
}

const set = (by: string): Promise<void> => writeFile(clockFile(), `${by}\n`);
const jump = (by: string) => (): Moment => () => set(by);

const variables = (): Record<string, string> => ({
  LD_PRELOAD: library,
  FAKETIME_TIMESTAMP_FILE: clockFile(),
  FAKETIME_NO_CACHE: '1',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
});

const ahead = 'clock jumps 2 h ahead';
const back = 'clock jumps 2 h back';
/** The clock of rewind is right, and jumps at some moment. */
function jumps(what: typeof ahead | typeof back, way: Fault['way'], phase: string, at: (rig: Rig) => Moment): Fault {
  return {
    what,
    phase,
    way,
    at,
    before: () => set('+0'),
    env: variables,
    fault: jump(what === ahead ? '+2h' : '-2h'),
    ends: ['done'],
  };
}

export const clock: Family = {
  name: 'clock',
  title: 'The clock',
  begin: async () => {
    const found = await findLibrary();
    if (found === undefined) return 'libfaketime is neither installed nor in the packages of the system';
    library = found;
    return () => rm(folder, { recursive: true, force: true });
  },
  faults: [
    jumps(ahead, 'downgrade', 'protect', (rig) => rig.inPhase('protect')),
    jumps(back, 'downgrade', 'protect', (rig) => rig.inPhase('protect')),
    jumps(ahead, 'images', 'switch, new container waited for', (rig) => rig.event('app', 'exec_start')),
    jumps(back, 'restore', 'prepare, while the data is restored', (rig) => rig.shadowFilled),
    jumps(back, 'images', 'verify', (rig) => rig.inPhase('verify')),
    {
      what: 'clock is 2 h behind from the start: everything that was written lies in the future',
      phase: 'before it',
      way: 'restore',
      before: () => set('-2h'),
      env: variables,
      ends: ['done'],
    },
    {
      what: 'clock is 2 h ahead for another revert, which is given meanwhile',
      phase: 'switch, schema moving',
      way: 'downgrade',
      at: (rig) => rig.schemaMoving,
      before: () => set('+2h'),
      fault: (rig) => async () => {
        const { exitCode, stderr } = await rig.stack.tryRewind(rig.command('images'), variables());
        if (exitCode !== 5)
          throw new Error(`another revert ended with ${exitCode}, although one was at work: ${stderr}`);
      },
      ends: ['done'],
    },
    {
      what: 'a lock of a dead process, made in the future',
      phase: 'before it',
      way: 'images',
      before: async (rig) => {
        const lock = join(rig.store, 'lock');
        const later = new Date(Date.now() + 7_200_000);
        await writeFile(lock, JSON.stringify({ pid: 4_194_303, host: hostname(), token: 'x', what: 'deploy' }));
        await utimes(lock, later, later);
      },
      ends: ['done'],
    },
  ],
};
