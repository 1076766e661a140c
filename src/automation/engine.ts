import { execa } from 'execa';

import { RewindError } from '../errors';
import { localHistory } from './local-history';
import type { EngineOptions, Outcome, RunProgramOptions, Step } from './program-run';
import { fixOf, withoutPrefix } from './said';
import { makeKey } from './stack-key';

/** An update as `pulumi stack history` lists it. */
export interface HistoryEntry {
  readonly kind: string;
  readonly result: string;
  readonly message: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** How many resources were created, updated, replaced, … */
  readonly changes: Readonly<Record<string, number>>;
}

/** The Pulumi engine at work on one stack. */
export class StackEngine {
  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** What an update would do. Changes nothing. */
  async preview(options: RunProgramOptions): Promise<Outcome> {
    const { runProgram } = await import('./program-run');
    return runProgram(this.#options, 'preview', options);
  }

  /** Brings the stack to what the program declares. */
  async update(options: RunProgramOptions): Promise<Outcome> {
    const { runProgram } = await import('./program-run');
    return runProgram(this.#options, 'up', options);
  }

  /**
   * The updates of the stack, newest first.
   *
   * @param newest - only so many. @default all
   * @throws RewindError pulumi/failed
   */
  async history(newest?: number): Promise<HistoryEntry[]> {
    const { env, project, stack } = this.#options;
    const backend = env['PULUMI_BACKEND_URL'] ?? process.env['PULUMI_BACKEND_URL'] ?? '';
    const kept = await localHistory(backend, project, stack, newest ?? 0);
    if (kept) {
      return kept.map(({ startTime, endTime, resourceChanges, ...rest }) => ({
        ...rest,
        startedAt: new Date(startTime * 1000),
        finishedAt: new Date(endTime * 1000),
        changes: resourceChanges ?? {},
      }));
    }
    // Without a size it lists the newest ten; 0 stands for all.
    const size = ['--page-size', String(newest ?? 0)];
    const text = await this.#pulumi(['stack', 'history', '--json', '--full-dates', ...size]);
    const entries = JSON.parse(text) as {
      kind: string;
      result: string;
      message: string;
      startTime: string;
      endTime?: string;
      resourceChanges?: Record<string, number>;
    }[];
    return entries.map(({ kind, result, message, startTime, endTime, resourceChanges }) => ({
      kind,
      result,
      message,
      startedAt: new Date(startTime),
      finishedAt: new Date(endTime ?? startTime),
      changes: resourceChanges ?? {},
    }));
  }

  /**
   * Looks at what there is, and writes it down in place of what the stack's state says. Forgets creations that an
   * engine which was killed did not see the end of.
   */
  async refresh(): Promise<Outcome> {
    const steps: readonly Step[] = [];
    try {
      await this.#pulumi(['refresh', '--yes', '--skip-preview', '--clear-pending-creates', '--suppress-outputs']);
      return { ok: true, steps };
    } catch (error) {
      if (!(error instanceof RewindError)) throw error;
      return { ok: false, steps, why: error.message };
    }
  }

  /**
   * Has the next update make resources anew, whatever it finds of them.
   *
   * @throws RewindError pulumi/failed
   */
  async taint(urns: readonly string[]): Promise<void> {
    if (urns.length > 0) await this.#pulumi(['state', 'taint', ...urns, '--yes']);
  }

  /**
   * Takes away the lock that a process left which was killed.
   *
   * @throws RewindError pulumi/failed
   */
  async cancel(): Promise<void> {
    await this.#pulumi(['cancel', '--yes']);
  }

  /**
   * Sets a secret of the stack configuration. The value goes through standard input, of which pulumi drops one line feed
   * at the end: arguments can be seen by others.
   *
   * @param path - e.g. `rewind:secrets.api.TOKEN`, quoted as `pulumi config set --path` takes it
   * @throws RewindError pulumi/failed
   */
  async setSecret(path: string, value: string, configFile: string): Promise<void> {
    await this.#pulumi(['config', 'set', '--path', path, '--secret', '--config-file', configFile], `${value}\n`);
  }

  /** Makes the key of the stack's releases, see {@link makeKey}, and the stack itself if there is none yet. */
  async makeKey(): Promise<void> {
    const { directory, stack, env } = this.#options;
    try {
      await makeKey(directory, stack, env);
    } catch (error) {
      if (!(error instanceof RewindError) || !error.message.includes('no stack named')) throw error;
      await this.#pulumi(['stack', 'init']);
      await makeKey(directory, stack, env);
    }
  }

  /**
   * The value of a secret of the stack configuration.
   *
   * @throws RewindError pulumi/failed
   */
  async secretOf(key: string): Promise<string> {
    return this.#pulumi(['config', 'get', key]);
  }

  async #pulumi(args: readonly string[], input = ''): Promise<string> {
    const { directory, stack, env } = this.#options;
    const command = [...args, '--stack', stack, '--non-interactive', '--color', 'never'];
    const result = await execa('pulumi', command, { cwd: directory, env, input, reject: false });
    if (result.exitCode === 0) return result.stdout;
    throw new RewindError({
      code: 'pulumi/failed',
      message: `pulumi ${args.slice(0, 2).join(' ')} failed: ${withoutPrefix(result.stderr.trim() || result.stdout.trim()) || 'it said nothing'}`,
      fix: fixOf(result.stderr),
    });
  }
}
