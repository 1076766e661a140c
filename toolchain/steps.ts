import { setMaxListeners } from 'node:events';

/** One step of the set-up. */
export interface Step {
  readonly name: string;
  /** Names of steps that have to be done before. @default none */
  readonly after?: readonly string[];
  /**
   * Does it.
   *
   * @param report - tells what it is at, in a few words
   * @param signal - aborted when another step failed
   * @returns the outcome, in a few words
   */
  readonly run: (report: (detail: string) => void, signal: AbortSignal) => Promise<string>;
}

/** What is told of the steps while they run. Times are those of the step itself, without its waiting for others. */
export interface StepListener {
  started(step: string): void;
  detail(step: string, text: string): void;
  done(step: string, outcome: string, elapsedMs: number): void;
  /** @param stopped - whether it only had to stop because another step failed */
  failed(step: string, stopped: boolean, elapsedMs: number): void;
}

/**
 * Runs steps at the same time, each once those that it names are done. The first failure aborts the others.
 *
 * @throws what the first failing step threw, after all have ended
 */
export async function runSteps(steps: readonly Step[], listener: StepListener): Promise<void> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const running = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  for (const step of steps) {
    const before = (step.after ?? []).map((name) => running.get(name) ?? Promise.resolve());
    running.set(step.name, runStep(step, before));
  }
  await Promise.all(running.values());
  if (failures.length > 0) throw failures[0];

  async function runStep(step: Step, before: readonly Promise<void>[]): Promise<void> {
    await Promise.all(before);
    if (failures.length > 0) return;
    const started = Date.now();
    listener.started(step.name);
    try {
      const outcome = await step.run((text) => {
        listener.detail(step.name, text);
      }, stop.signal);
      listener.done(step.name, outcome, Date.now() - started);
    } catch (error) {
      failures.push(error);
      listener.failed(step.name, failures.length > 1, Date.now() - started);
      stop.abort();
    }
  }
}
