import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const engineSocket = (process.env['DOCKER_HOST'] ?? '').replace(/^unix:\/\//, '') || '/var/run/docker.sock';

/** A socket that leads to the engine, until it does not. */
export class EngineProxy {
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      if (this.#isCut) return void client.destroy();
      const there = connect({ path: engineSocket, allowHalfOpen: true });
      for (const [from, to] of [
        [client, there],
        [there, client],
      ] as const) {
        this.#sockets.add(from);
        from
          .on('error', () => to.destroy())
          .on('close', () => {
            this.#sockets.delete(from);
            to.destroy();
          });
        from.pipe(to);
      }
    });
  }

  static async start(): Promise<EngineProxy> {
    const proxy = new EngineProxy(await mkdtemp(join(tmpdir(), 'rewind-proxy-')));
    await new Promise<void>((resolve) => proxy.#server.listen(proxy.#socket, resolve));
    return proxy;
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${this.#socket}`;
  }

  get #socket(): string {
    return join(this.#folder, 'docker.sock');
  }

  /** Every connection is lost, and none is taken for a while. */
  async cut(seconds: number): Promise<void> {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
    await sleep(seconds * 1000);
    this.#isCut = false;
  }

  /** Nothing passes for a while, in either direction. */
  async stall(seconds: number): Promise<void> {
    const stalled = [...this.#sockets];
    for (const socket of stalled) socket.pause();
    await sleep(seconds * 1000);
    for (const socket of stalled) socket.resume();
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
