import type { Step } from '../../src/automation/program-run';
import type { PreparedStack } from '../../src/actions/prepare-stack';
import { PlainOutput } from '../../toolchain/step-output';
import type { StepListener } from '../../toolchain/steps';

const containerType = 'docker:index/container:Container';
const commandType = 'command:local:Command';

/** What is being done to a container, in words, by the engine's operation. */
const words: Readonly<Record<string, string>> = {
  create: 'starting',
  'create-replacement': 'starting',
  'delete-replaced': 'stopping',
  update: 'updating',
  delete: 'stopping',
};

/**
 * Puts what the engine does to containers and what the program says of readiness together: one row per service, from the
 * first thing that is done to it until it is ready.
 */
export class ServiceProgress {
  readonly #listener: StepListener;
  readonly #serviceOf = new Map<string, string>();
  readonly #rows = new Map<string, { readonly startedAt: number; last: string; ended: boolean }>();

  constructor(listener: StepListener) {
    this.#listener = listener;
  }

  prepared({ services }: PreparedStack): void {
    for (const { service, containers } of services) {
      for (const { name } of containers) this.#serviceOf.set(name, service);
    }
  }

  /** Every service that is known of. */
  get names(): string[] {
    return [...new Set(this.#serviceOf.values())].sort();
  }

  step({ phase, op, type, name, parent = name }: Step): void {
    const word = words[op];
    if (type === commandType && ['create', 'update'].includes(op)) this.#command(phase, name);
    if (type !== containerType || word === undefined) return;
    const service = this.#serviceOf.get(name) ?? parent;
    const row = this.#row(service);
    row.last = op;
    if (phase === 'begin') this.#listener.detail(service, word);
    else if (phase === 'failed') this.#end(service, 'failed');
    else if (op === 'delete') this.#end(service, 'stopped');
    else if (op === 'create' || op === 'create-replacement') this.#listener.detail(service, 'started, not ready yet');
  }

  /** A command on the data, which has a row of its own while it runs. */
  #command(phase: Step['phase'], name: string): void {
    const row = this.#row(name);
    row.last = 'command';
    if (phase !== 'begin') this.#end(name, phase);
  }

  ready(service: string): void {
    if (this.#rows.has(service)) this.#end(service, 'ready');
  }

  /** Ends what has not ended: with success, or as stopped by a failure elsewhere. */
  finish(ok: boolean): void {
    for (const [service, { ended }] of this.#rows) if (!ended) this.#end(service, ok ? 'done' : 'failed');
  }

  #row(service: string): { readonly startedAt: number; last: string; ended: boolean } {
    const known = this.#rows.get(service);
    if (known && !known.ended) return known;
    const row = { startedAt: Date.now(), last: '', ended: false };
    this.#rows.set(service, row);
    this.#listener.started(service);
    return row;
  }

  #end(service: string, how: string): void {
    const row = this.#rows.get(service);
    if (!row || row.ended) return;
    row.ended = true;
    const elapsed = Date.now() - row.startedAt;
    if (how === 'failed') this.#listener.failed(service, false, elapsed);
    else this.#listener.done(service, how, elapsed);
  }
}

/** How a command shows what it does: on a terminal, as plain lines, or not at all. */
export abstract class Progress {
  #services: ServiceProgress | undefined;

  /** Says one line. */
  abstract say(line: string): void;
  /** Where the rows of one phase go. */
  protected abstract listen(services: () => readonly string[]): StepListener;
  /** Waits until the rows of a phase are drawn to their end. */
  protected async drawn(): Promise<void> {
    // Lines are drawn as they come.
  }

  /** A phase begins: its services have rows of their own. */
  async phase(title: string): Promise<void> {
    await this.end(false);
    this.say(title);
    const services: ServiceProgress = new ServiceProgress(this.listen(() => services.names));
    this.#services = services;
  }

  prepared(stack: PreparedStack): void {
    this.#services?.prepared(stack);
  }

  step(step: Step): void {
    this.#services?.step(step);
  }

  ready(service: string): void {
    this.#services?.ready(service);
  }

  /** The phase has ended. */
  async end(ok: boolean): Promise<void> {
    this.#services?.finish(ok);
    this.#services = undefined;
    await this.drawn();
  }
}

/** Nothing is shown: the command's result is one JSON document. */
class Silent extends Progress {
  say(): void {
    // nobody is to be told
  }

  protected listen(): StepListener {
    return nobody;
  }
}

export const nobody: StepListener = {
  started: () => undefined,
  detail: () => undefined,
  done: () => undefined,
  failed: () => undefined,
};

/** Lines as they come, for pipes and logs. */
export class Lines extends Progress {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream) {
    super();
    this.#stream = stream;
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  protected listen(...[]: [services: () => readonly string[]]): StepListener {
    return new PlainOutput(this.#stream);
  }
}

/** The progress of a command: none with `--json`. */
export async function progressFor({ json = false }: { readonly json?: boolean }): Promise<Progress> {
  if (json) return new Silent();
  if (!process.stdout.isTTY) return new Lines(process.stdout);
  // Loaded only for a terminal: it takes a while to load.
  const { TerminalProgress } = await import('./terminal');
  return new TerminalProgress(process.stdout);
}
