import { type ChangeResult, failuresIn } from '../src/actions/change-stack';
import { notifierOf } from '../src/actions/notifier-of';
import { operate, type Operated, type OperateOptions } from '../src/actions/operate';
import { operationName, type RecordedVerification } from '../src/operations/record';
import { type ReleaseRecord, releaseName } from '../src/releases/record';
import { formatDuration } from '../toolchain/step-output';
import { exitCode } from './exit-codes';
import { onInterrupt } from './interrupt';
import { printJson } from './output/json';
import type { Progress } from './output/progress';
import type { Session } from './session';

/** Changes a stack, showing the progress and then how it ended; sets the exit code. */
export async function showChange(
  { context, programFor }: Session,
  progress: Progress,
  json: boolean,
  change: Omit<
    OperateOptions,
    'context' | 'programFor' | 'onPhase' | 'onStep' | 'onPhaseBegin' | 'signal' | 'notifier'
  >,
  print: (document: object) => void = printJson,
): Promise<Operated> {
  const started = Date.now();
  const back = (await context.releases.numbers()).at(-1);
  const notifier = notifierOf(context);
  const interrupt = onInterrupt({
    onFirst: () => {
      if (!json) process.stderr.write(`${stopping}\n`);
    },
    onSecond: () => {
      const fix = wayOn(back);
      if (json) print({ stack: context.name, state: 'left', fix });
      else process.stderr.write(`Left as it is. ${fix}\n`);
    },
  });
  let operated: Operated;
  try {
    operated = await operate({
      ...change,
      context,
      notifier,
      programFor: programFor({
        onPrepared: (prepared) => {
          progress.prepared(prepared);
        },
        onReady: (service) => {
          progress.ready(service);
        },
      }),
      onPhase: (text) => progress.phase(text),
      onStep: (step) => {
        progress.step(step);
      },
      signal: interrupt.signal,
    });
    await progress.end(operated.result.state === 'done' || operated.result.state === 'put-back');
  } catch (error) {
    await progress.end(false);
    await notifier.end();
    throw error;
  } finally {
    interrupt.done();
  }
  const { result, record, unrecorded } = operated;
  const elapsed = Date.now() - started;
  process.exitCode = exitCode(
    isUnverified(result)
      ? 'unverified'
      : ({ done: 'done', refused: 'failed', 'put-back': 'putBack', broken: 'broken' } as const)[result.state],
  );
  if (json) print({ ...resultJson(context.name, result, elapsed), ...(record && { operation: record.number }) });
  else {
    // The last line is how it ended.
    if (record && (result.state === 'put-back' || result.state === 'broken'))
      progress.say(`Written down as ${operationName(record.number)}: rewind report.`);
    progress.say(resultText(result, elapsed));
  }
  const untold = await notifier.end();
  for (const line of [
    ...(unrecorded === undefined ? [] : [`This could not be written down: ${unrecorded}`]),
    ...untold,
  ])
    process.stderr.write(`${line}\n`);
  return operated;
}

function isUnverified(result: ChangeResult): boolean {
  return result.state === 'done' && result.verification?.ok === false;
}

const stopping =
  'Stopping after the steps that are under way; what has begun is put back. Once more to leave it as it is.';

/** How to go on after an operation that was left in the middle. */
function wayOn(before: number | undefined): string {
  const back = before === undefined ? '' : `, or go back: rewind revert ${releaseName(before)} --yes`;
  return `Run the same command again to finish it${back}.`;
}

function resultJson(stack: string, result: ChangeResult, elapsed: number): object {
  const shared = { stack, state: result.state, seconds: elapsed / 1000 };
  if (result.state === 'refused') return { ...shared, why: result.why, ...(result.isPrepared && { isPrepared: true }) };
  if (result.state === 'broken') return { ...shared, why: result.why, whyNotBack: result.whyNotBack };
  const { verification } = result;
  return {
    ...shared,
    ...(result.state === 'put-back' && { why: result.why }),
    release: publicRecord(result.release),
    ...(verification && { verification }),
  };
}

/** A record as others may read it: without what only the store needs. */
export function publicRecord(record: ReleaseRecord): object {
  const { number, startedAt, finishedAt, by, kind, message, revertOf, services, database, files } = record;
  return { number, startedAt, finishedAt, by, kind, message, revertOf, services, database, files };
}

function resultText(result: ChangeResult, elapsed: number): string {
  const time = formatDuration(elapsed);
  switch (result.state) {
    case 'done': {
      const { release, verification } = result;
      const runs = `${releaseName(release.number)} runs (${time}).`;
      if (!verification) return runs;
      if (verification.ok)
        return `${releaseName(release.number)} runs, verified by ${verification.probes.length} probes (${time}).`;
      return `${runs} It has failed its verification, and is left as it is:\n${failuresIn(verification)}`;
    }
    case 'refused':
      return `${result.why}\n\n${result.isPrepared ? 'What was put right before that stays so: rewind drift shows what is left.' : 'Nothing has changed.'}`;
    case 'put-back':
      return `This has failed; ${releaseName(result.release.number)}, which ran before, runs again (${time}).${backText(result.verification)}`;
    case 'broken':
      return `${result.why}\n\nThis has failed, and what ran before could not be put back: ${result.whyNotBack}.\nSee what runs: docker ps -a. Mend what is named above, then: rewind revert <release>.`;
  }
}

function backText(verification: RecordedVerification | undefined): string {
  if (!verification) return '';
  return verification.ok
    ? ` It is as it should be (${verification.probes.length} probes).`
    : ` It does not pass all probes either:\n${failuresIn(verification)}`;
}
