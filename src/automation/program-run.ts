import * as automation from '@pulumi/pulumi/automation';
import { isGrpcError } from '@pulumi/pulumi/errors';
import { execa } from 'execa';
import { SemVer } from 'semver';

import { writtenResources } from './checkpoint';
import { commandType, isServed, serveCommands, type ServedCommands } from './command-provider';
import { serveDynamic, type ServedResource } from './dynamic-provider';
import { fixOf, plain, withoutPrefix } from './said';
import type { ServedProvider } from './served-provider';
import { nameIn } from './urn';

/** Where and how the engine runs. */
export interface EngineOptions {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** Name of the project, as Pulumi.yaml has it. */
  readonly project: string;
  readonly stack: string;
  /** Environment on top of this process's: PATH, PULUMI_HOME, backend, passphrase file. */
  readonly env: Readonly<Record<string, string>>;
}

/** A program that runs in this process. */
export interface InlineProgram {
  (): Promise<Record<string, unknown> | undefined>;
  /** Loads what it takes to run, while the engine is starting. @default it is loaded */
  readonly load?: () => Promise<unknown>;
  /** The one kind of dynamic resource that it declares. @default it declares none, or any */
  readonly dynamic?: ServedResource & { readonly type: string };
  /** The commands that it declares. @default it declares none, or any */
  readonly commands?: ServedCommands;
}

/** One run of a program. */
export interface RunProgramOptions {
  /** @default the project's own program, in a process of its own */
  readonly program?: InlineProgram;
  /** The stack configuration file. @default that of the project */
  readonly configFile?: string;
  readonly message?: string;
  /** Hears that the engine has been started: it takes a moment until it runs the program. @default nobody */
  readonly onStart?: () => void;
  /** Asks the engine to stop after the steps that are under way. @default never */
  readonly signal?: AbortSignal;
  readonly onStep?: (step: Step) => void;
}

/** What the engine does, or would do, to one resource. */
export interface Step {
  readonly phase: 'begin' | 'done' | 'failed';
  /** `create`, `update`, `replace`, `delete`, …: https://www.pulumi.com/docs/iac/automation-api/ */
  readonly op: string;
  /** Resource type, e.g. `docker:index/container:Container`. */
  readonly type: string;
  readonly name: string;
  /** Name of the component that it belongs to. @default none */
  readonly parent?: string;
  /** Names of the properties that differ. */
  readonly diffs: readonly string[];
}

/** How a run ended. */
export type Outcome =
  | { readonly ok: true; readonly steps: readonly Step[] }
  | {
      readonly ok: false;
      readonly steps: readonly Step[];
      readonly why: string;
      /** If the engine was killed: the steps that it was about then. @default it has ended by itself */
      readonly unfinished?: readonly Step[];
    };

/** Runs a program through Pulumi's Automation API. `preview` changes nothing. */
export async function runProgram(
  engine: EngineOptions,
  what: 'preview' | 'up',
  { program, configFile, message, onStart, signal, onStep }: RunProgramOptions,
): Promise<Outcome> {
  const steps: Step[] = [];
  const unfinished = new Map<string, Step>();
  const errors: string[] = [];
  const onEvent = (event: automation.EngineEvent): void => {
    const step = stepOf(event);
    if (step) {
      if (step.phase === 'begin') steps.push(step);
      const key = `${step.op} ${step.type} ${step.name}`;
      if (step.phase === 'begin') unfinished.set(key, step);
      else unfinished.delete(key);
      onStep?.(step);
    }
    const { severity, message: said, prefix = '' } = event.diagnosticEvent ?? {};
    if (severity === 'error' && said !== undefined) errors.push(ofCommand(plain(`${prefix}${said}`).trim()));
  };
  const options: RunOptions = {
    onEvent,
    ...(program && { program: program as automation.PulumiFn }),
    ...(configFile !== undefined && { configFile }),
    ...(message !== undefined && { message }),
    ...(signal && { signal }),
  };
  outliveTheEngine();
  const served = program ? await servedHere(engine, program) : [];
  const variables = served.length > 0 && { [attachVariable]: attachedTo(served) };
  try {
    const stack = await openStack({ ...engine, env: { ...engine.env, ...variables } }, () => {
      // What cannot be loaded is told when the program is run.
      program?.load?.().catch(() => undefined);
      onStart?.();
    });
    await (what === 'up' ? stack.up(options) : stack.preview(options));
    return { ok: true, steps };
  } catch (error) {
    if (!(error instanceof automation.CommandError)) throw error;
    if (!(error instanceof EngineKilled)) return { ok: false, steps, why: whatWasSaid(errors, error) };
    return { ok: false, steps, why: error.message, unfinished: [...unfinished.values()] };
  } finally {
    for (const { provider } of served) provider.close();
  }
}

/** Where the engine finds providers that run already: https://www.pulumi.com/docs/iac/operations/troubleshooting/debugging/ */
const attachVariable = 'PULUMI_DEBUG_PROVIDERS';

/** A provider that runs here, by the name that the engine knows it by. */
interface Served {
  readonly name: string;
  readonly provider: ServedProvider;
}

/**
 * What of a program's resources is done in this process. Of each kind nothing, unless the state is known to have such
 * resources, and none of that kind that another program has left. What makes the first one is served by Pulumi itself.
 */
