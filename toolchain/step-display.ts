import { Listr, ListrLogger, type ListrTaskWrapper, ProcessOutput } from 'listr2';
import { formatDuration } from './step-output';
import { runSteps, type Step, type StepListener } from './steps';

/**
 * Runs steps and shows them as a list that is kept up to date, for terminals.
 *
 * @param stream - the terminal to draw on
 * @throws what the first failing step threw
 */
export async function runStepsOnTerminal(steps: readonly Step[], stream: NodeJS.WriteStream): Promise<void> {
  const names = steps.map(({ name }) => name);
  await showOnTerminal(names, stream, (listener) => runSteps(steps, listener));
}

/**
 * Shows a list that is kept up to date while something is under way, for terminals.
 *
 * @param names - the rows
 * @param work - tells of its progress
 * @param idle - what is said of a row that has not begun
 */
export async function showOnTerminal<T>(
  names: readonly string[],
  stream: NodeJS.WriteStream,
  work: (listener: StepListener) => Promise<T>,
  idle = 'not reached',
): Promise<T> {
  const rows = new Map<string, Row>();
  const list = new Listr(
    names.map((name) => {
      const row = new Row(name, idle);
      rows.set(name, row);
      return { title: name, task: (_: unknown, task) => row.show(task) };
    }),
    {
      concurrent: true,
      exitOnError: false,
      renderer: 'default',
      rendererOptions: { logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }) },
    },
  );
  const shown = list.run();
  try {
    return await work(listenFor(rows));
  } finally {
    for (const row of rows.values()) row.settle();
    await shown;
  }
}

function listenFor(rows: ReadonlyMap<string, Row>): StepListener {
  return {
    started: (step) => rows.get(step)?.start(),
    detail: (step, text) => rows.get(step)?.detail(text),
    done: (step, outcome, elapsedMs) => rows.get(step)?.done(`${outcome} (${formatDuration(elapsedMs)})`),
    failed: (step, stopped, elapsedMs) => rows.get(step)?.failed(stopped, elapsedMs),
  };
}

type Task = ListrTaskWrapper<unknown, never, never>;

/** One line of the list. Its work happens elsewhere: it waits to be told. */
class Row {
  private task: Pick<Task, 'title' | 'output' | 'skip'> | undefined;
  private startedAt: number | undefined;
  private text = '';
  private ticker: NodeJS.Timeout | undefined;
  private settled = false;
  private resolve!: () => void;
  private reject!: (error: Error) => void;
  private readonly end = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor(
    private readonly name: string,
    private readonly idle: string,
  ) {}

  async show(task: Pick<Task, 'title' | 'output' | 'skip'>): Promise<void> {
    this.task = task;
    this.refresh();
    await this.end;
  }

  start(): void {
    this.startedAt = Date.now();
    this.ticker = setInterval(() => {
      this.refresh();
    }, 1000);
  }

  detail(text: string): void {
    this.text = text;
    this.refresh();
  }

  done(outcome: string): void {
    if (this.task) this.task.title = `${this.name}: ${outcome}`;
    this.settle();
  }

  failed(stopped: boolean, elapsedMs: number): void {
    this.settle(new Error(`${this.name}: ${stopped ? 'stopped' : 'failed'} (${formatDuration(elapsedMs)})`));
  }

  /** Ends the row; one that was never started is shown as skipped. */
  settle(error?: Error): void {
    if (this.settled) return;
    this.settled = true;
    clearInterval(this.ticker);
    if (this.startedAt === undefined) this.task?.skip(`${this.name}: ${this.idle}`);
    if (error) this.reject(error);
    else this.resolve();
  }

  private refresh(): void {
    if (this.startedAt === undefined || !this.task) return;
    const elapsed = Date.now() - this.startedAt;
    if (elapsed >= 1000) this.task.title = `${this.name} (${formatDuration(Math.floor(elapsed / 1000) * 1000)})`;
    if (this.text) this.task.output = this.text;
  }
}
