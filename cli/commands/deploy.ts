import { type Command, Option } from 'commander';

import { keepRevision } from '../../src/actions/choose-data';
import type { StackContext } from '../../src/actions/stack-context';
import { RewindError } from '../../src/errors';
import { configOfDeploy, type DataChange, releaseOf } from '../../src/releases/next-config';
import { releaseName } from '../../src/releases/record';
import { StackConfig } from '../../src/releases/stack-config';
import { type AfterOptions, afterOptions } from '../after-options';
import { showChange } from '../change';
import { progressFor } from '../output/progress';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';
import { watchStack } from '../watch';

interface DeployOptions extends StackOptions, AfterOptions {
  readonly message?: string;
  readonly database?: 'head' | 'keep';
}

/** `rewind deploy`: brings the compose file, with the tags that are given, to the stack. */
export function register(program: Command): void {
  const command = stackCommand(program, 'deploy', 'deploy the compose file, with other image tags if they are given', [
    'rewind deploy                              # the compose file and configuration as they are now',
    'rewind deploy api=v0.2.0 worker=v0.2.0     # with these tags, which the stack configuration keeps',
    'rewind deploy api=v0.2.0 -m "new checkout"',
    'rewind deploy api=v0.2.0 --watch 30m       # goes back by itself if a reason for it shows up',
  ])
    .argument('[service=tag...]', 'image tag of a service: a tag, a whole reference or an image ID')
    .option('-m, --message <why>', 'why, for the history')
    .addOption(
      new Option(
        '--database <what>',
        'the schema: head, which is what the image has; or keep, which leaves it as it is, until it is set to head again',
      ).choices(['head', 'keep']),
    );
  afterOptions(command).action(async (words: readonly string[], options: DeployOptions) => {
    const tags = Object.fromEntries(words.map(tagOf));
    const session = await openSession(options);
    const progress = await progressFor(options);
    const { config } = await StackConfig.read(session.context.configFile);
    const kept = releaseOf(config);
    if (kept !== undefined) {
      progress.say(
        `The stack runs the kept model of ${releaseName(kept)}; this goes back to the compose file (rewind plan ${releaseName(kept)} says how they differ).`,
      );
    }
    const before = await session.context.releases.newest();
    const operated = await showChange(session, progress, options.json ?? false, {
      kind: 'deploy',
      what: words.length === 0 ? 'deploy' : `deploy ${words.join(' ')}`,
      reason: { kind: 'deploy', ...(options.message !== undefined && { message: options.message }) },
      next: async (today) => configOfDeploy(today, tags, await schemaChange(session.context, options.database)),
      ...(options.verify !== 'none' && { level: options.verify }),
      keepsUnverified: !options.autoRevert,
    });
    if (options.watch === undefined || operated.result.state !== 'done') return;
    const isNew = operated.result.release.number !== before?.number;
    await watchStack(session, {
      forMs: options.watch,
      ...(options.json && { json: true }),
      ...(options.autoRevert && isNew && before && { backTo: before.number }),
    });
  });
}

async function schemaChange(context: StackContext, what: DeployOptions['database']): Promise<DataChange> {
  if (what === 'keep') return keepRevision(context);
  return what === 'head' ? { revision: 'head' } : {};
}

function tagOf(word: string): [string, string] {
  const at = word.indexOf('=');
  if (at > 0 && at < word.length - 1) return [word.slice(0, at), word.slice(at + 1)];
  throw new RewindError({
    code: 'cli/usage',
    message: `"${word}" is not <service>=<tag>.`,
    fix: 'For example: rewind deploy api=v0.2.0',
  });
}
