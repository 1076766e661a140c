import type { Command } from 'commander';

import { dataChange, type DataChoice } from '../../src/actions/choose-data';
import { imagesGone, planRelease } from '../../src/actions/plan-release';
import { RewindError } from '../../src/errors';
import { configOfRelease } from '../../src/releases/next-config';
import { releaseName } from '../../src/releases/record';
import { showChange } from '../change';
import { confirmed, mustBeAsked } from '../confirm';
import { databaseOption } from '../database-option';
import { planText } from '../output/plan-text';
import { progressFor } from '../output/progress';
import { loadProgram } from '../program';
import { chooseRelease, currentRelease, readReleases } from '../releases';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface RevertOptions extends StackOptions {
  readonly message?: string;
  readonly yes?: boolean;
  readonly database?: DataChoice;
}

/** `rewind revert`: makes an earlier release the running one again. */
export function register(program: Command): void {
  stackCommand(
    program,
    'revert',
    'bring an earlier release back: its images, environment, configuration files and schema',
    [
      'rewind revert                       # the last good release before the current one; shows the plan and asks',
      'rewind revert r3 --yes -m "checkout broken"',
      'rewind revert r3 --database=restore   # with the data of then, from a snapshot; what is replaced is kept',
    ],
  )
    .argument('[release]', 'the release, e.g. r3; without it the last good one before the current')
    .option('-m, --message <why>', 'why, for the history')
    .addOption(databaseOption())
    .option('-y, --yes', 'do it without asking')
    .action(async (word: string | undefined, options: RevertOptions) => {
      const session = await openSession(options);
      const { context } = session;
      const [known] = await Promise.all([readReleases(context), loadProgram()]);
      const target = await chooseRelease(context, known, word);
      if (!options.yes) {
        mustBeAsked('rewind plan', options.json);
        const plan = await planRelease({
          context,
          from: currentRelease(context, known),
          to: target,
          releases: known.good,
          programFor: session.programFor(),
          ...(options.database && { data: options.database }),
        });
        process.stdout.write(`${planText(plan)}\n\n`);
        RewindError.throwIfAny(plan.obstacles);
        if (!(await confirmed(`Bring ${releaseName(target.number)} back?`, 'rewind plan', options.json))) {
          process.stdout.write('Nothing has changed.\n');
          return;
        }
      } else RewindError.throwIfAny(await imagesGone(target));
      await showChange(session, await progressFor(options), options.json ?? false, {
        what: `revert to ${releaseName(target.number)}`,
        reason: {
          kind: 'revert',
          ...(options.message !== undefined && { message: options.message }),
          revertOf: target.number,
        },
        next: async (today) => configOfRelease(target, today, await dataChange(context, target, options.database)),
        secretsOf: target,
      });
    });
}
