import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';

import type { Command } from 'commander';

import { changeData, expectChange } from '../../src/actions/change-data';
import { prepareRestore, snapshotFirst, sourceName, verifyData } from '../../src/actions/guard-data';
import { openRun, type OpenRun } from '../../src/actions/open-run';
import { storeFolder } from '../../src/actions/prepare-stack';
import { proveSnapshot } from '../../src/actions/restore-database';
import { withRunLock } from '../../src/actions/run-lock';
import { untilNobodyWorks, whileNobodyWorks } from '../../src/actions/stack-lock';
import { withStepLock } from '../../src/actions/step-lock';
import { mask, SecretValues } from '../../src/container/project-secrets';
import { RewindError } from '../../src/errors';
import { projectFolder } from '../../src/project-folder';
import { ReleaseStore } from '../../src/releases/release-store';
import { installDir } from '../../toolchain/places';
import { exitCode } from '../exit-codes';

interface OpOptions {
  readonly stack: string;
  readonly store: string;
  readonly snapshot?: string;
}

/** What each command does; what it returns is kept in the stack's state, and so tells of nothing that may differ. */
const operations: Readonly<Record<string, (open: OpenRun, options: OpOptions, key: string) => Promise<string>>> = {
  snapshot: async (open) => (await snapshotFirst(open)) ?? 'none',
  restore: async (open) => {
    await prepareRestore(open);
    return open.run.database.restore === undefined ? 'none' : sourceName(open.run.database.restore);
  },
  migrate: async (open) => {
    await withRunLock(open, () => changeData(open, stopSignal()));
    return open.run.revisions?.join('\n') ?? 'none';
  },
  verify: async (open, options, key) => {
    await verifyData(open);
    const { snapshot } = await open.exchange.outcome();
    if (snapshot !== undefined) await proveInBackground(snapshot, options, key);
    return 'verified';
  },
  prove: async ({ run, server, snapshots: store, versionTable, releases }, { snapshot = '' }) => {
    const manifest = await store.read(snapshot);
    const source = { server, store, manifest, versionTable, readyUpTo: run.database.readyUpTo };
    const proof = await whileNobodyWorks({ releases }, (signal) => proveSnapshot({ ...source, signal }));
    return proof.ok ? 'restorable' : 'not restorable';
  },
};

/** `rewind op`: the commands of the stack's command resources. The key comes by standard input. */
export function register(program: Command): void {
  program
    .command('op', { hidden: true })
    .description('what an update does to the data; run by pulumi')
    .argument('<name>', Object.keys(operations).join(', '))
    .requiredOption('--stack <name>', 'project/stack')
    .option('--store <url>', 'the store', 'file://./.rewind')
    .option('--snapshot <id>', 'the snapshot to prove')
    .action(async (name: string, options: OpOptions) => {
      const operation = operations[name];
      if (!operation) {
        throw new RewindError({
          code: 'cli/usage',
          message: `There is no operation ${name}.`,
          fix: `There are: ${Object.keys(operations).join(', ')}.`,
        });
      }
      let secrets = new SecretValues();
      try {
        const key = (await text(process.stdin)).trim();
        const root = storeFolder(options.store, projectFolder());
        const releases = new ReleaseStore(root, options.stack);
        if (name === 'migrate') await expectChange(releases);
        // Not even a session of the database is opened meanwhile.
        if (name === 'prove') await untilNobodyWorks({ releases });
        const open = await openRun(root, options.stack, key);
        secrets = new SecretValues(open.run.secrets, open.run.names);
        const work = (): Promise<string> => operation(open, options, key);
        // A proof goes on for as long as it likes, beside whatever comes next.
        const said = name === 'prove' ? await work() : await withStepLock(open.releases, name, work);
        process.stdout.write(`${said}\n`);
      } catch (error) {
        if (!(error instanceof RewindError)) throw error;
        process.exitCode = exitCode('failed');
        process.stderr.write(`${mask(error.render(), secrets)}\n`);
      }
    });
}

/** Aborted when pulumi asks to stop. What has gone too far by then is brought to its end. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  return stop.signal;
}

/** The proof takes as long as a restore: nobody waits for it, and whatever becomes of this process, it goes on. */
async function proveInBackground(snapshot: string, { stack, store }: OpOptions, key: string): Promise<void> {
  const argv = [join(installDir, 'dist', 'op.js'), 'prove', '--stack', stack, '--store', store, '--snapshot', snapshot];
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.on('error', () => undefined); // the snapshot stays unproved, which its list says
  lowerPriority(child.pid);
  child.stdin.on('error', () => undefined);
  child.stdin.end(key);
  // The process would be told half of the key if this one ended before.
  await finished(child.stdin).catch(() => undefined);
  child.unref();
}

/** To start takes the processor from the end of the update, which somebody waits for. */
function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // it has ended
  }
}
