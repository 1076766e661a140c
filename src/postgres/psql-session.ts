import { PassThrough } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

import type { ContainerResult } from '../docker/exec';

/** Runs psql on the script that comes by `input`, and gives what it prints to `output`. */
export type RunPsql = (streams: {
  readonly input: PassThrough;
  readonly output: PassThrough;
}) => Promise<ContainerResult>;

/** A psql has ended before it did what it was told. */
export class PsqlEnded extends Error {
  readonly result: ContainerResult;

  constructor(result: ContainerResult) {
    super(result.stderr);
    this.name = 'PsqlEnded';
    this.result = result;
  }
}

interface Waiting {
  readonly marker: string;
  readonly resolve: (printed: string) => void;
  readonly reject: (error: unknown) => void;
}

/** One psql, which is told one thing after another: starting one for each takes 70 ms, most of it the engine's. */
export class PsqlSession {
  readonly #input = new PassThrough();
  readonly #decoder = new StringDecoder('utf8');
  readonly #ended: Promise<ContainerResult>;
  readonly #queue: Waiting[] = [];
  /** Why nothing can be said any more. */
  #over: { readonly error: unknown } | undefined;
  #printed: string[] = [];
  /** What there is of the line that is not yet whole: an answer of megabytes is one line. */
  #rest: string[] = [];

  constructor(run: RunPsql) {
    // Whoever reads it hears of it; nobody may have begun to.
    this.#input.on('error', () => undefined);
    const output = new PassThrough();
    output.on('data', (chunk: Buffer) => {
      this.#read(this.#decoder.write(chunk));
    });
    // Why a program cannot even be started, the engine says as its output.
    this.#ended = run({ input: this.#input, output }).then((result) => ({
      ...result,
      stdout: [...this.#printed, this.#rest.join('')].join('\n'),
    }));
    const over = (error: unknown): void => {
      this.#over = { error };
      for (const { reject } of this.#queue.splice(0)) reject(error);
    };
    this.#ended.then((result) => {
      over(new PsqlEnded(result));
    }, over);
  }

  /**
   * Gives psql something to do, after what it was given before.
   *
   * @returns what it prints
   * @throws PsqlEnded if it ends before its time; and whatever running it throws
   */
  say(script: string): Promise<string> {
    const marker = `rewind-${Math.random().toString(36).slice(2)}`;
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over.error;
      this.#queue.push({ marker, resolve, reject });
      this.#input.write(`${script}\n\\echo ${marker}\n`);
    });
  }

  /**
   * Has psql end once it has done what it was told.
   *
   * @param last - what it does before that. @default nothing
   */
  async end(last = ''): Promise<void> {
    this.#input.end(last);
    await this.#ended.catch(() => undefined);
  }

  /** Gives it up, with whatever it is about; what runs in the container may go on. */
  giveUp(reason: Error): void {
    this.#input.destroy(reason);
  }

  /** Lines end with a line feed and nothing else: what a value has in it, e.g. a line separator of Unicode, is no end. */
  #read(text: string): void {
    const lines = text.split('\n');
    const rest = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = [...this.#rest, lines[0]].join('');
      this.#rest = [];
    }
    this.#rest.push(rest);
    for (const line of lines) {
      if (line !== this.#queue[0]?.marker) {
        this.#printed.push(line);
        continue;
      }
      const printed = this.#printed.join('\n');
      this.#printed = [];
      this.#queue.shift()!.resolve(printed);
    }
  }
}
