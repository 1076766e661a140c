import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a probe saw of a service while something was done to it. */
export interface Outage {
  /** From the last good answer before the longest gap to the first good one after it, in seconds. */
  readonly seconds: number;
  readonly failed: number;
  readonly asked: number;
}

const requestTimeoutMs = 1000;

/** How often an application is asked where the processor counts: so that asking takes next to nothing from it. */
export const sparingly = 10;

/**
 * Asks a URL, each time on a new connection and without waiting for the answer before, until it is told to stop.
 *
 * @param perSecond - how often. To ask the example's API 50 times a second takes a tenth of two cores. @default 50
 */
export function startProbe(url: string, perSecond = 50): { readonly stop: () => Promise<Outage> } {
  const good: number[] = [];
  const pending: Promise<void>[] = [];
  let failed = 0;
  const stop = new AbortController();
  const running = (async () => {
    const start = performance.now();
    for (let count = 0; !stop.signal.aborted; count++) {
      pending.push(
        ask(url).then((ok) => {
          if (ok) good.push(performance.now());
          else failed++;
        }),
      );
      await sleep(Math.max(0, start + ((count + 1) * 1000) / perSecond - performance.now()));
    }
  })();
  return {
    stop: async () => {
      stop.abort();
      await running;
      await Promise.all(pending);
      // The pause between two requests is no outage.
      const gaps = good.slice(1).map((at, index) => at - good[index]!);
      const longest = Math.max(0, ...gaps);
      return { seconds: failed === 0 ? 0 : longest / 1000, failed, asked: pending.length };
    },
  };
}

function ask(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, timeout: requestTimeoutMs }, (response) => {
      response.resume();
      response.on('end', () => {
        resolve(response.statusCode === 200);
      });
      response.on('error', () => {
        resolve(false);
      });
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => {
      resolve(false);
    });
    call.end();
  });
}
