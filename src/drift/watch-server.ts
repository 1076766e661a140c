import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { RewindError } from '../errors';
import { metricsText, type WatchState } from './metrics';

/** What answers for a watch. */
export interface WatchServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Nobody from elsewhere is to read of what is wrong with a stack. */
const address = '127.0.0.1';

/**
 * Answers, on this machine alone, `/metrics` for Prometheus and `/healthz`: 200 as long as the stack could be looked at
 * lately, whatever was found.
 *
 * @param port - 0: any that is free
 * @param patienceMs - so old may the last look be
 * @throws RewindError cli/usage if the port is taken
 */
export async function serveWatch(port: number, patienceMs: number, stateOf: () => WatchState): Promise<WatchServer> {
  const server = createServer(({ method, url }, response) => {
    const state = stateOf();
    const path = url?.split('?')[0];
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
    };
    if (method !== 'GET' && method !== 'HEAD') answer(405, 'text/plain', 'only GET\n');
    else if (path === '/metrics') answer(200, 'text/plain; version=0.0.4; charset=utf-8', metricsText(state));
    else if (path === '/healthz') {
      const isFresh = state.lookedAt !== undefined && Date.now() - state.lookedAt.getTime() <= patienceMs;
      answer(isFresh ? 200 : 503, 'application/json', `${JSON.stringify(healthOf(state, isFresh))}\n`);
    } else answer(404, 'text/plain', 'there are /metrics and /healthz\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new RewindError({
          code: 'cli/usage',
          message: `Port ${port} of ${address} cannot be listened on: ${error.code ?? error.message}.`,
          fix: 'Give another one: --port 9470, or none: --port off.',
          cause: error,
        }),
      );
    });
    server.listen(port, address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function healthOf({ stack, release, findings, lookedAt, failure }: WatchState, ok: boolean): object {
  return {
    ok,
    stack,
    ...(release !== undefined && { release }),
    ...(lookedAt && { lookedAt: lookedAt.toISOString() }),
    drift: findings.filter(({ severity }) => severity !== 'information').length,
    ...(failure !== undefined && { failure }),
  };
}
