import { createInterface } from 'node:readline/promises';

import { RewindError } from '../src/errors';

/**
 * Makes sure that there is somebody to ask.
 *
 * @param seeFirst - the command that says what would be done, e.g. `rewind plan`
 * @throws RewindError cli/usage
 */
export function mustBeAsked(seeFirst: string, json = false): void {
  if (process.stdin.isTTY && !json) return;
  throw new RewindError({
    code: 'cli/usage',
    message: 'There is nobody to ask whether this is meant.',
    fix: `See what it does with ${seeFirst}, then add --yes.`,
  });
}

/**
 * Asks whether something is meant.
 *
 * @param question - a sentence that ends with a question mark
 * @param seeFirst - the command that says what it does, e.g. `rewind plan`
 * @param signal - takes the question back. @default never
 * @throws RewindError cli/usage where there is nobody to ask
 */
export async function confirmed(
  question: string,
  seeFirst: string,
  json = false,
  signal?: AbortSignal,
): Promise<boolean> {
  mustBeAsked(seeFirst, json);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // The terminal takes Ctrl-C for itself while it asks: whoever waits for the signal has to hear of it.
  if (signal) terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    const answer = await terminal.question(`${question} [y/N] `, signal ? { signal } : {});
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
