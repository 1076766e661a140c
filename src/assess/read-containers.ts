import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import type { LiveService } from '../verify/live-service';
import { logOf } from '../verify/container-probes';
import type { ContainerEvents, Usage } from './evidence';

/** What `docker stats` is made of. */
export interface Stats {
  /** When it was looked at the first and the second time. */
  readonly preread: string;
  readonly read: string;
  readonly cpu_stats: CpuStats;
  readonly precpu_stats: CpuStats;
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
}

interface CpuStats {
  readonly cpu_usage: { readonly total_usage: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
  /** Of a container whose processors are limited, the scheduler's periods in which it was held back. */
  readonly throttling_data?: { readonly throttled_periods: number };
}

/** Microseconds; also what the engine makes `cpus` with. */
const defaultPeriodUs = 100_000;

/** How much running containers use, over about a second. */
export async function readUsage(
  docker: Docker,
  services: ReadonlyMap<string, LiveService>,
): Promise<Map<string, Usage>> {
  const running = containersOf(services).filter(({ State: { Running: is } }) => is);
  const found = await Promise.all(
    running.map(async (info): Promise<[string, Usage][]> => {
      // The engine looks twice, a second apart, unless it is told not to.
      const stats = (await docker
        .getContainer(info.Id)
        .stats({ stream: false })
        .catch(() => undefined)) as Stats | undefined;
      const usage = stats && usageOf(stats, info);
      return usage ? [[info.Id, usage]] : [];
    }),
  );
  return new Map(found.flat());
}

/**
 * The formulas of `docker stats`: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerStats;
 * the periods are those of the kernel's CFS bandwidth control: https://docs.kernel.org/scheduler/sched-bwc.html
 */
export function usageOf(
  { preread, read, cpu_stats: now, precpu_stats: before, memory_stats: memory }: Stats,
  { HostConfig: host }: Pick<Docker.ContainerInspectInfo, 'HostConfig'>,
): Usage | undefined {
  if (memory.usage === undefined || memory.limit === undefined) return undefined;
  const online = now.online_cpus ?? 1;
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const processors = all > 0 ? (own / all) * online : 0;
  // `cpus: 0.5`; without it, as many as there are.
  const allowed = host.NanoCpus
    ? host.NanoCpus / 1e9
    : host.CpuQuota && host.CpuPeriod
      ? host.CpuQuota / host.CpuPeriod
      : online;
  const throttled = (now.throttling_data?.throttled_periods ?? 0) - (before.throttling_data?.throttled_periods ?? 0);
  // The kernel counts periods only while there is something to run: they are held against the clock.
  const heldBackMs = (throttled * (host.CpuPeriod || defaultPeriodUs)) / 1000;
  const elapsedMs = Date.parse(read) - Date.parse(preread);
  const reclaimable = memory.stats?.['inactive_file'] ?? memory.stats?.['total_inactive_file'] ?? 0;
  return {
    cpu: processors / allowed,
    throttled: elapsedMs > 0 ? Math.min(1, heldBackMs / elapsedMs) : 0,
    memoryBytes: Math.max(0, memory.usage - reclaimable),
    memoryLimitBytes: memory.limit,
  };
}

/** What the engine has seen end, or be killed for its memory, since a time. */
export async function readEvents(
  docker: Docker,
  stack: string,
  sinceMs: number,
  nowMs: number,
): Promise<Map<string, ContainerEvents>> {
  const stream = await docker.getEvents({
    since: Math.floor(sinceMs / 1000),
    until: nowMs / 1000,
    filters: { type: ['container'], event: ['die', 'oom'], label: [`${stackLabel}=${stack}`] },
  } as Docker.GetEventsOptions);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  const events = new Map<string, { ends: number[]; outOfMemory: number[] }>();
  for (const line of text.split('\n').filter((it) => it.trim() !== '')) {
    const { Action: action, id, timeNano } = JSON.parse(line) as { Action: string; id: string; timeNano: number };
    const of = events.get(id) ?? { ends: [], outOfMemory: [] };
    (action === 'oom' ? of.outOfMemory : of.ends).push(timeNano / 1e6);
    events.set(id, of);
  }
  return events;
}

const tail = 100;

/** The last lines that each container has logged since a time. */
export async function readLogs(
  docker: Docker,
  services: ReadonlyMap<string, LiveService>,
  sinceMs: number,
): Promise<Map<string, readonly string[]>> {
  const since = new Date(sinceMs).toISOString();
  const found = await Promise.all(
    containersOf(services).map(async ({ Id: id }): Promise<[string, string[]]> => [
      id,
      await logOf(docker.getContainer(id), since, { tail }).catch(() => []), // a logging driver that cannot be read
    ]),
  );
  return new Map(found);
}

function containersOf(services: ReadonlyMap<string, LiveService>): Docker.ContainerInspectInfo[] {
  return [...services.values()].flatMap(({ containers }) => containers);
}
