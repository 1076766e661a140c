import type { Step } from '../automation/program-run';
import type { PhaseRecord } from './record';

/** The phases of an operation, in the order in which they begin. */
export const phaseNames = ['assess', 'plan', 'protect', 'prepare', 'switch', 'verify', 'record', 'put back'] as const;
export type PhaseName = (typeof phaseNames)[number];

interface OpenPhase {
  readonly name: PhaseName;
  readonly startedAt: number;
}

/** When each phase of an operation began, and how long it took. */
export class Timeline {
  readonly #done: PhaseRecord[] = [];
  readonly #open = new Map<PhaseName, OpenPhase>();
  readonly #onBegin: (name: PhaseName) => void;

  /** @param onBegin - hears of a phase before it begins */
  constructor(onBegin: (name: PhaseName) => void = () => undefined) {
    this.#onBegin = onBegin;
  }

  /** Does a phase. */
  async during<T>(name: PhaseName, work: () => Promise<T>): Promise<T> {
    this.begin(name);
    try {
      const result = await work();
      this.end(name);
      return result;
    } catch (error) {
      this.end(name, false);
      throw error;
    }
  }

  begin(name: PhaseName): void {
    if (this.#open.has(name)) return;
    this.#onBegin(name);
    this.#open.set(name, { name, startedAt: Date.now() });
  }

  end(name: PhaseName, ok = true): void {
    const phase = this.#open.get(name);
    if (!phase) return;
    this.#open.delete(name);
    const { startedAt } = phase;
    this.#done.push({
      name,
      startedAt: new Date(startedAt).toISOString(),
      seconds: (Date.now() - startedAt) / 1000,
      ok,
    });
  }

  /** Ends what is under way. */
  endAll(ok: boolean): void {
    for (const name of [...this.#open.keys()]) this.end(name, ok);
  }

  /** What an engine does belongs to the phase that it is about. */
  step({ phase, type, name, op }: Step): void {
    const belongs = phaseOf(type, name);
    if (belongs === undefined || ['same', 'read', 'refresh'].includes(op)) return;
    if (phase === 'begin') {
      // When all services are ready, the switch has been made.
      if (belongs === 'verify') this.end('switch');
      this.begin(belongs);
    } else if (belongs !== 'switch') this.end(belongs, phase === 'done');
  }

  /** Every phase that has ended, by the time at which it began. */
  get phases(): readonly PhaseRecord[] {
    return [...this.#done].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  }
}

function phaseOf(type: string, name: string): PhaseName | undefined {
  if (type === 'docker:index/container:Container') return 'switch';
  if (type !== 'command:local:Command') return undefined;
  if (name.endsWith('-snapshot')) return 'protect';
  if (name.endsWith('-restore')) return 'prepare';
  if (name.endsWith('-migration')) return 'switch';
  return name.endsWith('-verification') ? 'verify' : undefined;
}
