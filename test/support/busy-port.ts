import { createServer } from 'node:net';

/** A port of 127.0.0.1 on which this process listens. */
export interface BusyPort {
  readonly port: number;
  /** Stops to listen. */
  readonly free: () => Promise<void>;
}

/** Below the ports that outgoing connections are given, one of which could take it in the meantime. */
const [first, last] = [29_500, 31_900];

/** Listens on a port that was free. */
export async function busyPort(): Promise<BusyPort> {
  for (;;) {
    const port = first + Math.floor(Math.random() * (last - first + 1));
    const server = createServer();
    const isListening = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(false);
        else reject(error);
      });
      server.listen(port, '127.0.0.1', () => {
        resolve(true);
      });
    });
    if (!isListening) continue;
    return {
      port,
      free: () =>
        new Promise((resolve) => {
          server.close(() => {
            resolve();
          });
        }),
    };
  }
}

/** Different ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const busy = await Promise.all(Array.from({ length: count }, busyPort));
  await Promise.all(busy.map(({ free }) => free()));
  return busy.map(({ port }) => port);
}
