import type { Command } from 'commander';

import { snapshotsOf } from '../../src/actions/open-database';
import { RewindError } from '../../src/errors';
import type { SnapshotStore } from '../../src/snapshots/snapshot-store';
import { printJson } from '../output/json';
import { historyText } from '../output/history-text';
import { readReleases } from '../releases';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

/** `rewind history`: the stack's updates and the releases that they made. */
export function register(program: Command): void {
  stackCommand(program, 'history', 'list the releases and failed updates of the stack, newest first', [
    'rewind history',
    'rewind history --limit 100',
    'rewind history --json | jq ".[0]"',
  ])
    .option('-n, --limit <rows>', 'how many to list at most', '30')
    .action(async (options: StackOptions & { limit: string }) => {
      const limit = Number(options.limit);
      if (!Number.isSafeInteger(limit) || limit < 1) {
        throw new RewindError({
          code: 'cli/usage',
          message: `--limit is ${options.limit}, which is not a number of rows.`,
          fix: 'For example: rewind history --limit 100',
        });
      }
      const { context } = await openSession(options);
      const { rows, current } = await readReleases(context);
      const failed = await notRestorable(snapshotsOf(context));
      const shown = rows
        .slice(-limit)
        .map((row) => ({ ...row, ...(failed.has(row.database?.snapshot ?? '') && { notRestorable: true }) }));
      if (options.json)
        printJson(
          [...shown].reverse().map((row) => ({ ...row, current: row.isNew && row.release === current?.number })),
        );
      else {
        process.stdout.write(`${historyText(shown, current?.number)}\n`);
        if (shown.length < rows.length)
          process.stdout.write(`… and ${rows.length - shown.length} earlier (--limit ${rows.length})\n`);
      }
    });
}

/** Snapshots of which a test has failed. */
async function notRestorable(store: SnapshotStore): Promise<Set<string>> {
  const stored = await store.list();
  return new Set(stored.flatMap((it) => ('damage' in it || it.proof?.ok === false ? [it.id] : [])));
}