async function servedHere(
  { project, stack, env }: EngineOptions,
  { dynamic, commands }: InlineProgram,
): Promise<Served[]> {
  const resources = (await writtenResources({ project, stack, env: { ...process.env, ...env } })) ?? [];
  const haveOnly = (prefix: string, isOurs: (resource: (typeof resources)[number]) => boolean): boolean => {
    const found = resources.filter(({ type }) => type.startsWith(prefix));
    return found.length > 0 && found.every(isOurs);
  };
  const serving: Promise<Served>[] = [];
  if (dynamic && haveOnly('pulumi-nodejs:dynamic', ({ type }) => type === dynamic.type))
    serving.push(serveDynamic(dynamic).then((provider) => ({ name: 'pulumi-nodejs', provider })));
  if (
    commands &&
    haveOnly('command:', ({ type, inputs = {} }) => type === commandType && isServed(inputs, commands.knows))
  )
    serving.push(serveCommands(commands).then((provider) => ({ name: 'command', provider })));
  return Promise.all(serving);
}

function attachedTo(served: readonly Served[]): string {
  const others = process.env[attachVariable];
  return [...(others ? [others] : []), ...served.map(({ name, provider }) => `${name}:${provider.port}`)].join(',');
}

let outlives = false;

/**
 * An engine that is killed leaves calls to it without an answer, not all of which the SDK waits for: such a call must not
 * end this process, which is to put back what ran.
 */
function outliveTheEngine(): void {
  if (outlives) return;
  outlives = true;
  process.on('unhandledRejection', (error) => {
    // A command that ended with exit code 1 has the same `code`, but no details.
    if (error instanceof Error && 'details' in error && isGrpcError(error)) return;
    // As long as the program runs, the SDK hears of it, too, and tells the engine.
    if (process.listenerCount('unhandledRejection') === 1) throw error;
  });
}

/** The stack without what the Automation API would ask on the way: each question is a process of its own. */
async function openStack(
  { directory, stack: name, env }: EngineOptions,
  onStart: () => void,
): Promise<automation.Stack> {
  const workspace = await automation.LocalWorkspace.create({
    workDir: directory,
    envVars: { ...env, PULUMI_SKIP_UPDATE_CHECK: 'true' },
    pulumiCommand: detachedPulumi(onStart),
  });
  // Every command names the stack; selecting it would change what the user has selected.
  workspace.selectStack = () => Promise.resolve();
  const stack = await automation.Stack.select(name, workspace);
  stack.outputs = () => Promise.resolve({});
  stack.info = () => Promise.resolve(undefined);
  return stack;
}

type RunOptions = Pick<automation.UpOptions, 'program' | 'configFile' | 'message' | 'signal' | 'onEvent'>;

interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/**
 * The `pulumi` on PATH, out of reach of a terminal's Ctrl-C: the engine is asked to stop once, by this process, and
 * finishes the steps that are under way. A second interrupt would make it drop them. Which version it is has been seen
 * to by the set-up; the Automation API's own command asks it each time.
 */
function detachedPulumi(onStart: () => void): automation.PulumiCommand {
  return Object.assign(Object.create(automation.PulumiCommand.prototype) as automation.PulumiCommand, {
    command: 'pulumi',
    /** At least this: newer ones tell their events as they happen. */
    version: new SemVer('3.206.0'),

    run: async (
      args: string[],
      cwd: string,
      env: Record<string, string>,
      _onOutput?: unknown,
      _onError?: unknown,
      signal?: AbortSignal,
    ): Promise<CommandResult> => {
      const child = execa('pulumi', [...args, '--non-interactive', '--color', 'never'], {
        cwd,
        env: { ...env, PULUMI_AUTOMATION_API: 'true' },
        stdin: 'ignore',
        detached: true,
        reject: false,
      });
      onStart();
      const stop = (): void => void child.kill('SIGINT');
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted) stop();
      const { exitCode = -2, stdout, stderr, signal: killedBy } = await child;
      signal?.removeEventListener('abort', stop);
      // Before it listens to it, the signal that asks it to stop ends it: it has not begun then.
      if (killedBy !== undefined && killedBy !== 'SIGINT') throw new EngineKilled();
      const result = { stdout, stderr, code: exitCode, toString: () => stderr || stdout };
      if (exitCode === 0) return result;
      throw Object.assign(new automation.CommandError(result as never), { stdout, stderr });
    },
  });
}

/** The engine was killed, and has told nobody of it. */
class EngineKilled extends automation.CommandError {
  constructor() {
    super('Pulumi was killed in the middle of its work.');
  }
}

function stepOf(event: automation.EngineEvent): Step | undefined {
  const of = (phase: Step['phase'], metadata: automation.StepEventMetadata): Step => {
    const parent = (metadata.new ?? metadata.old)?.parent;
    return {
      phase,
      op: metadata.op,
      type: metadata.type,
      name: nameIn(metadata.urn),
      ...(parent && { parent: nameIn(parent) }),
      diffs: metadata.diffs ?? [],
    };
  };
  if (event.resourcePreEvent) return of('begin', event.resourcePreEvent.metadata);
  if (event.resOutputsEvent) return of('done', event.resOutputsEvent.metadata);
  if (event.resOpFailedEvent) return of('failed', event.resOpFailedEvent.metadata);
  return undefined;
}

/** What a command of ours said when it failed, without what its plugin says around it. */
function ofCommand(said: string): string {
  return /(?:\n {2}output:|: running "[^]*?":)\n([^]*\[[a-z]+\/[a-z-]+\])\s*$/.exec(said)?.[1] ?? said;
}

/** What went wrong, in the engine's words, and how to mend it. */
function whatWasSaid(errors: readonly string[], error: automation.CommandError): string {
  const said = [...new Set(errors)].filter((text) => !/^(error: )?(update|preview) failed$/.test(text));
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  const text = withoutPrefix(said.join('\n\n') || plain(stderr.trim() || stdout.trim() || error.message));
  // Errors of our own program come with what mends them.
  return /\[[a-z]+\/[a-z-]+\]$/.test(text) ? text : `${text}\n  → ${fixOf(text)} [pulumi/failed]`;
}
