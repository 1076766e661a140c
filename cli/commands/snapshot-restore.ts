import type { Command } from 'commander';

import { openDatabase } from '../../src/actions/open-database';
import { neededSnapshots, pruneSnapshots } from '../../src/actions/prune-snapshots';
import { chooseKept, restoreSnapshot, type RestoreListener, undoRestore } from '../../src/actions/restore-snapshot';
import { settingsOf } from '../../src/actions/release-side';
import { StackConfig } from '../../src/releases/stack-config';
import { makeGood } from '../../src/actions/make-good';
import { withStackLock } from '../../src/actions/stack-lock';
import { RewindError } from '../../src/errors';
import { restoreLines, type RestoreOutlook } from '../../src/loss/outlook';
import { removeAbandoned } from '../../src/postgres/scratch';
import { confirmed, mustBeAsked } from '../confirm';
import { interruptible } from '../interruptible';
import { printJson } from '../output/json';
import { type Progress, progressFor } from '../output/progress';
import { localTime } from '../output/columns';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface YesOptions extends StackOptions {
  readonly yes: boolean;
}

/** Nobody decides by the numbers then: they are not to keep the data from coming back. */
const unaskedLossMs = 2000;

/** `rewind snapshot restore|undo|prune`: those that change something. */
export function registerChanges(snapshot: Command): void {
  registerRestore(snapshot);
  registerUndo(snapshot);
  registerPrune(snapshot);
}

function registerRestore(snapshot: Command): void {
  stackCommand(
    snapshot,
    'restore',
    'bring the data of a snapshot back, beside the live database first; what is replaced is kept',
    ['rewind snapshot restore s-20261124-101500', 'rewind snapshot restore s-20261124-101500 --prove --yes'],
  )
    .argument('<snapshot>', 'the snapshot, e.g. s-20261124-101500')
    .option('-y, --yes', 'do it without asking', false)
    .option('--prove', 'compare every row, even of a large database whose snapshot was proved before', false)
    .action(async (id: string, options: YesOptions & { readonly prove: boolean }) => {
      const { context } = await openSession(options);
      const database = await openDatabase(context);
      const manifest = await database.snapshots.read(id);
      const { takenAt, revisions } = manifest;
      const what = `Replace ${database.server.database} of ${database.server.service} by what it held at ${localTime(new Date(takenAt))} (revision ${revisions.join(', ') || 'none'})? What it holds now is kept.`;
      const seeFirst = `rewind snapshot show ${id}`;
      if (!options.yes) mustBeAsked(seeFirst, options.json);
      const progress = await progressFor(options);
      let outlook: RestoreOutlook | undefined;
      const onLoss = async (found: RestoreOutlook, signal: AbortSignal): Promise<void> => {
        outlook = found;
        const how = 'Every change cannot be counted in the time that this may take, or a table is locked.';
        for (const line of restoreLines(found, how)) progress.say(line);
        if (!options.yes && !(await confirmed(what, seeFirst, options.json, signal))) throw new Declined();
      };
      const restored = await interruptible(options.json, (signal) =>
        withStackLock(context, `snapshot restore ${id}`, () =>
          restoreSnapshot(context.name, database, manifest, {
            ...listenerOf(progress),
            ...(options.prove && { everyRow: true }),
            onLoss: (found) => onLoss(found, signal),
            ...(options.yes && { lossWithinMs: unaskedLossMs }),
            signal,
          }),
        ).catch(ignoringDeclined),
      );
      if (!restored) return;
      if (options.json)
        printJson({ stack: context.name, snapshot: id, ...restored, loss: outlook?.loss, rough: outlook?.rough });
      else
        progress.say(
          `${id} is back (${restored.seconds.toFixed(1)} s, ${outage(restored.outageSeconds)}).\n${keptText(restored.keptAs)}`,
        );
    });
}

/** Whoever was asked does not want it. */
class Declined extends Error {}

function ignoringDeclined(error: unknown): undefined {
  if (!(error instanceof Declined)) throw error;
}

