import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

import type { Op } from '../components/op-text';
import { changeData, expectChange } from '../src/actions/change-data';
import { prepareRestore, snapshotFirst, sourceName, verifyData } from '../src/actions/guard-data';
import { interrupted } from '../src/actions/move-data';
import { openRun, type OpenRun } from '../src/actions/open-run';
import { storeFolder } from '../src/actions/prepare-stack';
import { withRunLock } from '../src/actions/run-lock';
import { withStepLock } from '../src/actions/step-lock';
import { mask, SecretValues } from '../src/container/project-secrets';
import { RewindError } from '../src/errors';
import { ReleaseStore } from '../src/releases/release-store';
import { installDir } from '../toolchain/places';

/** A step of an update on the data. */
export interface StepOptions extends Op {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** `rewind:key` */
  readonly key: string;
  /** Asks to stop. What has gone too far by then is brought to its end. */
  readonly signal: AbortSignal;
}

/** What each step does; what it returns is kept in the stack's state, and so tells of nothing that may differ. */
const steps: Readonly<Record<string, (open: OpenRun, options: StepOptions) => Promise<string>>> = {
  snapshot: async (open, { signal }) => (await snapshotFirst(open, signal)) ?? 'none',
  restore: async (open, { signal }) => {
    await prepareRestore(open, signal);
    return open.run.database.restore === undefined ? 'none' : sourceName(open.run.database.restore);
  },
  migrate: async (open, { signal }) => {
    await withRunLock(open, () => changeData(open, signal));
    return open.run.revisions?.join('\n') ?? 'none';
  },
  verify: async (open, options) => {
    await verifyData(open);
    const { snapshot } = await open.exchange.outcome();
    if (snapshot !== undefined) await proveInBackground(snapshot, options);
    return 'verified';
  },
};

/** Names of the steps. */
export const stepNames = Object.keys(steps);

/**
 * Does a step.
 *
 * @returns what is kept in the stack's state of it
 * @throws RewindError without a secret in it
 */
export async function runStep(options: StepOptions): Promise<string> {
  const { name, stack, directory, signal } = options;
  const root = storeFolder(options.store, directory);
  if (name === 'migrate') await expectChange(new ReleaseStore(root, stack));
  const open = await openRun(root, stack, options.key);
  try {
    return await withStepLock(open.releases, name, () => steps[name]!(open, options));
  } catch (error) {
    throw masked(signal.aborted && !(error instanceof RewindError) ? interrupted(error) : error, open);
  }
}

/** An error without the secrets of what was worked on. */
export function masked(error: unknown, { run }: OpenRun): unknown {
  if (!(error instanceof RewindError)) return error;
  const secrets = new SecretValues(run.secrets, run.names);
  return RewindError.of(
    error.problems.map((it) => ({ ...it, message: mask(it.message, secrets), fix: mask(it.fix, secrets) })),
  );
}

/** The proof takes as long as a restore: nobody waits for it, and whatever becomes of this process, it goes on. */
async function proveInBackground(snapshot: string, { stack, store, directory, key }: StepOptions): Promise<void> {
  const argv = [join(installDir, 'dist', 'op.js'), 'prove', '--stack', stack, '--store', store, '--snapshot', snapshot];
  const child = spawn(process.execPath, argv, {
    cwd: directory,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
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
