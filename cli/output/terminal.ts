import { showOnTerminal } from '../../toolchain/step-display';
import type { StepListener } from '../../toolchain/steps';
import { Lines, nobody } from './progress';

/** A list that is kept up to date, for terminals. It is drawn from the moment that something is done to a service. */
export class TerminalProgress extends Lines {
  readonly #terminal: NodeJS.WriteStream;
  #shown: Promise<void> | undefined;
  #ended: () => void = () => undefined;

  constructor(stream: NodeJS.WriteStream) {
    super(stream);
    this.#terminal = stream;
  }

  protected override listen(services: () => readonly string[]): StepListener {
    let rows = nobody;
    const begin = (): void => {
      if (this.#shown) return;
      const ended = new Promise<void>((resolve) => (this.#ended = resolve));
      const work = (listener: StepListener): Promise<void> => {
        rows = listener;
        return ended;
      };
      this.#shown = showOnTerminal(services(), this.#terminal, work, 'unchanged');
    };
    return {
      started: (service) => {
        begin();
        rows.started(service);
      },
      detail: (service, text) => {
        rows.detail(service, text);
      },
      done: (service, outcome, elapsedMs) => {
        rows.done(service, outcome, elapsedMs);
      },
      failed: (service, stopped, elapsedMs) => {
        rows.failed(service, stopped, elapsedMs);
      },
    };
  }

  protected override async drawn(): Promise<void> {
    this.#ended();
    await this.#shown;
    this.#shown = undefined;
  }
}
