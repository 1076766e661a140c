#!/usr/bin/env node
import '../components/preload';

import { Command, CommanderError } from 'commander';
import { RewindError } from '../src/errors';
import { register as registerEnv } from './commands/env';
import { register as registerExample } from './commands/example';
import { register as registerSetup } from './commands/setup';

const program = new Command('rewind')
  .description('Makes every release of a Docker Compose stack revertible.')
  .showHelpAfterError()
  .exitOverride();

for (const register of [registerSetup, registerEnv, registerExample]) register(program);

program.parseAsync().catch((error: unknown) => {
  process.exitCode = 1;
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else if (error instanceof RewindError) process.stderr.write(`${error.render()}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
});
