import { type Command, Option } from 'commander';

import { verifyStack } from '../../src/actions/verify-stack';
import { type Level, levels } from '../../src/verify/probe';
import { exitCode } from '../exit-codes';
import { interruptible } from '../interruptible';
import { printJson } from '../output/json';
import { probeLines, verdictText } from '../output/verify-text';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface VerifyCliOptions extends StackOptions {
  readonly level: Level;
}

/** `rewind verify`: whether the stack is as its release says, and does what it should. */
export function register(program: Command): void {
  stackCommand(program, 'verify', 'look whether the stack is as its release says, and does what it should', [
    'rewind verify                      # everything runs, is healthy, and stands where the release has left it',
    'rewind verify --level functional   # it also answers as it should: what rewind:verify declares',
    'rewind verify --level full --json  # also under load, with all of its rows',
  ])
    .addOption(
      new Option('-l, --level <level>', 'how closely; each has the probes of those before it')
        .choices(levels)
        .default('immediate'),
    )
    .action(async ({ level, ...options }: VerifyCliOptions) => {
      const { context } = await openSession(options);
      const { json = false } = options;
      const verification = await interruptible(json, (signal) =>
        verifyStack({
          context,
          level,
          signal,
          onResult: (result) => {
            if (!json) process.stdout.write(`${probeLines(result)}\n`);
          },
        }),
      );
      if (!verification) return;
      if (!verification.ok) process.exitCode = exitCode('failed');
      if (json) printJson(verification);
      else process.stdout.write(`\n${verdictText(verification)}\n`);
    });
}
