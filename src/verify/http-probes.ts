import { publishedPorts, type Endpoint, endpointOf } from './endpoint';
import type { LookAtServices } from './container-probes';
import { ask, check, walk } from './http';
import type { LiveService } from './live-service';
import { type Level, type Probe, ProbeFailed } from './probe';
import type { HttpCheck, Load, VerifySettings } from './settings';

/** What is asked of services by HTTP: what is declared, and of each published port that it answers at all. */
export function httpProbes(
  settings: VerifySettings,
  services: ReadonlyMap<string, LiveService>,
  look: LookAtServices,
): Probe[] {
  const where = async (service: string, port?: number): Promise<Endpoint> => {
    const [info] = (await look()).get(service)?.containers ?? [];
    if (!info) throw new ProbeFailed(`the service ${service} has no container`);
    return endpointOf(info, service, port);
  };
  const asked = new Set(settings.http.map(({ service }) => service));
  return [
    ...settings.http.map((it) => answers(it, 'functional', where)),
    ...[...services.values()].filter(({ name }) => !asked.has(name)).flatMap((service) => answersAtAll(service)),
    ...settings.workflows.map((workflow): Probe => ({
      name: workflow.name,
      level: 'functional',
      attempts: 2,
      look: async (signal) => {
        const times = await walk(workflow, where, signal);
        return `${times.length} steps, ${ms(times.reduce((all, it) => all + it, 0))}`;
      },
    })),
    ...settings.monitoring.map((it) => answers(it, 'full', where)),
    ...settings.load.map((it) => standsLoad(it, where)),
  ];
}

type Where = (service: string, port?: number) => Promise<Endpoint>;

function answers(it: HttpCheck, level: Level, where: Where): Probe {
  return {
    name: it.name ?? `${it.service}: ${it.method} ${it.path}`,
    level,
    service: it.service,
    look: async (signal) => {
      const answer = await ask(await where(it.service, it.port), it, signal);
      check(answer, it);
      return `${answer.status}, ${ms(answer.milliseconds)}`;
    },
  };
}

const defaultRequest = { path: '/', method: 'GET', headers: {}, body: undefined, withinMs: 5000 } as const;
/** Errors of the service itself; anything else is an answer, e.g. that one has to log in first. */
const lowestError = 500;

/** A port that does not speak HTTP has shown already that it takes connections. */
function answersAtAll({ name, containers }: LiveService): Probe[] {
  const ports = containers[0] ? publishedPorts(containers[0]) : [];
  return ports.map((port) => ({
    name: `${name} answers at ${port.host}:${port.port}`,
    level: 'functional',
    service: name,
    look: async (signal) => {
      try {
        const { status, milliseconds, text } = await ask(port, defaultRequest, signal);
        if (status < lowestError) return `${status}, ${ms(milliseconds)}`;
        throw new ProbeFailed(`status ${status}`, { evidence: text.trim().slice(0, 500) });
      } catch (error) {
        if (
          error instanceof ProbeFailed &&
          /HTTP|Parse Error|other side closed|socket hang up|ECONNRESET/i.test(error.message)
        )
          return 'does not speak HTTP';
        throw error;
      }
    },
  }));
}

/** A fixed number of requests, and how long nearly all of them took. */
function standsLoad(load: Load, where: Where): Probe {
  const { service, method, path, requests, concurrency, p50Ms, p95Ms } = load;
  return {
    name: `${service}: ${requests} × ${method} ${path}, ${concurrency} at a time`,
    level: 'full',
    service,
    attempts: 2,
    look: async (signal) => {
      const endpoint = await where(service, load.port);
      const times: number[] = [];
      const failed: string[] = [];
      let left = requests;
      const work = async (): Promise<void> => {
        while (left-- > 0) {
          try {
            const answer = await ask(endpoint, { ...load, withinMs: 30_000 }, signal);
            if (answer.status >= lowestError) failed.push(`status ${answer.status}`);
            times.push(answer.milliseconds);
          } catch (error) {
            failed.push(error instanceof Error ? error.message : String(error));
          }
        }
      };
      await Promise.all(Array.from({ length: concurrency }, work));
      if (failed.length > 0) throw new ProbeFailed(`${failed.length} of ${requests} failed: ${failed[0]}`);
      const [p50, p95] = [percentile(times, 50), percentile(times, 95)];
      const said = `half within ${ms(p50)}, 95 % within ${ms(p95)}`;
      const isSlow = p95 > p95Ms || (p50Ms !== undefined && p50 > p50Ms);
      if (!isSlow) return said;
      const bars = [...(p50Ms === undefined ? [] : [`half within ${p50Ms} ms`]), `95 % within ${p95Ms} ms`];
      throw new ProbeFailed(`${said}; wanted: ${bars.join(', ')}`);
    },
  };
}

/** The nearest-rank percentile: https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

function ms(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}
