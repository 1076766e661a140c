#!/usr/bin/env node
import '../components/preload';

import { CommanderError } from 'commander';

import { RewindError } from '../src/errors';
import { exitCode } from './exit-codes';
import { errorJson, printJson } from './output/json';
import { rewindCommand } from './rewind';

async function main(): Promise<void> {
  try {
    await rewindCommand().parseAsync();
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
