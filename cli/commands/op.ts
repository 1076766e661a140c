import { text } from 'node:stream/consumers';

import type { Command } from 'commander';

import { openRun } from '../../src/actions/open-run';
import { storeFolder } from '../../src/actions/prepare-stack';
import { proveSnapshot } from '../../src/actions/restore-database';
import { untilNobodyWorks, whileNobodyWorks } from '../../src/actions/stack-lock';
import { RewindError } from '../../src/errors';
import { projectFolder, usualStore } from '../../src/project-folder';
import { ReleaseStore } from '../../src/releases/release-store';
import { exitCode } from '../exit-codes';
import { masked, runStep, stepNames } from '../steps';

interface OpOptions {
  readonly stack: string;
  readonly store: string;
  readonly snapshot?: string;
}

/** `rewind op`: the commands of the stack's command resources, and the proof that goes on after them. The key comes by standard input. */
export function register(program: Command): void {
  const names = [...stepNames, 'prove'];
  program
    .command('op', { hidden: true })
    .description('what an update does to the data; run by pulumi')
    .argument('<name>', names.join(', '))
    .requiredOption('--stack <name>', 'project/stack')
    .option('--store <url>', 'the store', usualStore)
    .option('--snapshot <id>', 'the snapshot to prove')
    .action(async (name: string, { stack, store, snapshot = '' }: OpOptions) => {
      if (!names.includes(name)) {
        throw new RewindError({
          code: 'cli/usage',
          message: `There is no operation ${name}.`,
          fix: `There are: ${names.join(', ')}.`,
        });
      }
      try {
        const key = (await text(process.stdin)).trim();
        const directory = projectFolder();
        const said =
          name === 'prove'
            ? await prove(storeFolder(store, directory), stack, key, snapshot)
            : await runStep({ name, stack, store, directory, key, signal: stopSignal() });
        process.stdout.write(`${said}\n`);
      } catch (error) {
        if (!(error instanceof RewindError)) throw error;
        process.exitCode = exitCode('failed');
        process.stderr.write(`${error.render()}\n`);
      }
    });
}

/** A proof goes on for as long as it likes, beside whatever comes next. */
async function prove(root: string, stack: string, key: string, id: string): Promise<string> {
  const releases = new ReleaseStore(root, stack);
  // Not even a session of the database is opened meanwhile.
  await untilNobodyWorks({ releases });
  const open = await openRun(root, stack, key);
  const { run, server, snapshots: store, versionTable } = open;
  try {
    const manifest = await store.read(id);
    const source = { server, store, manifest, versionTable, readyUpTo: run.database.readyUpTo };
    const proof = await whileNobodyWorks({ releases }, (signal) => proveSnapshot({ ...source, signal }));
    return proof.ok ? 'restorable' : 'not restorable';
  } catch (error) {
    throw masked(error, open);
  }
}

/** Aborted when pulumi asks to stop. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  return stop.signal;
}
