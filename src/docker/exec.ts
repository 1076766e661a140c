import { Transform, type TransformCallback, type Readable, type Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

/** A command to run in a container that runs. */
export interface ContainerCommand {
  readonly argv: readonly string[];
  /** Added to the container's environment; not seen in its list of processes. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** @default the container's own user */
  readonly user?: string;
  /** Standard input. @default none */
  readonly input?: Readable | string;
  /** Where standard output goes. @default it is returned */
  readonly output?: Writable;
  /** Gives the command up; what runs in the container may go on. @default never */
  readonly signal?: AbortSignal;
  /**
   * Whether, when the command is given up or its input fails, it is waited for: it ends with its input.
   * @default false: it is left alone
   */
  readonly endsWithInput?: boolean;
}

/** How a command in a container ended. */
export interface ContainerResult {
  /** Undefined if the engine cannot tell, e.g. because the container was killed meanwhile. */
  readonly exitCode: number | undefined;
  /** Empty if it went elsewhere. */
  readonly stdout: string;
  /** The last 16,000 characters. */
  readonly stderr: string;
}

const longestError = 16_000;

/**
 * Runs a command in a container, streaming: however much goes through it, only some buffers of it are in memory.
 *
 * @throws whatever the engine, the input or the output throws
 */
export async function execInContainer(
  container: Docker.Container,
  { argv, env = {}, user, input, output, signal, endsWithInput = false }: ContainerCommand,
): Promise<ContainerResult> {
  const exec = await container.exec({
    Cmd: [...argv],
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    ...(user !== undefined && { User: user }),
    AttachStdin: input !== undefined,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: input !== undefined });
  const abort = (): void => void stream.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const errors = new Tail(longestError);
    const said = new Demultiplexer((text) => {
      errors.add(text);
    });
    const chunks: Buffer[] = [];
    const reading = output
      ? pipeline(stream, said, output, { end: false }).then(() => undefined)
      : collect(pipeTo(stream, said), chunks);
    const writing = input === undefined ? undefined : feed(stream, input);
    // A command that ends early does not read its input to the end, and nobody may ever end that: how it ended is what
    // counts then.
    await Promise.all([reading, Promise.race([reading, writing?.catch(ignoreBrokenPipe) ?? reading])]);
    signal?.throwIfAborted();
    const { ExitCode } = await exec.inspect();
    return { exitCode: ExitCode ?? undefined, stdout: Buffer.concat(chunks).toString('utf8'), stderr: errors.text };
  } catch (error) {
    stream.destroy();
    if (endsWithInput) await untilEnded(exec);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    stream.destroy();
  }
}

const endingMs = 5000;

/** Waits for a command whose input has ended: it may not even have begun. One that does not end is left alone. */
async function untilEnded(exec: Docker.Exec): Promise<void> {
  for (const end = Date.now() + endingMs; Date.now() < end;) {
    const { Running: isRunning, ExitCode: exitCode } = await exec.inspect().catch(() => gone);
    if (!isRunning && exitCode !== null) return;
    await sleep(10);
  }
}

/** What there is to be said of a command when the engine, or the container, is gone. */
const gone = { Running: false, ExitCode: -1 };

function pipeTo(stream: NodeJS.ReadableStream, target: Demultiplexer): Demultiplexer {
  stream.on('error', (error: Error) => target.destroy(error));
  return stream.pipe(target);
}

async function collect(stream: Readable, chunks: Buffer[]): Promise<void> {
  for await (const chunk of stream) chunks.push(chunk as Buffer);
}

async function feed(stream: NodeJS.ReadWriteStream, input: Readable | string): Promise<void> {
  if (typeof input === 'string') {
    stream.end(input);
    return finished(stream, { readable: false });
  }
  for await (const chunk of input) {
    if (!stream.writable) return;
    if (!stream.write(chunk as Buffer)) await drained(stream);
  }
  stream.end();
}

function drained(stream: NodeJS.ReadWriteStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error', 'end']) stream.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error', 'end']) stream.on(event, done);
  });
}

function ignoreBrokenPipe(error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (!['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(code)) throw error;
}

/** The end of a text that may be long. */
class Tail {
  readonly #longest: number;
  text = '';

  constructor(longest: number) {
    this.#longest = longest;
  }

  add(more: string): void {
    this.text = (this.text + more).slice(-this.#longest);
  }
}

const headerBytes = 8;
const stderrStream = 2;

/**
 * Takes the two streams apart that an attached command sends as one, and lets standard output through. Format:
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export class Demultiplexer extends Transform {
  readonly #onError: (text: string) => void;
  #header = Buffer.alloc(0);
  #left = 0;
  #isError = false;

  constructor(onError: (text: string) => void) {
    super();
    this.#onError = onError;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const missing = headerBytes - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < headerBytes) break;
        this.#isError = this.#header[0] === stderrStream;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
      }
      const part = rest.subarray(0, this.#left);
      rest = rest.subarray(part.length);
      this.#left -= part.length;
      if (part.length === 0) continue;
      if (this.#isError) this.#onError(part.toString('utf8'));
      else this.push(part);
    }
    done();
  }
}
