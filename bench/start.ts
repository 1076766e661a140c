import { join } from 'node:path';

import { run } from '../src/process';
import { installDir } from '../toolchain/places';
import { timed } from './project';
import { type Measured } from './rows';

/** `npm start` on a machine that has everything: set-up, the stack up, a release, its preview and its rollback. */
export async function start(say: (text: string) => void): Promise<Measured[]> {
  const bootstrap = join(installDir, 'toolchain', 'bootstrap.mjs');
  const tell = async (...args: string[]): Promise<void> => {
    const result = await run([process.execPath, bootstrap, ...args], { cwd: installDir });
    if (result.exitCode !== 0) throw new Error(`${args.join(' ')} failed: ${result.stderr}`);
  };
  const ours: number[] = [];
  for (let round = 0; round < 3; round++) {
    await tell('down', '--volumes');
    ours.push(await timed(() => tell('start')));
    say(`npm start: ${ours.at(-1)!.toFixed(1)} s`);
  }
  await tell('down', '--volumes');
  const setup = [];
  for (let round = 0; round < 5; round++) {
    setup.push(await timed(() => run([process.execPath, join(installDir, 'dist', 'cli.js'), 'setup', '--images'])));
  }
  return [
    { name: 'npm start, warm: set-up, up, release, preview, rollback', unit: 's', ours },
    { name: 'set-up that finds everything', unit: 's', ours: setup, bar: 1 },
  ];
}
