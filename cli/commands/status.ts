import type { Command } from 'commander';

import { type StackStatus, stackStatus } from '../../src/actions/stack-status';
import { operationName } from '../../src/operations/record';
import { releaseName } from '../../src/releases/record';
import { printJson } from '../output/json';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

/** `rewind status`: where the stack stands, and how to go on. */
export function register(program: Command): void {
  stackCommand(
    program,
    'status',
    'say where the stack stands: what is under way, or was interrupted, and how to go on',
    ['rewind status'],
  ).action(async (options: StackOptions) => {
    const { context } = await openSession(options);
    const status = await stackStatus(context);
    if (options.json) printJson(status);
    else process.stdout.write(`${statusText(status)}\n`);
  });
}

function statusText({ stack, release, holder, operation, pause, latest }: StackStatus): string {
  const phase = operation?.phase === undefined ? '' : `, in the phase ${operation.phase}`;
  const before =
    operation === undefined || operation.before === 0
      ? ''
      : `\nor take it back, to ${releaseName(operation.before)}: rewind abort`;
  return [
    `${stack}: ${release === undefined ? 'no release yet' : `the newest release is ${releaseName(release)}`}.`,
    ...(holder === undefined ? [] : [`At work: ${holder}${phase}.`]),
    ...(operation && holder === undefined
      ? [
          `Interrupted: ${operation.what} by ${operation.by}, begun ${operation.startedAt}${phase}.`,
          `Go on with it: rewind resume${before}`,
        ]
      : []),
    ...(pause && holder === undefined
      ? [`Stopped for ${pause.what}: ${pause.services.join(', ')}. Start them: rewind restart`]
      : []),
    ...(latest
      ? [
          `The latest operation: ${latest.what}, ${latest.result} (${latest.finishedAt}, ${operationName(latest.number)}).`,
        ]
      : []),
    ...(operation || pause || holder !== undefined ? [] : ['Nothing is under way.']),
  ].join('\n');
}
