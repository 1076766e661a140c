import { type Command, Option } from 'commander';

import { whoAmI } from '../../src/actions/keep-release';
import { notifierOf } from '../../src/actions/notifier-of';
import { type DrillResult, runDrill } from '../../src/actions/run-drill';
import { type Frequency, frequencies, type Scheduler, schedulers, scheduleText } from '../../src/drill/schedule';
import { operationName, type OperationRecord } from '../../src/operations/record';
import type { Level } from '../../src/verify/probe';
import { levels } from '../../src/verify/probe';
import { exitCode } from '../exit-codes';
import { interruptible } from '../interruptible';
import { printJson } from '../output/json';
import { loadEngine, standardProgram } from '../program';
import { chooseRelease, currentRelease, readReleases } from '../releases';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface DrillCliOptions extends StackOptions {
  readonly revertTo?: string;
  readonly without: readonly string[];
  readonly level: Level;
  readonly print?: Scheduler;
  readonly every: Frequency;
}

/** `rewind drill`: practises a rollback on a copy of the stack. */
export function register(program: Command): void {
  stackCommand(program, 'drill', 'practise a rollback on an isolated copy of the stack, with its data', [
    'rewind drill                       # to the last good release before the current one',
    'rewind drill --revert-to r3 --without worker',
    'rewind drill --print systemd --every monthly   # what runs it regularly',
  ])
    .option('--revert-to <release>', 'the release to go back to; without it the last good one before the current')
    .option('--without <service>', 'leave a service out; may be given several times', collected, [])
    .addOption(
      new Option('-l, --level <level>', 'how closely each release is looked at').choices(levels).default('functional'),
    )
    .addOption(new Option('--print <scheduler>', 'print what runs it regularly, and do nothing').choices(schedulers))
    .addOption(new Option('--every <time>', 'with --print: how often').choices(frequencies).default('quarterly'))
    .action(async (options: DrillCliOptions) => {
      const session = await openSession(options);
      const { context, env } = session;
      if (options.print) {
        const { directory, stack } = context;
        process.stdout.write(scheduleText(options.print, { directory, stack, every: options.every }));
        return;
      }
      const { json = false, level, without } = options;
      const [known] = await Promise.all([readReleases(context), loadEngine()]);
      const [from, to] = [currentRelease(context, known), await chooseRelease(context, known, options.revertTo)];
      const notifier = notifierOf(context);
      const event = { stack: context.name, kind: 'drill', what: 'drill', by: whoAmI() };
      notifier.tell({ ...event, event: 'start', at: new Date().toISOString() });
      const result = await interruptible(json, (signal) =>
        runDrill({
          context,
          from,
          to,
          without,
          level,
          env,
          signal,
          programFor:
            (directory) =>
            ({ configFile, reason, onRelease, signal: ended }) =>
              standardProgram({
                directory,
                configFile,
                reason,
                inProcess: true,
                ...(onRelease && { onRelease }),
                ...(ended && { signal: ended }),
              }),
          onPhase: (text) => {
            if (!json) process.stdout.write(`${text}\n`);
          },
        }),
      );
      if (!result) return;
      const { ok, record } = result;
      notifier.tell({
        ...event,
        event: ok ? 'success' : 'failure',
        at: record.finishedAt,
        result: record.result,
        seconds: secondsOf(record),
        ...(record.failure !== undefined && { failure: record.failure }),
      });
      if (!ok) process.exitCode = exitCode('failed');
      if (json) printJson({ ok, operation: record.number, phases: record.phases, failure: record.failure });
      else process.stdout.write(`${drillText(result)}\n`);
      for (const line of await notifier.end()) process.stderr.write(`${line}\n`);
    });
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** What the phases of a drill are about. */
const words: Readonly<Record<string, string>> = {
  prepare: 'copied',
  protect: 'brought up and verified',
  switch: 'gone back and verified',
  record: 'taken down',
};

function drillText({ ok, record, notes, last }: DrillResult): string {
  const before = new Map(last?.phases.map(({ name, seconds }) => [name, seconds]));
  return [
    ...record.phases.map(({ name, seconds, ok: well }) => {
      const then = before.get(name);
      const change = then === undefined ? '' : `  (${then.toFixed(1)} s the last time)`;
      return `${well ? '✔' : '✘'} ${(words[name] ?? name).padEnd(24)} ${seconds.toFixed(1).padStart(6)} s${change}`;
    }),
    ...notes.map((note) => `Note: ${note}.`),
    ...(record.failure === undefined ? [] : ['', record.failure]),
    '',
    `${ok ? 'The rollback works' : 'The rollback does NOT work'} (${secondsOf(record).toFixed(1)} s): rewind report ${operationName(record.number)}`,
  ].join('\n');
}

function secondsOf({ startedAt, finishedAt }: OperationRecord): number {
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}
