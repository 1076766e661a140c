import type { Command } from 'commander';

import type { DataChoice } from '../../src/actions/choose-data';
import { planRelease } from '../../src/actions/plan-release';
import type { ReleasePart } from '../../src/releases/next-config';
import { publicRecord } from '../change';
import { databaseOption, onlyOption } from '../release-options';
import { printJson } from '../output/json';
import { planText } from '../output/plan-text';
import { chooseRelease, currentRelease, readReleases } from '../releases';
import { loadEngine } from '../program';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface PlanOptions extends StackOptions {
  readonly database?: DataChoice;
  readonly only?: ReleasePart;
  readonly loss: boolean;
}

/** `rewind plan`: what a revert would do. */
export function register(program: Command): void {
  stackCommand(program, 'plan', 'say what going back to a release will do; changes nothing', [
    'rewind plan          # the last good release before the current one',
    'rewind plan r3',
    'rewind plan r3 --only images   # what rewind revert r3 --only images would do',
    'rewind plan r3 --loss   # restores the snapshot that fits beside the live database, to count what that would lose',
  ])
    .argument('[release]', 'the release, e.g. r3; without it the last good one before the current')
    .addOption(databaseOption())
    .addOption(onlyOption())
    .option(
      '--loss',
      'restore the snapshot that fits for a moment, to count every change that a restore would lose',
      false,
    )
    .action(async (word: string | undefined, options: PlanOptions) => {
      const { context, programFor } = await openSession(options);
      const [known] = await Promise.all([readReleases(context), loadEngine()]);
      const to = await chooseRelease(context, known, word);
      const from = currentRelease(context, known);
      const plan = await planRelease({
        context,
        from,
        to,
        releases: known.good,
        programFor: programFor(),
        choice: options,
        countRestore: options.loss,
      });
      if (options.json) printJson({ ...plan, from: publicRecord(from), to: publicRecord(to) });
      else process.stdout.write(`${planText(plan)}\n`);
    });
}
