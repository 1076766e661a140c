import type { Command } from 'commander';

import type { DataChoice } from '../../src/actions/choose-data';
import { dataOutlook, type LossDetail, outlookObstacle } from '../../src/actions/data-outlook';
import { imagesInTheWay } from '../../src/actions/images-gone';
import { checkAccepted, isAccepted, type LossStatement, lossStatement } from '../../src/actions/loss-statement';
import { planRelease, type ReleasePlan } from '../../src/actions/plan-release';
import { settingsOf } from '../../src/actions/release-side';
import { bringsConfiguration, dataChoiceOf, revertConfig } from '../../src/actions/revert-config';
import { checkRotations, type Rotation, rotationOf } from '../../src/actions/rotate-secrets';
import type { StackContext } from '../../src/actions/stack-context';
import { watchStack } from '../watch';
import { RewindError } from '../../src/errors';
import type { ReleasePart } from '../../src/releases/next-config';
import { type ReleaseRecord, releaseName } from '../../src/releases/record';
import { StackConfig } from '../../src/releases/stack-config';
import { type AfterOptions, afterOptions } from '../after-options';
import { showChange } from '../change';
import { confirmed, mustBeAsked } from '../confirm';
import { databaseOption, onlyOption } from '../release-options';
import { planText } from '../output/plan-text';
import { progressFor } from '../output/progress';
import { loadEngine } from '../program';
import { chooseRelease, currentRelease, type KnownReleases, readReleases } from '../releases';
import { openSession, type Session, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface RevertOptions extends StackOptions, AfterOptions {
  readonly message?: string;
  readonly yes?: boolean;
  readonly only?: ReleasePart;
  readonly quick?: boolean;
  readonly acceptLoss: readonly string[];
  readonly rotate: readonly Rotation[];
  readonly database?: DataChoice;
}

/** `rewind revert`: makes an earlier release the running one again. */
export function register(program: Command): void {
  const command = stackCommand(
    program,
    'revert',
    'bring an earlier release back: its images, environment, configuration files and schema',
    [
      'rewind revert                       # the last good release before the current one; shows the plan and asks',
      'rewind revert r3 --yes -m "checkout broken"',
      'rewind revert r3 --only images        # its images, with the configuration and the data of today',
      'rewind revert r3 --database=restore   # with the data of then, from a snapshot; what is replaced is kept',
      'rewind revert --quick --yes --watch 30m',
      'rewind revert --rotate api.API_TOKEN,worker.API_TOKEN   # a token has leaked: both get the same new one',
    ],
  )
    .argument('[release]', 'the release, e.g. r3; without it the last good one before the current')
    .option('-m, --message <why>', 'why, for the history')
    .addOption(databaseOption())
    .addOption(onlyOption())
    .option('--quick', 'leave out what is not needed to be safe: evidence, and probes beyond the immediate ones')
    .option(
      '--accept-loss <names>',
      'with --yes: what may be lost, as the refusal names it; may be given several times',
      (names: string, before: readonly string[]) => [...before, names],
      [],
    )
    .option(
      '--rotate <names>',
      'secrets that get a new value at random, e.g. api.API_TOKEN, or passwords.reports for a role of the database; names with a comma between them get the same one; may be given several times',
      (names: string, before: readonly Rotation[]) => [...before, rotationOf(names)],
      [],
    )
    .option('-y, --yes', 'do it without asking');
  afterOptions(command).action(async (word: string | undefined, options: RevertOptions) => {
    const session = await openSession(options);
    const { context } = session;
    const [known] = await Promise.all([readReleases(context), loadEngine()]);
    const target = await chooseRelease(context, known, word);
    checkRotations(options.rotate, target);
    const loss = await agreed(session, known, target, options);
    if (!loss) return;
    const { quick = false, only } = options;
    const level = quick && options.verify !== 'none' ? 'immediate' : options.verify;
    const operated = await showChange(session, await progressFor(options), options.json ?? false, {
      kind: 'revert',
      what: `revert to ${releaseName(target.number)}${only === undefined ? '' : ` (${only} only)`}`,
      reason: {
        kind: 'revert',
        ...(options.message !== undefined && { message: options.message }),
        ...(only === undefined && { revertOf: target.number }),
      },
      next: async (today) => {
        // All of a release comes back whatever runs, be its record unreadable.
        const from = only === undefined ? target : currentRelease(context, known);
        return (await revertConfig(context, { from, to: target }, today, options)).config;
      },
      ...(bringsConfiguration(options) && { secretsOf: target }),
      ...(level !== 'none' && { level }),
      rotations: options.rotate,
      keepsUnverified: !options.autoRevert,
      keepsEvidence: !quick,
      loss: loss.lines,
    });
    // A revert is not followed by another one: whoever is at the terminal decides what next.
    if (options.watch !== undefined && operated.result.state === 'done')
      await watchStack(session, { forMs: options.watch, ...(options.json && { json: true }) });
  });
}

/** Whether it is meant, with what it loses; undefined if it is not. */
async function agreed(
  session: Session,
  known: KnownReleases,
  target: ReleaseRecord,
  options: RevertOptions,
): Promise<LossStatement | undefined> {
  const { context } = session;
  const choice = dataChoiceOf(options);
  if (options.yes) {
    RewindError.throwIfAny(await imagesInTheWay(context, { from: known.current, to: target }, options));
    const loss = await lossOf(context, known, target, choice, { only: choice === 'restore' ? 'restore' : 'downgrade' });
    if (isAccepted(loss, options.acceptLoss)) return loss;
    // A refusal tells of the other way, too.
    const all = await lossOf(context, known, target, choice);
    checkAccepted(all, options.acceptLoss);
    return all;
  }
  mustBeAsked('rewind plan', options.json);
  const plan = await planRelease({
    context,
    from: currentRelease(context, known),
    to: target,
    releases: known.good,
    programFor: session.programFor(),
    choice: options,
  });
  process.stdout.write(`${planText(plan)}\n\n`);
  RewindError.throwIfAny(plan.obstacles);
  if (await confirmed(question(plan, options), 'rewind plan', options.json)) {
    return lossStatement(plan.database, choice);
  }
  process.stdout.write('Nothing has changed.\n');
  return undefined;
}

function question({ to }: ReleasePlan, { only }: RevertOptions): string {
  const part = only === undefined ? '' : `the ${only} of `;
  return `Bring ${part}${releaseName(to.number)} back?`;
}

async function lossOf(
  context: StackContext,
  { current }: KnownReleases,
  target: ReleaseRecord,
  choice: DataChoice | undefined,
  detail?: LossDetail,
): Promise<LossStatement> {
  const { database } = settingsOf((await StackConfig.read(context.configFile)).config);
  if (!database || !current || choice === 'keep') return { names: [], lines: [] };
  const outlook = await dataOutlook(context, database.service, current, target, detail);
  const stuck = outlookObstacle(outlook, choice);
  RewindError.throwIfAny(stuck ? [stuck] : []);
  return lossStatement(outlook, choice);
}
