import { type Command, Option } from 'commander';

import { RewindError } from '../src/errors';
import { type Level, levels } from '../src/verify/probe';

/** Options of commands that change a stack, for what comes after the change. */
export interface AfterOptions {
  readonly verify: Level | 'none';
  readonly autoRevert: boolean;
  /** Milliseconds. @default nobody watches */
  readonly watch?: number;
}

/** Adds `--verify`, `--no-auto-revert` and `--watch`. */
export function afterOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--verify <level>', 'how closely the stack is looked at afterwards; what fails is put back')
        .choices([...levels, 'none'])
        .default('functional'),
    )
    .option('--no-auto-revert', 'leave what fails its verification as it is')
    .addOption(
      new Option('--watch <time>', 'go on looking for reasons to roll back for so long, e.g. 30m').argParser(duration),
    );
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/**
 * `30m`, `90s`, `1h`, in milliseconds.
 *
 * @throws RewindError cli/usage
 */
export function duration(text: string): number {
  const [, number, unit = 'm'] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? [];
  const milliseconds = Number(number) * units[unit]!;
  if (number !== undefined && milliseconds > 0) return milliseconds;
  throw new RewindError({
    code: 'cli/usage',
    message: `"${text}" is no time.`,
    fix: 'Give a number and s, m or h: 90s, 30m, 1h.',
  });
}
