import type { Command } from 'commander';

import { findDrift } from '../../src/actions/find-drift';
import { exitCode } from '../exit-codes';
import { driftText } from '../output/drift-text';
import { printJson } from '../output/json';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface DriftOptions extends StackOptions {
  readonly only: readonly string[];
  readonly registry?: boolean;
  readonly times?: boolean;
}

/** `rewind drift`: how the live system differs from the newest release. */
export function register(program: Command): void {
  const several = (text: string, before: readonly string[]): string[] => [...before, ...text.split(',')];
  stackCommand(
    program,
    'drift',
    'find every difference between the newest release and what is there; changes nothing',
    [
      'rewind drift',
      'rewind drift --only api,volumes     # of one service and of all volumes',
      'rewind drift --json                 # for a monitoring: exit code 2 if there is drift',
    ],
  )
    .option(
      '--only <what>',
      'only of these services, kinds (containers, images, files, networks, volumes, pulumi, config, compose) or findings; * stands for any text',
      several,
      [],
    )
    .option('--registry', 'also ask registries whether tags have moved there')
    .option('--times', 'say on standard error what took how long')
    .action(async (options: DriftOptions) => {
      const { context } = await openSession(options);
      const drift = await findDrift({
        context,
        only: options.only,
        registry: options.registry ?? false,
        ...(options.times && {
          onTime: (what: string, ms: number) => process.stderr.write(`${ms.toFixed(0).padStart(6)} ms  ${what}\n`),
        }),
      });
      if (options.json) printJson(drift);
      else process.stdout.write(`${driftText(drift)}\n`);
      if (!drift.ok) process.exitCode = exitCode('drift');
    });
}
