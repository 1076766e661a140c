import { type Endpoint, endpointOf, publishedPorts } from '../verify/endpoint';
import { ask } from '../verify/http';
import type { LiveService } from '../verify/live-service';
import type { VerifySettings } from '../verify/settings';
import type { Samples } from './evidence';

/** How services are sampled. */
export interface SampleOptions {
  /** What is declared to be asked. @default `/` of each published port */
  readonly http: VerifySettings['http'];
  /** How long it may take, in milliseconds. */
  readonly forMs: number;
  /** An answer that takes longer is a failure, in milliseconds. */
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

interface Target {
  readonly service: string;
  readonly endpoint: Endpoint;
  readonly request: Parameters<typeof ask>[1];
  /** Whether it is only guessed that it speaks HTTP. */
  readonly isGuess: boolean;
}

const pauseMs = 100;
const lowestError = 500;

/** Asks services time and again for a short while, one request of each at a time. */
export async function sampleServices(
  services: ReadonlyMap<string, LiveService>,
  options: SampleOptions,
): Promise<Map<string, Samples>> {
  const found = new Map<string, { asked: number; failed: number; times: number[]; why?: string }>();
  const until = Date.now() + options.forMs;
  const signal = options.signal ?? new AbortController().signal;
  await Promise.all(
    targetsOf(services, options).map(async ({ service, endpoint, request, isGuess }) => {
      const samples = found.get(service) ?? { asked: 0, failed: 0, times: [] };
      found.set(service, samples);
      do {
        samples.asked++;
        try {
          const { status, milliseconds } = await ask(endpoint, request, signal);
          samples.times.push(milliseconds);
          if (status >= lowestError) Object.assign(samples, { failed: samples.failed + 1, why: `status ${status}` });
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          // What is declared to speak HTTP and hangs up is broken: Docker's proxy does so where nobody listens behind it.
          if (isGuess && /HTTP|Parse Error|other side closed|socket hang up/i.test(why)) {
            found.delete(service);
            return;
          }
          if (/no answer within/.test(why)) samples.times.push(options.withinMs + 1);
          Object.assign(samples, { failed: samples.failed + 1, why });
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      } while (Date.now() < until && !signal.aborted);
    }),
  );
  return found;
}

function targetsOf(services: ReadonlyMap<string, LiveService>, { http, withinMs }: SampleOptions): Target[] {
  const request = { path: '/', method: 'GET', headers: {}, body: undefined, withinMs } as const;
  const declared = http.filter(({ method }) => method === 'GET' || method === 'HEAD');
  const asked = new Set(declared.map(({ service }) => service));
  return [
    ...declared.flatMap((it): Target[] => {
      const info = services.get(it.service)?.containers.find(({ State: { Running: is } }) => is);
      if (!info) return [];
      try {
        const endpoint = endpointOf(info, it.service, it.port);
        return [{ service: it.service, endpoint, request: { ...it, withinMs }, isGuess: false }];
      } catch {
        return []; // rewind verify tells why
      }
    }),
    ...[...services.values()]
      .filter(({ name, isJob }) => !isJob && !asked.has(name))
      .flatMap(({ name, containers }) =>
        containers
          .filter(({ State: { Running: is } }) => is)
          .flatMap((info) =>
            publishedPorts(info).map((endpoint) => ({ service: name, endpoint, request, isGuess: true })),
          ),
      ),
  ];
}
