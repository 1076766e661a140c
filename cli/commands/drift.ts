import type { Command } from 'commander';

import { acceptDrift, planAccept } from '../../src/actions/accept-drift';
import { type Drift, findDrift } from '../../src/actions/find-drift';
import { fixChange, planFix } from '../../src/actions/fix-drift';
import { storeFolder } from '../../src/actions/prepare-stack';
import { settingsOf } from '../../src/actions/release-side';
import { RewindError } from '../../src/errors';
import { StackConfig } from '../../src/releases/stack-config';
import { showChange } from '../change';
import { confirmed } from '../confirm';
import { exitCode } from '../exit-codes';
import { acceptedText, acceptText } from '../output/accept-text';
import { driftText, fixText } from '../output/drift-text';
import { printJson } from '../output/json';
import { progressFor } from '../output/progress';
import { loadEngine } from '../program';
import { openSession, type Session, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface DriftOptions extends StackOptions {
  readonly only: readonly string[];
  readonly registry?: boolean;
  readonly times?: boolean;
  readonly fix?: true | readonly string[];
  readonly accept?: true | readonly string[];
  readonly yes?: boolean;
}

/** `rewind drift`: how the live system differs from the newest release. */
export function register(program: Command): void {
  stackCommand(
    program,
    'drift',
    'find every difference between the newest release and what is there; changes nothing, unless it is to put them right',
    [
      'rewind drift',
      'rewind drift --only api,volumes     # of one service and of all volumes',
      'rewind drift --fix --yes            # puts right what is broken or changed',
      'rewind drift --accept database      # the schema is to be as it is: writes a migration for it',
      'rewind drift --json                 # for a monitoring: exit code 2 if there is drift',
    ],
  )
    .option(
      '--only <what>',
      'only of these services, kinds (containers, images, files, networks, volumes, databases, pulumi, config, compose) or findings; * stands for any text',
      (text: string, before: readonly string[]) => [...before, ...separated(text)],
      [],
    )
    .option('--registry', 'also ask registries whether tags have moved there')
    .option(
      '--fix [what...]',
      'put it right through the engine: all that is broken or changed, or what is named; says what it will do, and asks',
    )
    .option(
      '--accept [what...]',
      'take what is there for what is to be: writes it into the stack configuration, as a change of the compose files that is printed, and as a migration; says where, and asks',
    )
    .option('-y, --yes', 'with --fix or --accept: do it without asking')
    .option('--times', 'say on standard error what took how long')
    .action(async (options: DriftOptions) => {
      const session = await openSession(options);
      const { context } = session;
      const drift = await findDrift({
        context,
        only: options.only,
        registry: options.registry ?? false,
        ...(options.times && {
          onTime: (what: string, ms: number) => process.stderr.write(`${ms.toFixed(0).padStart(6)} ms  ${what}\n`),
        }),
      });
      if (options.fix !== undefined && options.accept !== undefined) {
        throw new RewindError({
          code: 'cli/usage',
          message: '--fix and --accept are opposites.',
          fix: 'Name what is to be put right and what is to be taken over one after the other.',
        });
      }
      if (options.fix !== undefined) return fix(session, drift, options);
      if (options.accept !== undefined) return accept(session, drift, options);
      if (options.json) printJson(publicDrift(drift));
      else process.stdout.write(`${driftText(drift)}\n`);
      if (!drift.ok) process.exitCode = exitCode('drift');
    });
}

/** Names with commas between them; that of a function has some in its brackets. */
function separated(text: string): string[] {
  return text.split(/,(?![^(]*\))/).map((name) => name.trim());
}

/** What was found, as others may read it. */
function publicDrift({ files: _files, ...drift }: Drift): object {
  return drift;
}

async function accept({ context }: Session, drift: Drift, options: DriftOptions): Promise<void> {
  const { json = false } = options;
  const { accepts, left } = planAccept(drift, namesIn(options.accept));
  if (!json) process.stdout.write(`${acceptText(accepts, left)}\n`);
  if (accepts.length === 0) {
    if (json) printJson({ ...publicDrift(drift), accepted: [], left: left.map(({ finding: { id } }) => id) });
    process.exitCode = left.length > 0 ? exitCode('drift') : 0;
    return;
  }
  if (!options.yes && !(await confirmed('Take this over?', 'rewind drift', json))) {
    process.stdout.write('Nothing has changed.\n');
    return;
  }
  const done = await acceptDrift(context, accepts);
  if (!json) process.stdout.write(`${acceptedText(done)}\n`);
  else {
    const ids = accepts.map(({ finding: { id } }) => id);
    const not = [...left, ...done.left].map(({ finding: { id } }) => id);
    printJson({ ...done, stack: context.name, accepted: ids.filter((id) => !not.includes(id)), left: not });
  }
}

/** What an option names; nothing stands for all. */
function namesIn(option: true | readonly string[] | undefined): readonly string[] {
  return Array.isArray(option) ? (option as readonly string[]) : [];
}

async function fix(session: Session, drift: Drift, options: DriftOptions): Promise<void> {
  const { context } = session;
  const { json = false } = options;
  const { mends, left } = planFix(drift, namesIn(options.fix));
  if (!json) process.stdout.write(`${fixText(mends, left)}\n`);
  if (mends.length === 0) {
    if (json) printJson({ ...publicDrift(drift), fixed: [], left: left.map(({ id }) => id) });
    process.exitCode = left.length > 0 ? exitCode('drift') : 0;
    return;
  }
  if (!options.yes && !(await confirmed('Put this right?', 'rewind drift', json))) {
    process.stdout.write('Nothing has changed.\n');
    return;
  }
  await loadEngine();
  const { store } = settingsOf((await StackConfig.read(context.configFile)).config);
  const progress = await progressFor(options);
  const change = await fixChange(context, drift, mends, storeFolder(store, context.directory), (step) => {
    progress.say(step);
  });
  await showChange(session, progress, json, change);
}
