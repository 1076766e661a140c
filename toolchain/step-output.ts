import { type StepListener } from './steps';

/** Where the progress goes. */
export interface ProgressStream {
  write(text: string): unknown;
}

/** A step that says nothing for so long is said to be still at it. */
const quietMs = 30_000;

/** `4.2 s`, `3 min 25 s`. */
export function formatDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Progress as plain lines, for pipes and logs. */
export class PlainOutput implements StepListener {
  private readonly running = new Map<string, { startedAt: number; detail: string; timer: NodeJS.Timeout }>();

  constructor(private readonly stream: ProgressStream) {}

  started(step: string): void {
    const startedAt = Date.now();
    const timer = setInterval(() => {
      const detail = this.running.get(step)?.detail;
      this.line(`  ${step}: still ${detail || 'at it'} after ${formatDuration(Date.now() - startedAt)}`);
    }, quietMs);
    timer.unref();
    this.running.set(step, { startedAt, detail: '', timer });
  }

  detail(step: string, text: string): void {
    const state = this.running.get(step);
    if (!state || state.detail === text) return;
    state.detail = text;
    state.timer.refresh();
    this.line(`  ${step}: ${text}`);
  }

  done(step: string, outcome: string, elapsedMs: number): void {
    this.end(step);
    this.line(`✔ ${step}: ${outcome} (${formatDuration(elapsedMs)})`);
  }

  // Why it failed is the error's to tell, at the end.
  failed(step: string, stopped: boolean, elapsedMs: number): void {
    this.end(step);
    this.line(`✖ ${step}: ${stopped ? 'stopped' : 'failed'} (${formatDuration(elapsedMs)})`);
  }

  private end(step: string): void {
    clearInterval(this.running.get(step)?.timer);
    this.running.delete(step);
  }

  private line(text: string): void {
    this.stream.write(`${text}\n`);
  }
}
