import { resolve } from 'node:path';

import type { Command } from 'commander';

import { type ImportedSnapshot, importSnapshot } from '../../src/actions/import-snapshot';
import { makeGood } from '../../src/actions/make-good';
import { openDatabase } from '../../src/actions/open-database';
import { withStackLock } from '../../src/actions/stack-lock';
import { RewindError } from '../../src/errors';
import { exitCode } from '../exit-codes';
import { interruptible } from '../interruptible';
import { printJson } from '../output/json';
import { progressFor } from '../output/progress';
import { manifestJson, manifestText } from '../output/snapshot-text';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface ImportCommandOptions extends StackOptions {
  readonly message?: string;
  readonly at?: string;
  readonly database?: string;
}

/** `rewind snapshot import`: a backup from elsewhere becomes a snapshot like any other. */
export function registerImport(snapshot: Command): void {
  stackCommand(
    snapshot,
    'import',
    'make a proved snapshot of a backup: of pg_dump or pg_dumpall, in any of their formats, packed or not',
    [
      'rewind snapshot import backup_20261124_101500.sql.gz',
      'rewind snapshot import nightly.dump --at "2026-11-24 03:00" -m "before the migration"',
      'rewind snapshot import all-databases.sql --database shop',
    ],
  )
    .argument('<backup>', 'the file, or the folder of a dump in directory format')
    .option('-m, --message <why>', 'why it is kept')
    .option('--at <time>', 'when it was taken; without it as its name says, or as it says itself')
    .option('--database <name>', 'which database of a backup of several; without it the stack’s')
    .action(async (file: string, options: ImportCommandOptions) => {
      const takenAt = options.at === undefined ? undefined : timeGiven(options.at);
      const { context } = await openSession(options);
      const progress = await progressFor(options);
      const database = await openDatabase(context);
      await makeGood(context, database.docker, (text) => {
        progress.say(text);
      });
      const imported = await interruptible(options.json, (signal) =>
        withStackLock(context, `snapshot import ${file}`, () =>
          importSnapshot(database, {
            stack: context.name,
            path: resolve(file),
            name: file,
            ...(options.message !== undefined && { reason: options.message }),
            ...(takenAt && { takenAt }),
            ...(options.database !== undefined && { database: options.database }),
            readyUpTo: database.settings.readyUpTo,
            onStep: (text) => {
              progress.say(`  ${text}`);
            },
            signal,
          }),
        ),
      );
      if (!imported) return;
      const { manifest, proof, kind, packedWith, timeFrom, missingRoles, owner, notes } = imported;
      const shown = { id: manifest.id, manifest, proof };
      if (!proof.ok) process.exitCode = exitCode('failed');
      if (options.json) {
        printJson({ ...manifestJson(shown), backup: { kind, packedWith, timeFrom, missingRoles, owner, notes } });
      } else process.stdout.write(`${[...remarks(imported), manifestText(shown)].join('\n')}\n`);
    });
}

const timeSources: Readonly<Record<ImportedSnapshot['timeFrom'], string | undefined>> = {
  option: undefined,
  name: 'Its time is the one in its name.',
  backup: 'Its time is the one that it says itself.',
  file: 'Its time is when the file was last written: --at gives another.',
};

function remarks({ missingRoles, owner, timeFrom, notes }: ImportedSnapshot): string[] {
  const time = timeSources[timeFrom];
  return [
    ...(missingRoles.length === 0
      ? []
      : [
          `This server has no role ${missingRoles.join(', ')}: what belonged to it belongs to ${owner}, and its rights are left out.`,
        ]),
    ...notes,
    ...(time === undefined ? [] : [time]),
  ];
}

function timeGiven(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime()) && time <= new Date()) return time;
  throw new RewindError({
    code: 'cli/usage',
    message: `--at is ${JSON.stringify(text)}, which is no time in the past.`,
    fix: 'For example: --at "2026-11-24 10:15", or with a time zone: --at 2026-11-24T10:15:00Z.',
  });
}
