import fs from 'node:fs';
import path from 'node:path';
import { type EngineAddress, engineAddress } from '../src/docker/engine';
import { messageOf, RewindError } from '../src/errors';
import { removeDrafts } from './artifacts';
import { ensureDocker, isDockerReady } from './docker';
import { buildExampleImages } from './example-images';
import { LockTimeout, withLock } from '../src/lock.mjs';
import { type Cache, cachePlaces, toolchainSources } from './places';
import { readStamp, situationKey, type Tools } from './ready-stamp';
import { formatDuration, PlainOutput, type ProgressStream } from './step-output';
import { withoutRunLogs } from './run-logs';
import { runSteps, type Step } from './steps';
import { ToolSetup } from './tool-setup';

const lockTimeoutMs = 45 * 60_000;
const dockerStepName = 'Docker';

/** What a set-up is to make sure of. */
export interface SetupOptions {
  /** Whether Docker has to answer; it is started or installed if need be. @default true */
  readonly docker?: boolean;
  /** Whether the images of the example stack have to be there. @default false */
  readonly images?: boolean;
  /** Where progress goes. A terminal is drawn on only if it is stderr. @default stderr */
  readonly stream?: ProgressStream;
  /** Whether to say so, in one line, when everything is there already. @default false */
  readonly announce?: boolean;
}

/** Everything that Rewind needs besides Node.js, ready to use. */
export interface Toolchain extends Tools {
  /** Rewind's own PULUMI_HOME. */
  readonly pulumiHome: string;
  /** The engine that the docker command would use. */
  readonly docker: EngineAddress;
}

/**
 * Makes sure of Docker, the Pulumi engine, its plugins, docker compose and, if wanted, the example's images. What is
 * there is used, what is missing is got; where all is there this takes well under a second.
 *
 * @throws RewindError setup/… or docker/unreachable, with what to do
 */
export async function ensureToolchain(options: SetupOptions = {}): Promise<Toolchain> {
  const { docker = true, images = false, stream = process.stderr, announce = false } = options;
  const started = Date.now();
  const cache = cachePlaces();
  const find = () => readStamp(cache, situationKey(process.env, cache, toolchainSources));

  let tools = find();
  const needsDocker = docker && !(await isDockerReady());
  if (!tools || needsDocker || images) {
    tools = await locked(cache, stream, async () => {
      removeDrafts(cache.artifacts);
      removeDrafts(cache.toolchains);
      // Another process may have done it while this one waited.
      const found = find();
      if (!found) withoutRunLogs(cache.pulumiHome);
      const setup = found ? undefined : new ToolSetup(cache, toolchainSources, docker ? [dockerStepName] : []);
      // Docker comes first in the list even where it is ready: the report is to say which engine is used.
      const steps = [
        ...(needsDocker || (docker && setup) ? [dockerStep(cache)] : []),
        ...(setup?.steps ?? []),
        ...(images ? [imagesStep] : []),
      ];
      await show(steps, stream);
      return found ?? setup!.finish();
    });
  } else if (announce) {
    stream.write(`Everything is there (${formatDuration(Date.now() - started)}): ${tools.summary.join('; ')}\n`);
  }
  return { ...tools, pulumiHome: cache.pulumiHome, docker: engineAddress() };
}

function dockerStep(cache: Cache): Step {
  return {
    name: dockerStepName,
    run: async (report, signal) => {
      const { version, how } = await ensureDocker(cache.logs, report, signal);
      return `engine ${version}${how ? `, ${how}` : ''}`;
    },
  };
}

const imagesStep: Step = { name: 'Example images', after: [dockerStepName], run: buildExampleImages };

async function show(steps: readonly Step[], stream: ProgressStream): Promise<void> {
  if (stream !== process.stderr || !process.stderr.isTTY) return runSteps(steps, new PlainOutput(stream));
  // Loaded only for a terminal: it takes a while to load.
  const { runStepsOnTerminal } = await import('./step-display');
  return runStepsOnTerminal(steps, process.stderr);
}

function assertWritable(cache: Cache): void {
  try {
    fs.mkdirSync(cache.root, { recursive: true });
    fs.accessSync(cache.root, fs.constants.W_OK);
  } catch (error) {
    throw new RewindError({
      code: 'setup/failed',
      message: `Rewind’s cache cannot be written: ${messageOf(error)}`,
      fix: 'Give yourself the right to, or name another folder in REWIND_CACHE.',
      cause: error,
    });
  }
}

async function locked<T>(cache: Cache, stream: ProgressStream, work: () => Promise<T>): Promise<T> {
  assertWritable(cache);
  try {
    return await withLock(cache.lockFile, work, {
      timeoutMs: lockTimeoutMs,
      onWait: (holder) => stream.write(`Waiting for another set-up (${holder}) to finish.\n`),
    });
  } catch (error) {
    if (!(error instanceof LockTimeout)) throw error;
    throw new RewindError({
      code: 'setup/locked',
      message: `Another set-up holds ${path.resolve(cache.lockFile)}: ${error.message}.`,
      fix: 'Wait for it, or end that process; a lock left by a process that died is taken over by itself.',
      cause: error,
    });
  }
}
