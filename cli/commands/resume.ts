import type { Command } from 'commander';

import { certainOutcome } from '../../src/actions/certain-outcome';
import { dataBack } from '../../src/actions/data-back';
import { DataExchange } from '../../src/actions/data-run';
import { Journal, type JournalEntry } from '../../src/actions/journal';
import type { StackContext } from '../../src/actions/stack-context';
import { RewindError } from '../../src/errors';
import { configOfRelease } from '../../src/releases/next-config';
import { releaseName } from '../../src/releases/record';
import { StackConfig } from '../../src/releases/stack-config';
import { showChange } from '../change';
import { progressFor } from '../output/progress';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

/** `rewind resume`: brings an interrupted operation to its end. */
export function registerResume(program: Command): void {
  stackCommand(program, 'resume', 'go on with a deploy or revert that was interrupted', ['rewind resume']).action(
    async (options: StackOptions) => {
      const session = await openSession(options);
      const { context } = session;
      const entry = await interrupted(context);
      const { nextFile } = new Journal(context.releases);
      const { config } = await StackConfig.read(nextFile).catch((error: unknown) => {
        throw new RewindError({
          code: 'operation/none',
          message: `What ${entry.what} was to bring about is not known any more: ${nextFile} cannot be read.`,
          fix: 'Take it back: rewind abort. Or give the command again.',
          cause: error,
        });
      });
      const { revertOf } = entry;
      await showChange(session, await progressFor(options), options.json ?? false, {
        kind: revertOf === undefined ? 'deploy' : 'revert',
        what: entry.what,
        reason: revertOf === undefined ? { kind: 'deploy' } : { kind: 'revert', revertOf },
        next: () => Promise.resolve(config),
        ...(revertOf !== undefined && { secretsOf: await context.releases.read(revertOf) }),
        level: 'functional',
      });
    },
  );
}

/** `rewind abort`: takes an interrupted operation back. */
export function registerAbort(program: Command): void {
  stackCommand(program, 'abort', 'take a deploy or revert back that was interrupted', ['rewind abort']).action(
    async (options: StackOptions) => {
      const session = await openSession(options);
      const { context } = session;
      const entry = await interrupted(context);
      if (entry.before === 0) {
        throw new RewindError({
          code: 'release/unknown',
          message: `Before ${entry.what} there was no release to go back to.`,
          fix: 'Bring it to its end: rewind resume. Or take everything down: pulumi destroy.',
        });
      }
      const target = await context.releases.read(entry.before);
      await showChange(session, await progressFor(options), options.json ?? false, {
        kind: 'revert',
        what: `abort of ${entry.what}: back to ${releaseName(entry.before)}`,
        reason: { kind: 'revert', revertOf: entry.before, message: `abort of ${entry.what}` },
        // By then whatever was left alone has ended, and what it has done to the data is known.
        next: async (today) =>
          configOfRelease(
            target,
            today,
            dataBack(await certainOutcome(context, await new DataExchange(context.releases).outcome())),
          ),
        secretsOf: target,
        level: 'immediate',
        keepsUnverified: true,
      });
    },
  );
}

async function interrupted(context: StackContext): Promise<JournalEntry> {
  const entry = await new Journal(context.releases).read();
  if (entry) return entry;
  throw new RewindError({
    code: 'operation/none',
    message: `No operation on ${context.name} was interrupted.`,
    fix: 'See where it stands: rewind status.',
  });
}
