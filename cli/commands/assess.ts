import type { Command } from 'commander';

import { assessStack } from '../../src/actions/assess-stack';
import { recordAssessment } from '../../src/actions/record-assessment';
import { operationName } from '../../src/operations/record';
import { duration } from '../after-options';
import { interruptible } from '../interruptible';
import { assessmentText } from '../output/assess-text';
import { printJson } from '../output/json';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';
import { watchStack } from '../watch';

interface AssessCliOptions extends StackOptions {
  readonly security?: string;
  readonly rotate: readonly string[];
  readonly watch?: number;
}

/** `rewind assess`: whether there is a reason to roll back, and what to do. */
export function register(program: Command): void {
  stackCommand(program, 'assess', 'look for reasons to roll back in the stack as it runs, and recommend what to do', [
    'rewind assess',
    'rewind assess --security "the API token was in a public log" --rotate api.API_TOKEN',
    'rewind assess --watch 15m   # looks again every 10 s, and says what changes',
  ])
    .option('--security <reason>', 'declare a security problem: a known-bad image, a leaked credential')
    .option(
      '--rotate <names>',
      'with --security: secrets that have leaked, as rewind revert --rotate takes them; may be given several times',
      (names: string, before: readonly string[]) => [...before, names],
      [],
    )
    .option('--watch <time>', 'look again and again for so long, e.g. 15m', duration)
    .action(async ({ security, rotate, watch, ...options }: AssessCliOptions) => {
      const session = await openSession(options);
      const { context } = session;
      if (watch !== undefined) {
        await watchStack(session, { forMs: watch, ...(options.json && { json: true }) });
        return;
      }
      const assessment = await interruptible(options.json, (signal) =>
        assessStack({
          context,
          signal,
          ...(security !== undefined && { security }),
          ...(rotate.length > 0 && { leaked: rotate }),
        }),
      );
      if (!assessment) return;
      // The incident begins here: what was seen is kept, before anybody changes it.
      const record = assessment.triggers.length > 0 ? await recordAssessment(context, assessment) : undefined;
      if (options.json) printJson({ ...assessment, ...(record && { operation: record.number }) });
      else {
        process.stdout.write(`${assessmentText(assessment)}\n`);
        if (record) process.stdout.write(`\nWhat was seen is kept: rewind report ${operationName(record.number)}\n`);
      }
    });
}