function registerUndo(snapshot: Command): void {
  stackCommand(snapshot, 'undo', 'put the database that a restore has replaced back into its place', [
    'rewind snapshot undo             # the one that was replaced last',
    'rewind snapshot undo shop.before-20261124-101500 --yes',
  ])
    .argument('[database]', 'the kept database; without it the one that was replaced last')
    .option('-y, --yes', 'do it without asking', false)
    .action(async (name: string | undefined, options: YesOptions) => {
      const { context } = await openSession(options);
      const database = await openDatabase(context);
      const kept = await chooseKept(database, name);
      const what = `Put ${kept.name}, replaced at ${localTime(new Date(kept.since))}, back into its place? What has replaced it is kept.`;
      if (!options.yes && !(await confirmed(what, 'rewind snapshot list', options.json))) return;
      const progress = await progressFor(options);
      const restored = await interruptible(options.json, (signal) =>
        withStackLock(context, 'snapshot undo', () =>
          undoRestore(context.name, database, kept.name, { ...listenerOf(progress), signal }),
        ),
      );
      if (!restored) return;
      if (options.json) printJson({ stack: context.name, ...restored });
      else
        progress.say(
          `${restored.restored} is back in its place (${outage(restored.outageSeconds)}).\n${keptText(restored.keptAs)}`,
        );
    });
}

function registerPrune(snapshot: Command): void {
  stackCommand(
    snapshot,
    'prune',
    'remove old snapshots that no kept release needs, and databases that are kept aside',
    ['rewind snapshot prune --keep 10', 'rewind snapshot prune --keep 10 --databases --yes'],
  )
    .option('-k, --keep <snapshots>', 'how many of the newest snapshots stay', '10')
    .option('--databases', 'remove the databases that restores have replaced, and what a proof has left, too', false)
    .option('-y, --yes', 'do it without asking', false)
    .action(async (options: YesOptions & { keep: string; databases: boolean }) => {
      const keep = Number(options.keep);
      if (!Number.isSafeInteger(keep) || keep < 0) {
        throw new RewindError({
          code: 'cli/usage',
          message: `--keep is ${options.keep}, which is not a number of snapshots.`,
          fix: 'For example: rewind snapshot prune --keep 10',
        });
      }
      const { context } = await openSession(options);
      const database = await openDatabase(context);
      const progress = await progressFor(options);
      await makeGood(context, database.docker, (text) => {
        progress.say(text);
      });
      await removeAbandoned(database.server);
      const retain = settingsOf((await StackConfig.read(context.configFile)).config).retain;
      const needed = await neededSnapshots(context.releases, database.snapshots, retain);
      const planned = await pruneSnapshots(database, { keep, needed, databases: options.databases, dryRun: true });
      const names = [...planned.snapshots, ...planned.databases];
      if (names.length > 0 && !options.yes) {
        process.stdout.write(`${names.map((name) => `  ${name}`).join('\n')}\n`);
        if (!(await confirmed('Remove them for good?', 'rewind snapshot list', options.json))) return;
      }
      const pruned = await withStackLock(context, 'snapshot prune', () =>
        pruneSnapshots(database, { keep, needed, databases: options.databases }),
      );
      if (options.json) printJson({ stack: context.name, ...pruned });
      else process.stdout.write(`${prunedText([...pruned.snapshots, ...pruned.databases])}\n`);
    });
}

function listenerOf(progress: Progress): RestoreListener {
  return {
    onPhase: (text) => {
      progress.say(text);
    },
    onStopped: (service) => {
      progress.say(`  ${service}: stopped`);
    },
    onReady: (service) => {
      progress.say(`✔ ${service}: ready`);
    },
  };
}

function outage(seconds: number): string {
  return `application away ${seconds.toFixed(1)} s`;
}

function keptText(name: string): string {
  return `What it has replaced is kept as ${name}: rewind snapshot undo puts it back, rewind snapshot prune --databases removes it.`;
}

function prunedText(names: readonly string[]): string {
  return names.length === 0
    ? 'There is nothing to remove.'
    : `Removed:\n${names.map((name) => `  ${name}`).join('\n')}`;
}
