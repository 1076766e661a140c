#!/usr/bin/env node
import '../components/preload';

import { Command, CommanderError } from 'commander';
import { RewindError } from '../src/errors';
import { register as registerDeploy } from './commands/deploy';
import { register as registerEnv } from './commands/env';
import { register as registerExample } from './commands/example';
import { register as registerHistory } from './commands/history';
import { register as registerInit } from './commands/init';
import { register as registerPlan } from './commands/plan';
import { register as registerRestart } from './commands/restart';
import { register as registerRevert } from './commands/revert';
import { register as registerSetup } from './commands/setup';
import { addCompletion } from './completion';
import { exitCode } from './exit-codes';
import { errorJson, printJson } from './output/json';
import { version } from './version';

const commands = [
  registerInit,
  registerDeploy,
  registerHistory,
  registerPlan,
  registerRevert,
  registerRestart,
  registerSetup,
  registerEnv,
  registerExample,
];

const program = new Command('rewind')
  .description('Makes every release of a Docker Compose stack revertible.')
  .version(version())
  .showHelpAfterError()
  .exitOverride();

for (const register of commands) register(program);
addCompletion(program);

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    tell(error);
  }
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve));
  // What Pulumi leaves of a program whose engine was killed goes on trying to reach that engine, for ever.
  process.exit();
}

function tell(error: unknown): void {
  process.exitCode = exitCode(error instanceof RewindError && error.code === 'release/locked' ? 'locked' : 'failed');
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else if (process.argv.includes('--json')) printJson(errorJson(error));
  else if (error instanceof RewindError) process.stderr.write(`${error.render()}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

void main();
