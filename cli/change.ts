import { changeStack, type ChangeOptions, type ChangeResult } from '../src/actions/change-stack';
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
  change: Omit<ChangeOptions, 'context' | 'programFor' | 'onPhase' | 'onStep' | 'signal'>,
): Promise<void> {
  const started = Date.now();
  const back = (await context.releases.numbers()).at(-1);
  const interrupt = onInterrupt({
    onFirst: () => {
      if (!json) process.stderr.write(`${stopping}\n`);
    },
    onSecond: () => {
      const fix = wayOn(back);
      if (json) printJson({ stack: context.name, state: 'left', fix });
      else process.stderr.write(`Left as it is. ${fix}\n`);
    },
  });
  let result: ChangeResult;
  try {
    result = await changeStack({
      ...change,
      context,
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
    await progress.end(result.state === 'done' || result.state === 'put-back');
  } catch (error) {
    await progress.end(false);
    throw error;
  } finally {
    interrupt.done();
  }
  const elapsed = Date.now() - started;
  process.exitCode = exitCode(
    ({ done: 'done', refused: 'failed', 'put-back': 'putBack', broken: 'broken' } as const)[result.state],
  );
  if (json) printJson(resultJson(context.name, result, elapsed));
  else progress.say(resultText(result, elapsed));
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
  if (result.state === 'refused') return { ...shared, why: result.why };
  if (result.state === 'broken') return { ...shared, why: result.why, whyNotBack: result.whyNotBack };
  return { ...shared, ...(result.state === 'put-back' && { why: result.why }), release: publicRecord(result.release) };
}

/** A record as others may read it: without what only the store needs. */
export function publicRecord(record: ReleaseRecord): object {
  const { number, startedAt, finishedAt, by, kind, message, revertOf, services, database, files } = record;
  return { number, startedAt, finishedAt, by, kind, message, revertOf, services, database, files };
}

function resultText(result: ChangeResult, elapsed: number): string {
  const time = formatDuration(elapsed);
  switch (result.state) {
    case 'done':
      return `${releaseName(result.release.number)} runs (${time}).`;
    case 'refused':
      return `${result.why}\n\nNothing has changed.`;
    case 'put-back':
      return `This has failed; ${releaseName(result.release.number)}, which ran before, runs again (${time}).`;
    case 'broken':
      return `${result.why}\n\nThis has failed, and what ran before could not be put back: ${result.whyNotBack}.\nSee what runs: docker ps -a. Mend what is named above, then: rewind revert <release>.`;
  }
}
