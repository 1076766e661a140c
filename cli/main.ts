#!/usr/bin/env node
import '../components/preload';

import { CommanderError } from 'commander';

import { RewindError } from '../src/errors';
import { exitCode } from './exit-codes';
import { errorJson, printJson } from './output/json';
import { rewindCommand } from './rewind';

rewindCommand()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = exitCode(error instanceof RewindError && error.code === 'release/locked' ? 'locked' : 'failed');
    if (error instanceof CommanderError) process.exitCode = error.exitCode;
    else if (process.argv.includes('--json')) printJson(errorJson(error));
    else if (error instanceof RewindError) process.stderr.write(`${error.render()}\n`);
    else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  });
