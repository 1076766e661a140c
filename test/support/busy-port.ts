import { type AddressInfo, createServer } from 'node:net';

/** A port of 127.0.0.1 on which this process listens. */
export interface BusyPort {
  readonly port: number;
  /** Stops to listen. */
  readonly free: () => Promise<void>;
}

/** Listens on a port that was free. */
export async function busyPort(): Promise<BusyPort> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    free: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** Different ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const busy = await Promise.all(Array.from({ length: count }, busyPort));
  await Promise.all(busy.map(({ free }) => free()));
  return busy.map(({ port }) => port);
}
