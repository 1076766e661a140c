import type { Assessment } from '../src/actions/assess-stack';
import { whoAmI } from '../src/actions/keep-release';
import { notifierOf } from '../src/actions/notifier-of';
import { watchFor } from '../src/actions/watch-stack';
import { configOfRelease } from '../src/releases/next-config';
import { releaseName } from '../src/releases/record';
import { showChange } from './change';
import { exitCode } from './exit-codes';
import { onInterrupt } from './interrupt';
import { assessmentText } from './output/assess-text';
import { printJson } from './output/json';
import { progressFor } from './output/progress';
import type { Session } from './session';

/** What is watched for. */
export interface WatchCliOptions {
  /** Milliseconds. */
  readonly forMs: number;
  readonly json?: boolean;
  /** Number of the release to go back to, once, if a reason shows up. @default none: it is only told */
  readonly backTo?: number;
}

/** Strategies that a stack goes back for by itself. */
const goesBack = ['revert', 'configuration'];

/** Watches a stack, and goes back once if there is a reason to. */
export async function watchStack(session: Session, { forMs, json = false, backTo }: WatchCliOptions): Promise<void> {
  const { context } = session;
  const notifier = notifierOf(context);
  const say = (text: string): void => {
    if (!json) process.stdout.write(`${text}\n`);
  };
  const interrupt = onInterrupt({
    onFirst: () => {
      say('No longer watched.');
    },
    onSecond: () => undefined,
  });
  say(`Watching for ${Math.round(forMs / 60_000) || '<1'} min …`);
  const isReason = ({ triggers, advice }: Assessment): boolean =>
    triggers.length > 0 && goesBack.includes(advice.strategy);
  const end = await watchFor({
    context,
    forMs,
    isReason: (assessment) => backTo !== undefined && isReason(assessment),
    onLook: (assessment, isNews) => {
      if (!isNews) return;
      if (json) printJson(assessment);
      else if (assessment.triggers.length > 0) say(`${time()} ${assessmentText(assessment)}`);
      else say(`${time()} no trigger holds`);
      if (assessment.triggers.length === 0) return;
      notifier.tell({
        event: 'trigger',
        stack: context.name,
        kind: 'watch',
        what: 'watch',
        by: whoAmI(),
        at: assessment.at,
        release: assessment.release,
        failure: assessment.triggers
          .map(({ title, service, evidence }) => `${title} (${service ?? 'stack'}): ${evidence}`)
          .join('\n'),
      });
    },
    onFailure: (why) => {
      say(`${time()} could not look: ${why}`);
    },
    signal: interrupt.signal,
  });
  interrupt.done();
  if (end.state === 'overtaken') say(`${releaseName(end.release)} runs now: no longer watched.`);
  if (end.state === 'quiet') say('Nothing spoke for going back.');
  if (end.state === 'reason' && backTo !== undefined) {
    const target = await context.releases.read(backTo);
    const { triggers, advice } = end.assessment;
    say(`Going back to ${releaseName(backTo)}: ${advice.why}.`);
    await showChange(session, await progressFor({ json }), json, {
      kind: 'revert',
      what: `revert to ${releaseName(backTo)}`,
      reason: { kind: 'revert', revertOf: backTo, message: `by itself: ${triggers[0]?.title ?? advice.why}` },
      next: (today) => Promise.resolve(configOfRelease(target, today)),
      secretsOf: target,
      level: 'immediate',
      keepsUnverified: true,
      assessment: { triggers, advice },
    });
    if (process.exitCode === exitCode('done')) process.exitCode = exitCode('putBack');
  }
  for (const line of await notifier.end()) process.stderr.write(`${line}\n`);
}

function time(): string {
  return new Date().toTimeString().slice(0, 8);
}
