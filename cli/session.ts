import { join } from 'node:path';

import { stacksIn } from '../src/actions/init-project';
import { openStack, projectName, type StackContext } from '../src/actions/stack-context';
import type { ProgramFor } from '../src/actions/engine-run';
import { RewindError } from '../src/errors';
import { selectedStack } from '../src/automation/selected-stack';
import { projectFolder } from '../src/project-folder';
import type { ProgramOptions } from '../components';
import { projectEnvironment } from '../toolchain/environment';
import { installDir } from '../toolchain/places';
import { projectFile } from '../toolchain/project';
import { hasStandardProgram, standardProgram } from './program';

/** Options that every command on a stack has. */
export interface StackOptions {
  readonly stack?: string;
  readonly json?: boolean;
}

/** A command's view of the project that it was called in. */
export interface Session {
  readonly context: StackContext;
  /** Environment with which pulumi runs, on top of this process's. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Makes the program of a run.
   *
   * @param hooks - what is to hear of its progress
   */
  readonly programFor: (hooks?: Pick<ProgramOptions, 'onPrepared' | 'onReady'>) => ProgramFor;
}

/**
 * Finds the project and its stack, and makes sure of what pulumi needs.
 *
 * @throws RewindError cli/usage, setup/…
 */
export async function openSession(options: StackOptions): Promise<Session> {
  const directory = projectFolder();
  const file = projectFile(directory);
  if (file === undefined) {
    throw new RewindError({
      code: 'cli/usage',
      message: `There is no Pulumi.yaml in ${directory} or above it.`,
      fix: 'Change to the folder of your project, or make one: rewind init.',
    });
  }
  const env = await projectEnvironment(directory);
  // The program may run in this process, and asks docker compose like pulumi's own processes do.
  Object.assign(process.env, env);
  const engineEnv = { ...env, ...rarerCollection(), NODE_OPTIONS: lighterNode() };
  const context = await openStack(directory, options.stack ?? (await chosenStack(directory, file)), engineEnv);
  const isStandard = hasStandardProgram(directory);
  return {
    context,
    env: engineEnv,
    programFor:
      (hooks = {}) =>
      ({ configFile, reason, signal, onRelease }) => {
        if (isStandard) {
          const options = {
            directory,
            configFile,
            reason,
            inProcess: true,
            ...(signal && { signal }),
            ...(onRelease && { onRelease }),
            ...hooks,
          };
          return standardProgram(options);
        }
        process.env['REWIND_RUN'] = JSON.stringify({ configFile, reason });
        return undefined;
      },
  };
}

/**
 * Options with which the processes that the engine starts load less of Pulumi's SDK: that of a dynamic resource, which
 * Pulumi.yaml has no say in, takes 0.3 s of the processor instead of 0.8 s.
 */
function lighterNode(): string {
  const preload = `--require ${JSON.stringify(join(installDir, 'dist', 'preload.js'))}`;
  return [process.env['NODE_OPTIONS'] ?? '', preload].join(' ').trim();
}

/**
 * Settings with which the engine and its providers, which live for seconds, collect garbage at five times of what is in
 * use instead of at twice: a tenth less time for a revert. From a gibibyte on they collect as ever. What the user
 * has set counts: https://pkg.go.dev/runtime#hdr-Environment_Variables
 */
function rarerCollection(): Readonly<Record<string, string>> {
  if (process.env['GOGC'] || process.env['GOMEMLIMIT']) return {};
  return { GOGC: '400', GOMEMLIMIT: '1GiB' };
}

async function chosenStack(directory: string, file: string): Promise<string> {
  const chosen = process.env['PULUMI_STACK'] || (await selectedStack(directory, file, projectName(file)));
  if (chosen) return chosen;
  // A project that is new to this machine: nothing has been selected, but there may be only one to select.
  const [only, ...others] = stacksIn(directory);
  if (only !== undefined && others.length === 0) return only;
  throw new RewindError({
    code: 'cli/usage',
    message: 'No stack is selected.',
    fix: 'Name one with --stack, or select one: pulumi stack select. A new one: pulumi stack init dev.',
  });
}
