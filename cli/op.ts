import { Command } from 'commander';

import { register } from './commands/op';
import { leave, outliveTheReader, reportFailure } from './failure';

/** `rewind op …` alone: what updates run while the application waits does not load what only people need. */
async function main(): Promise<void> {
  outliveTheReader();
  const program = new Command('rewind').exitOverride();
  register(program);
  try {
    await program.parseAsync(['op', ...process.argv.slice(2)], { from: 'user' });
  } catch (error) {
    reportFailure(error);
  }
  // A session with the database stays open for a moment, for which the application would wait.
  await leave();
}

void main();
