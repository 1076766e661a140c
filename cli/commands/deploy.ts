import type { Command } from 'commander';

import { RewindError } from '../../src/errors';
import { configOfDeploy, releaseOf } from '../../src/releases/next-config';
import { releaseName } from '../../src/releases/record';
import { StackConfig } from '../../src/releases/stack-config';
import { showChange } from '../change';
import { progressFor } from '../output/progress';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

/** `rewind deploy`: brings the compose file, with the tags that are given, to the stack. */
export function register(program: Command): void {
  stackCommand(program, 'deploy', 'deploy the compose file, with other image tags if they are given', [
    'rewind deploy                              # the compose file and configuration as they are now',
    'rewind deploy api=v0.2.0 worker=v0.2.0     # with these tags, which the stack configuration keeps',
    'rewind deploy api=v0.2.0 -m "new checkout"',
  ])
    .argument('[service=tag...]', 'image tag of a service: a tag, a whole reference or an image ID')
    .option('-m, --message <why>', 'why, for the history')
    .action(async (words: readonly string[], options: StackOptions & { message?: string }) => {
      const tags = Object.fromEntries(words.map(tagOf));
      const session = await openSession(options);
      session.context.engine.warmUp();
      const progress = await progressFor(options);
      const { config } = await StackConfig.read(session.context.configFile);
      const kept = releaseOf(config);
      if (kept !== undefined) {
        progress.say(
          `The stack runs the kept model of ${releaseName(kept)}; this goes back to the compose file (rewind plan ${releaseName(kept)} says how they differ).`,
        );
      }
      await showChange(session, progress, options.json ?? false, {
        what: words.length === 0 ? 'deploy' : `deploy ${words.join(' ')}`,
        reason: { kind: 'deploy', ...(options.message !== undefined && { message: options.message }) },
        next: (today) => Promise.resolve(configOfDeploy(today, tags)),
      });
    });
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
