import { RunningRewind } from '../test/support/running-rewind';
import { endOrphans } from '../test/support/processes';
import type { Ending, Family, Fault } from './fault';
import type { Rig } from './rig';
import { endingOf, flaws, lies, look } from './truth';

/** A fault, and what came of it. */
export interface Row {
  readonly family: string;
  readonly what: string;
  readonly phase: string;
  readonly way: string;
  /** How the command ended. */
  readonly happened: string;
  /** What brought it to an end. */
  readonly wayOn: string;
  readonly seconds: number;
  /** What was not as it has to be. */
  readonly flaws: readonly string[];
  /** All that was said, if something was not. */
  readonly said: string;
}

/** Meets a command with one fault, and holds what it leaves against what it says. */
export async function meet(rig: Rig, family: Family, fault: Fault): Promise<Row> {
  await rig.reset(fault.way);
  await fault.before?.(rig);
  const before = await look(rig);
  const moment = fault.at?.(rig);
  const started = performance.now();
  const command = rig.command(fault.way);
  const rewind = RunningRewind.startIn(rig.stack, command, {
    ...(fault.inTerminal && { inTerminal: true }),
    ...(fault.env && { env: fault.env(rig) }),
  });
  const found: string[] = [];
  try {
    await moment?.(rewind);
    await fault.fault?.(rig)(rewind);
  } catch (error) {
    found.push(`the fault was not met: ${String(error)}`);
  }
  const how = await rewind.end();
  const seconds = (performance.now() - started) / 1000;
  await fault.heal?.(rig);
  const ending = endingOf(how);
  const end = await judged(rig, fault, { rewind, how, ending, before }).catch((error: unknown) => {
    // What cannot be looked at is not as it has to be.
    return { happened: wordsOf(how, ending), wayOn: '', flaws: [`it could not be looked at: ${String(error)}`] };
  });
  found.push(...end.flaws);
  endOrphans();
  return {
    family: family.name,
    what: fault.what,
    phase: fault.phase,
    way: wayNames[fault.way],
    happened: end.happened,
    wayOn: end.wayOn,
    seconds,
    flaws: found,
    said: rewind.output,
  };
}

const wayNames = {
  images: '`--only images`',
  downgrade: '`--database=downgrade`',
  restore: '`--database=restore`',
} as const;

interface Met {
  readonly rewind: RunningRewind;
  readonly how: number | NodeJS.Signals;
  readonly ending: Ending | undefined;
  readonly before: Awaited<ReturnType<typeof look>>;
}

async function judged(
  rig: Rig,
  fault: Fault,
  { rewind, how, ending, before }: Met,
): Promise<Pick<Row, 'happened' | 'wayOn' | 'flaws'>> {
  const found: string[] = [];
  if (ending === undefined || !fault.ends.includes(ending))
    found.push(`it ended with ${how}, not ${fault.ends.join(' or ')}`);
  if (fault.says && !fault.says.test(rewind.output)) found.push(`it did not say ${String(fault.says)}`);
  if (ending) found.push(...(await lies(rig, before, ending, rewind.output)));
  if (ending === 'done')
    return { happened: 'exit code 0: r1 runs', wayOn: '', flaws: [...found, ...(await flaws(rig, true))] };
  const isAtRest = ending === 'refused' || ending === 'put back';
  if (isAtRest) found.push(...(await flaws(rig, false)));
  const words = wordsOf(how, ending);
  const { wayOn = 'the same command' } = fault;
  const status = await rig.stack.rewind('status');
  const isInterrupted = /^Interrupted: /m.test(status);
  if (isAtRest && isInterrupted) found.push('it says that something was interrupted');
  if (ending === 'killed' && !isInterrupted && wayOn !== 'the same command')
    found.push('it does not say that it was interrupted');
  // Killed, but it had not begun, or has put back what it had: that has to be so, but for its lock, which is a dead one's.
  if (ending === 'killed' && !isInterrupted) {
    found.push(...(await flaws(rig, false)).filter((it) => !it.startsWith('lock is left')));
  }
  found.push(...(await goneOn(rig, fault)));
  found.push(...(await flaws(rig, wayOn !== 'rewind abort')));
  return {
    happened: ending === 'killed' && isInterrupted ? `${words}; rewind status: ${phaseIn(status)}` : words,
    wayOn,
    flaws: found,
  };
}

/** Types what brings it to its end; a command of which an engine goes on meanwhile is given again. */
async function goneOn(rig: Rig, { way, wayOn = 'the same command' }: Fault): Promise<string[]> {
  const commands: Record<typeof wayOn, string[][]> = {
    'rewind resume': [['resume']],
    'rewind abort': [['abort']],
    'the same command': [rig.command(way)],
    'rewind restart, the same command': [['restart'], rig.command(way)],
  };
  for (const command of commands[wayOn]) {
    for (const end = Date.now() + 90_000; ;) {
      const { exitCode, stdout, stderr } = await rig.stack.tryRewind(command);
      if (exitCode === 0) break;
      if (exitCode === 5 && Date.now() < end) continue;
      return [`rewind ${command.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`];
    }
  }
  return [];
}

function wordsOf(how: number | NodeJS.Signals, ending: Ending | undefined): string {
  switch (ending) {
    case 'refused':
      return 'exit code 1: nothing has changed, r2 runs';
    case 'put back':
      return 'exit code 3: r2 runs again';
    case 'broken':
      return 'exit code 4: says what runs, and what to type';
    case 'locked':
      return 'exit code 5: another one is at work';
    default:
      return typeof how === 'number' ? `exit code ${how}` : 'killed';
  }
}

function phaseIn(status: string): string {
  const phase = /, in the phase (.+)\.$/m.exec(status)?.[1];
  return phase === undefined ? 'interrupted' : `interrupted in ${phase}`;
}
