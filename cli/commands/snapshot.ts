import type { Command } from 'commander';

import { keptDatabases, proveSnapshot } from '../../src/actions/restore-database';
import { openDatabase, snapshotsOf } from '../../src/actions/open-database';
import { makeGood } from '../../src/actions/make-good';
import { takeSnapshot } from '../../src/actions/take-snapshot';
import { RewindError } from '../../src/errors';
import { isReady, readyNames } from '../../src/actions/ready-database';
import type { StoredSnapshot } from '../../src/snapshots/snapshot-store';
import { exitCode } from '../exit-codes';
import { interruptible } from '../interruptible';
import { printJson } from '../output/json';
import { progressFor } from '../output/progress';
import { manifestJson, manifestText, snapshotsText } from '../output/snapshot-text';
import { openSession, type StackOptions } from '../session';
import { registerImport } from './snapshot-import';
import { registerChanges } from './snapshot-restore';
import { stackCommand } from '../stack-command';

/** `rewind snapshot …`: backups of the database that are known to be restorable. */
export function register(program: Command): void {
  const snapshot = program
    .command('snapshot')
    .description('take, list, prove and restore snapshots of the stack’s database');
  registerCreate(snapshot);
  registerList(snapshot);
  registerShow(snapshot);
  registerVerify(snapshot);
  registerImport(snapshot);
  registerChanges(snapshot);
}

function registerCreate(snapshot: Command): void {
  stackCommand(snapshot, 'create', 'take a snapshot while the application goes on', [
    'rewind snapshot create',
    'rewind snapshot create --prove -m "before the import"',
  ])
    .option('-m, --message <why>', 'why it is taken')
    .option('--prove', 'restore it into a scratch database at once, and compare', false)
    .action(async (options: StackOptions & { message?: string; prove: boolean }) => {
      const { context } = await openSession(options);
      const progress = await progressFor(options);
      const { docker, server, settings, snapshots: store, versionTable } = await openDatabase(context);
      const { readyUpTo } = settings;
      const say = (text: string): void => {
        progress.say(text);
      };
      await makeGood(context, docker, say);
      const taken = await interruptible(options.json, async (signal) => {
        const manifest = await takeSnapshot({
          signal,
          server,
          store,
          stack: context.name,
          versionTable,
          ...(options.message !== undefined && { reason: options.message }),
          onStep: (text) => {
            progress.say(`  ${text}`);
          },
        });
        // Stopped while it is being proved, it is kept all the same: as one that is not proved.
        const proving = options.prove
          ? proveSnapshot({ server, store, manifest, versionTable, readyUpTo, signal })
          : undefined;
        const proof = await proving?.catch((error: unknown) => {
          if (!signal.aborted) throw error;
          process.exitCode = exitCode('putBack');
          return undefined;
        });
        return { id: manifest.id, manifest, ...(proof && { proof }) };
      });
      if (!taken) return;
      if (taken.proof && !taken.proof.ok) process.exitCode = exitCode('failed');
      if (options.json) printJson(manifestJson(taken));
      else process.stdout.write(`${manifestText(taken)}\n`);
    });
}

function registerList(snapshot: Command): void {
  stackCommand(snapshot, 'list', 'list the snapshots, and the databases that a restore has replaced', [
    'rewind snapshot list',
    'rewind snapshot list --json',
  ]).action(async (options: StackOptions) => {
    const { context } = await openSession(options);
    const stored = await snapshotsOf(context).list();
    // The list is of use above all when the database is not.
    const onServer = await openDatabase(context)
      .then(async ({ server }) => ({
        kept: await keptDatabases(server),
        ready: await readyNames(server),
      }))
      .catch((error: unknown) => {
        if (error instanceof RewindError) return error;
        throw error;
      });
    if (options.json) {
      const isKnown = !(onServer instanceof RewindError);
      printJson({
        snapshots: stored.toReversed().map((it) => ({
          ...snapshotRow(it),
          ...(isKnown && { ready: isReady(it, onServer.ready) }),
        })),
        ...(isKnown ? { keptDatabases: onServer.kept } : { databasesNotListed: onServer.message }),
      });
    } else process.stdout.write(`${snapshotsText(stored, onServer)}\n`);
  });
}

function snapshotRow(stored: StoredSnapshot): object {
  return 'damage' in stored ? { id: stored.id, damage: stored.damage.message } : manifestJson(stored);
}

function registerShow(snapshot: Command): void {
  stackCommand(snapshot, 'show', 'say what a snapshot holds', ['rewind snapshot show s-20261124-101500'])
    .argument('<snapshot>', 'the snapshot, e.g. s-20261124-101500')
    .action(async (id: string, options: StackOptions) => {
      const { context } = await openSession(options);
      const store = snapshotsOf(context);
      const [manifest, proof] = [await store.read(id), await store.proof(id)];
      const shown = { id, manifest, ...(proof && { proof }) };
      if (options.json) printJson(manifestJson(shown));
      else process.stdout.write(`${manifestText(shown, true)}\n`);
    });
}

function registerVerify(snapshot: Command): void {
  stackCommand(snapshot, 'verify', 'prove a snapshot: restore it into a scratch database, and compare every row', [
    'rewind snapshot verify                      # the newest',
    'rewind snapshot verify s-20261124-101500',
  ])
    .argument('[snapshot]', 'the snapshot; without it the newest')
    .action(async (word: string | undefined, options: StackOptions) => {
      const { context } = await openSession(options);
      const { docker, server, settings, snapshots: store, versionTable } = await openDatabase(context);
      const { readyUpTo } = settings;
      const progress = await progressFor(options);
      await makeGood(context, docker, (text) => {
        progress.say(text);
      });
      const id = word ?? (await store.ids()).at(-1);
      if (id === undefined) throw noSnapshot(context.name);
      const manifest = await store.read(id);
      const proof = await interruptible(options.json, (signal) =>
        proveSnapshot({ server, store, manifest, versionTable, readyUpTo, signal }),
      );
      if (!proof) return;
      if (!proof.ok) process.exitCode = exitCode('failed');
      if (options.json) printJson(manifestJson({ id, manifest, proof }));
      else process.stdout.write(`${manifestText({ id, manifest, proof })}\n`);
    });
}

function noSnapshot(stack: string): RewindError {
  return new RewindError({
    code: 'snapshot/unknown',
    message: `The stack ${stack} has no snapshot yet.`,
    fix: 'Take one: rewind snapshot create.',
  });
}
