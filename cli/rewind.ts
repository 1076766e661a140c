import { Command } from 'commander';

import { register as registerAssess } from './commands/assess';
import { register as registerDeploy } from './commands/deploy';
import { register as registerDrill } from './commands/drill';
import { register as registerDrift } from './commands/drift';
import { register as registerEnv } from './commands/env';
import { register as registerExample } from './commands/example';
import { register as registerHistory } from './commands/history';
import { register as registerInit } from './commands/init';
import { register as registerOp } from './commands/op';
import { register as registerPlan } from './commands/plan';
import { register as registerReport } from './commands/report';
import { register as registerRestart } from './commands/restart';
import { registerAbort, registerResume } from './commands/resume';
import { register as registerRevert } from './commands/revert';
import { register as registerSetup } from './commands/setup';
import { register as registerSnapshot } from './commands/snapshot';
import { register as registerStatus } from './commands/status';
import { register as registerVerify } from './commands/verify';
import { register as registerWatch } from './commands/watch';
import { addCompletion } from './completion';
import { wantsJson } from './failure';
import { version } from './version';

const commands = [
  registerInit,
  registerDeploy,
  registerHistory,
  registerPlan,
  registerRevert,
  registerStatus,
  registerResume,
  registerAbort,
  registerRestart,
  registerAssess,
  registerSnapshot,
  registerVerify,
  registerReport,
  registerDrill,
  registerDrift,
  registerWatch,
  registerSetup,
  registerEnv,
  registerExample,
];

/** The command line with all its commands; docs/cli.md is generated from it. Throws CommanderError instead of exiting. */
export function rewindCommand(): Command {
  const program = new Command('rewind')
    .description('Makes every release of a Docker Compose stack revertible.')
    .version(version(), '-V, --version', 'print the version')
    .showHelpAfterError(!wantsJson())
    .exitOverride();
  if (wantsJson()) program.configureOutput({ writeErr: () => undefined });
  for (const register of commands) register(program);
  addCompletion(program);
  // After the completion, which would offer it.
  registerOp(program);
  return program;
}
