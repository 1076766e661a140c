import type { Drift } from '../src/actions/find-drift';
import { fixChange, type Mend, planFix } from '../src/actions/fix-drift';
import { whoAmI } from '../src/actions/keep-release';
import { notifierOf } from '../src/actions/notifier-of';
import { storeFolder } from '../src/actions/prepare-stack';
import { settingsOf } from '../src/actions/release-side';
import { watchDrift, type WatchedLook } from '../src/actions/watch-drift';
import type { Finding } from '../src/drift/finding';
import type { WatchState } from '../src/drift/metrics';
import { serveWatch } from '../src/drift/watch-server';
import { messageOf } from '../src/errors';
import { StackConfig } from '../src/releases/stack-config';
import { showChange } from './change';
import { onInterrupt } from './interrupt';
import { findingLine } from './output/drift-text';
import { printJsonLine } from './output/json';
import { progressFor } from './output/progress';
import { loadEngine } from './program';
import type { Session } from './session';

/** How a stack is watched. */
export interface DriftWatchOptions {
  readonly intervalMs: number;
  readonly json: boolean;
  /** Where metrics are served, on this machine alone. @default nowhere */
  readonly port?: number;
  /** Findings that are put right; an empty list stands for all that differ. @default none */
  readonly fix?: readonly string[];
}

/** What comes back after it was put right is not put right again for so long: somebody wants it so, or it cannot be helped. */
const fixAgainMs = 10 * 60_000;

/** Watches a stack for drift until it is interrupted. */
export async function watchForDrift(session: Session, options: DriftWatchOptions): Promise<void> {
  const watch = new DriftWatching(session, options);
  const interrupt = onInterrupt({ onFirst: () => undefined, onSecond: () => undefined });
  const server =
    options.port === undefined
      ? undefined
      : await serveWatch(options.port, 3 * options.intervalMs + 30_000, () => watch.state);
  try {
    watch.begin(server?.port);
    await watch.run(interrupt.signal);
  } finally {
    interrupt.done();
    await server?.close();
    watch.end();
  }
}

class DriftWatching {
  readonly #session: Session;
  readonly #options: DriftWatchOptions;
  /** When each finding was put right last, by its ID. */
  readonly #fixed = new Map<string, number>();
  state: WatchState;

  constructor(session: Session, options: DriftWatchOptions) {
    this.#session = session;
    this.#options = options;
    const { name: stack } = session.context;
    this.state = { stack, findings: [], ignored: 0, looks: 0, failures: 0, events: 0, fixes: 0, seconds: 0 };
  }

  begin(port: number | undefined): void {
    const { json, intervalMs } = this.#options;
    const { stack } = this.state;
    const url = port === undefined ? undefined : `http://127.0.0.1:${port}`;
    if (json) printJsonLine({ event: 'begin', stack, ...(url !== undefined && { url }) });
    else this.#say(`Watching ${stack}, every ${intervalMs / 1000} s${url === undefined ? '' : `; ${url}/metrics`}`);
  }

  async run(signal: AbortSignal): Promise<void> {
    await watchDrift({
      context: this.#session.context,
      intervalMs: this.#options.intervalMs,
      onLook: (look) => this.#looked(look),
      onFailure: (why) => {
        this.#failed(why);
      },
      onEvent: () => {
        this.state = { ...this.state, events: this.state.events + 1 };
      },
      signal,
    });
  }

  end(): void {
    const { json } = this.#options;
    if (json) printJsonLine({ event: 'end', stack: this.state.stack });
    else this.#say('No longer watched.');
  }

  async #looked({ drift, appeared, gone }: WatchedLook): Promise<void> {
    const { failure: _, ...known } = this.state;
    const isFirst = known.looks === 0;
    this.state = {
      ...known,
      release: drift.release,
      findings: drift.findings.map(({ id, severity }) => ({ id, severity })),
      ignored: drift.ignored.length,
      looks: known.looks + 1,
      lookedAt: new Date(),
      seconds: drift.seconds,
    };
    if (appeared.length > 0 || gone.length > 0) this.#tell(drift, appeared, gone);
    else if (isFirst && !this.#options.json) this.#say(`${time()} as it was released`);
    await this.#fix(drift);
  }

  #failed(why: string): void {
    const isNews = this.state.failure !== why;
    this.state = { ...this.state, failures: this.state.failures + 1, failure: why };
    if (!isNews) return;
    if (this.#options.json) printJsonLine({ event: 'failure', at: new Date().toISOString(), why });
    else this.#say(`${time()} could not look: ${why}`);
  }

  #tell(drift: Drift, appeared: readonly Finding[], gone: readonly Finding[]): void {
    const { stack, release, at, ok } = drift;
    if (this.#options.json) printJsonLine({ event: 'drift', stack, release, at, ok, appeared, gone });
    else {
      for (const finding of appeared) this.#say(`${time()} ${findingLine(finding)}`);
      for (const { what } of gone) this.#say(`${time()} ✔ ${what}: as it was released`);
    }
    const news = [...appeared, ...gone].filter(({ severity }) => severity !== 'information');
    if (news.length === 0) return; // what is only information wakes nobody
    const notifier = notifierOf(this.#session.context);
    notifier.tell({
      event: 'drift',
      stack,
      kind: 'watch',
      what: summary(drift, appeared, gone),
      by: whoAmI(),
      at,
      release,
      result: ok ? 'none' : 'drift',
      ...(appeared.length > 0 && { failure: appeared.map(findingLine).join('\n') }),
    });
    // Whoever is slow to be told keeps nobody from looking.
    void notifier.end().then((untold) => {
      for (const line of untold) process.stderr.write(`${line}\n`);
    });
  }

  async #fix(drift: Drift): Promise<void> {
    const { fix } = this.#options;
    if (!fix || drift.ok) return;
    const { mends } = planFix(drift, fix);
    const due = mends.filter(({ finding: { id } }) => Date.now() - (this.#fixed.get(id) ?? 0) > fixAgainMs);
    if (due.length === 0) return;
    for (const { finding } of due) this.#fixed.set(finding.id, Date.now());
    try {
      await this.#putRight(drift, due);
      this.state = { ...this.state, fixes: this.state.fixes + 1 };
    } catch (error) {
      this.#failed(`It could not be put right: ${messageOf(error)}`);
    }
    // How one of its changes ended is not how the watch ends.
    process.exitCode = 0;
  }

  async #putRight(drift: Drift, mends: readonly Mend[]): Promise<void> {
    const { json } = this.#options;
    const { context } = this.#session;
    await loadEngine();
    const { store } = settingsOf((await StackConfig.read(context.configFile)).config);
    const progress = await progressFor({ json });
    const change = await fixChange(context, drift, mends, storeFolder(store, context.directory), (step) => {
      progress.say(step);
    });
    await showChange(this.#session, progress, json, change, (document) => {
      printJsonLine({ event: 'fix', ...document });
    });
  }

  #say(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

function summary({ findings }: Drift, appeared: readonly Finding[], gone: readonly Finding[]): string {
  const left = findings.filter(({ severity }) => severity !== 'information').length;
  const parts = [
    ...(appeared.length > 0 ? [`${appeared.length} new`] : []),
    ...(gone.length > 0 ? [`${gone.length} gone`] : []),
  ];
  return `drift: ${parts.join(', ')}; ${left === 0 ? 'none is left' : `${left} in all`}`;
}

function time(): string {
  return new Date().toTimeString().slice(0, 8);
}
