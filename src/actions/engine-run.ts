import { setTimeout as sleep } from 'node:timers/promises';

import type { Outcome, RunProgramOptions, Step } from '../automation/program-run';
import { clearTheName } from '../docker/containers';
import { connect } from '../docker/engine';
import { RewindError } from '../errors';
import type { ReleaseRecord } from '../releases/record';
import type { DataExchange } from './data-run';
import type { ReleaseReason } from './keep-release';
import type { StackContext } from './stack-context';
import { pulumiLockIn } from './stack-lock';

/** For so long an engine is waited for that an interrupted operation has left. */
const patienceMs = 30_000;

/** Makes the program of a run; undefined: the project's own, in a process of its own. */
export type ProgramFor = (run: {
  readonly configFile: string;
  readonly reason: ReleaseReason;
  /** Hears of the release that runs, when it is written down: the engine still has to write its own state. @default nobody */
  readonly onRelease?: (record: ReleaseRecord) => void;
  /** Aborted when the run has ended: a program that is still at work is to stop. @default never */
  readonly signal?: AbortSignal;
}) => RunProgramOptions['program'];

/** What an engine needs to work on a stack. */
export interface EngineRunOptions {
  readonly context: StackContext;
  readonly data: DataExchange;
  readonly programFor: ProgramFor;
  readonly onStep?: (step: Step) => void;
}

/** One update. */
export interface UpdateOptions {
  readonly configFile: string;
  readonly reason: ReleaseReason;
  /** `deploy` or `revert to r3`, where the reason has no message. */
  readonly what: string;
  /** Begun as soon as the engine starts, and waited for before anything is declared: called for both, does it once; may not fail. @default nothing */
  readonly meanwhile?: () => Promise<unknown>;
  readonly onRelease?: (record: ReleaseRecord) => void;
  /** Asks to stop. @default never */
  readonly signal?: AbortSignal;
}

/** The engine at work for one operation: also where an earlier engine was killed, or is killed under it. */
export class EngineRun {
  readonly #options: EngineRunOptions;
  /** Whether an engine was killed, which may have left containers that the stack's state does not know. */
  #isUnsure = false;

  constructor(options: EngineRunOptions) {
    this.#options = options;
  }

  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /**
   * Brings the stack to a configuration.
   *
   * @throws RewindError release/locked, pulumi/failed
   */
  async update({ configFile, reason, what, meanwhile, onRelease, signal }: UpdateOptions): Promise<Outcome> {
    const { context, data, programFor, onStep } = this.#options;
    await data.clear();
    const run = async (): Promise<Outcome> => {
      const ended = new AbortController();
      const program = programFor({ configFile, reason, signal: ended.signal, ...(onRelease && { onRelease }) });
      const waiting =
        program &&
        Object.assign(async (): ReturnType<typeof program> => {
          await meanwhile?.();
          return program();
        }, program);
      if (!program) await meanwhile?.();
      try {
        return await context.engine.update({
          configFile,
          ...(waiting && { program: waiting }),
          // It takes a moment, in which nothing is declared yet.
          onStart: () => void meanwhile?.(),
          message: reason.message ?? what,
          ...(signal && { signal }),
          ...(onStep && { onStep }),
        });
      } finally {
        ended.abort();
        // The program does so itself, unless it was left in the middle of its work.
        await context.releases.giveBack();
        await context.releases.giveBackForData();
      }
    };
    const outcome = await run();
    if (outcome.ok || !(await this.#clearedLock(outcome.why))) return outcome;
    await this.recover();
    return run();
  }

  /** Whether an update with a configuration would change nothing. */
  async isWhatRuns(configFile: string): Promise<boolean> {
    const { context, programFor } = this.#options;
    const program = programFor({ configFile, reason: { kind: 'update' } });
    const outcome = await context.engine.preview({ configFile, ...(program && { program }) });
    return outcome.ok && !outcome.steps.some((step) => changesContainers(step) || changesData(step));
  }

  /** What an engine was about when it was killed may still be going on in a plugin: it is brought to its end. */
  async endUnfinished(steps: readonly Step[]): Promise<void> {
    const { docker } = await connect();
    const containers = steps.filter(({ type, op }) => type === containerType && /create|delete|replace/.test(op));
    for (const name of new Set(containers.map((step) => step.name))) {
      await clearTheName(docker, name, this.#options.context.name);
    }
    await this.recover();
  }

  /**
   * After an engine was killed: has Pulumi look at what there is, in place of what it did not see the end of.
   *
   * @throws RewindError release/locked, pulumi/failed
   */
  async recover(): Promise<void> {
    this.#isUnsure = true;
    // An engine that was left alone still finishes the steps that were under way.
    for (const end = Date.now() + patienceMs; ;) {
      const outcome = await this.#options.context.engine.refresh();
      if (outcome.ok) return;
      const lock = pulumiLockIn(outcome.why);
      if (!lock) {
        throw new RewindError({
          code: 'pulumi/failed',
          message: `An earlier operation was interrupted, and pulumi refresh, which is to find out what it left, fails:\n${outcome.why}`,
          fix: 'Docker and the state backend (PULUMI_BACKEND_URL) have to answer. Then run the same command again.',
        });
      }
      if (lock.mayLive && Date.now() < end) await sleep(500);
      else await this.#clearedLock(outcome.why);
    }
  }

  /**
   * Takes Pulumi's lock away if the process that made it is dead.
   *
   * @throws RewindError release/locked if it is not
   */
  async #clearedLock(why: string): Promise<boolean> {
    const lock = pulumiLockIn(why);
    if (!lock) return false;
    const { context } = this.#options;
    if (lock.mayLive) {
      throw new RewindError({
        code: 'release/locked',
        message: `The stack ${context.name} is being changed by a pulumi: ${lock.holder}.`,
        fix: 'Wait for it to end. If it runs on another machine and is dead: pulumi cancel.',
      });
    }
    await context.engine.cancel();
    return true;
  }
}

const containerType = 'docker:index/container:Container';

/** Whether a step changes a container, network or volume. */
export function changesContainers({ op, type }: Step): boolean {
  return isChange(op) && type.startsWith('docker:');
}

/** Whether a step is a command on the data. */
export function changesData({ op, type }: Step): boolean {
  return isChange(op) && type === 'command:local:Command';
}

function isChange(op: string): boolean {
  return !['same', 'read', 'refresh'].includes(op);
}
