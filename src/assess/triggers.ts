import type Docker from 'dockerode';

import { shortId } from '../docker/short-id';
import type { LiveService } from '../verify/live-service';
import type { Evidence } from './evidence';
import type { Thresholds } from './thresholds';

/** What speaks for a rollback: a reason that holds. */
export interface Finding {
  /** The service it is about. @default the stack as a whole */
  readonly service?: string;
  /** What was seen: which container, since when, which line of its log. */
  readonly evidence: string;
  /** Since when, in milliseconds since 1970. @default nobody can tell */
  readonly since?: number;
}

/** One reason to roll back, of those that a runbook lists. */
export interface Trigger {
  readonly id: string;
  /** What it means that it holds. */
  readonly title: string;
  readonly kind: 'service' | 'data' | 'security' | 'performance' | 'drift';
  /** Looks for it; one finding for each place. */
  readonly find: (evidence: Evidence, thresholds: Thresholds) => readonly Finding[];
}

/** A trigger that holds. */
export interface Hit extends Finding {
  readonly trigger: Trigger;
}

const minute = 60_000;

/** Every trigger, in the order in which they are told. docs/assess.md is made of this table. */
export const triggers: readonly Trigger[] = [
  {
    id: 'does-not-start',
    title: 'a service does not start, after 3 tries',
    kind: 'service',
    find: (evidence, { startAttempts }) =>
      perContainer(evidence, (info) => {
        const { State: state, RestartCount: restarts } = info;
        if (state.Status === 'running' && !isYoung(info, evidence.now)) return undefined;
        if (state.Status === 'exited' && state.ExitCode === 0) return undefined;
        const isRefused = state.Status === 'created' && state.Error !== '';
        if (restarts < startAttempts && !isRefused) return undefined;
        const how = isRefused ? `the engine does not start it: ${state.Error}` : `started ${restarts + 1} times`;
        return `${nameOf(info)}: ${how}, last exit code ${state.ExitCode}${lastLine(evidence, info)}`;
      }),
  },
  {
    id: 'stopped',
    title: 'a service that should run does not',
    kind: 'service',
    find: ({ expected, services, logs }) =>
      Object.entries(expected).flatMap(([service, { containers }]) => {
        const live = services.get(service);
        if (live?.isJob) return jobFailed(live);
        const running = (live?.containers ?? []).filter(({ State: { Running: is, Paused: paused } }) => is && !paused);
        if (running.length >= containers) return [];
        const others = (live?.containers ?? []).filter((info) => !running.includes(info));
        const how = others.map((info) => `${nameOf(info)} ${stateOf(info)}${lastLine({ logs }, info)}`);
        const since = Math.min(...others.map(({ State: { FinishedAt: at } }) => Date.parse(at)));
        const evidence = how.length > 0 ? how.join('; ') : 'its container is gone';
        return [{ service, evidence, ...(Number.isFinite(since) && since > 0 && { since }) }];
      }),
  },
  {
    id: 'restart-loop',
    title: 'a service crashes again and again',
    kind: 'service',
    find: (evidence, { loopEnds, windowMinutes }) =>
      perContainer(evidence, (info) => {
        const ends = (evidence.events.get(info.Id)?.ends ?? []).filter(
          (at) => at > evidence.now - windowMinutes * minute,
        );
        if (ends.length < loopEnds) return undefined;
        return {
          evidence: `${nameOf(info)} has ended ${ends.length} times in ${windowMinutes} minutes, last exit code ${info.State.ExitCode}${lastLine(evidence, info)}`,
          since: Math.min(...ends),
        };
      }),
  },
  {
    id: 'unhealthy',
    title: 'health checks fail',
    kind: 'service',
    find: (evidence) =>
      perContainer(evidence, (info) => {
        const health = info.State.Health;
        if (info.State.Status !== 'running' || health?.Status !== 'unhealthy') return undefined;
        const last = health.Log.at(-1);
        const first = health.Log.find(({ ExitCode: code }) => code !== 0);
        const output = last?.Output.trim().split('\n').at(-1) ?? '';
        return {
          evidence: `${nameOf(info)}: ${health.FailingStreak} in a row${output === '' ? '' : `, the last said: ${output}`}`,
          ...(first && { since: Date.parse(first.Start) }),
        };
      }),
  },
  {
    id: 'database-unreachable',
    title: 'the database refuses connections',
    kind: 'service',
    find: ({ database }) =>
      database?.unreachable === undefined ? [] : [{ service: database.service, evidence: database.unreachable }],
  },
  {
    id: 'database-lost',
    title: 'a service has lost its connection to the database',
    kind: 'service',
    find: (evidence, { lostLines, windowMinutes }) =>
      perContainer(evidence, (info, { name }) => {
        if (name === evidence.database?.service || !evidence.database) return undefined;
        const lines = (evidence.logs.get(info.Id) ?? []).filter((line) => lostPattern.test(line));
        if (lines.length < lostLines) return undefined;
        return `${nameOf(info)}: ${lines.length} lines in ${windowMinutes} minutes, the last: ${shortened(lines.at(-1)!)}`;
      }),
  },
  {
    id: 'out-of-memory',
    title: 'a service was killed for its memory',
    kind: 'performance',
    find: (evidence, { windowMinutes }) =>
      perContainer(evidence, (info) => {
        const kills = (evidence.events.get(info.Id)?.outOfMemory ?? []).filter(
          (at) => at > evidence.now - windowMinutes * minute,
        );
        if (kills.length === 0 && !(info.State.OOMKilled && !info.State.Running)) return undefined;
        const limit = info.HostConfig.Memory ? ` of ${mebibytes(info.HostConfig.Memory)}` : '';
        return {
          evidence: `${nameOf(info)} went over its limit${limit}${kills.length > 1 ? `, ${kills.length} times` : ''}`,
          ...(kills.length > 0 && { since: Math.min(...kills) }),
        };
      }),
  },
  {
    id: 'memory-near-limit',
    title: 'a service is about to run out of memory',
    kind: 'performance',
    find: (evidence, { memory }) =>
      perContainer(evidence, (info) => {
        const used = evidence.usage.get(info.Id);
        if (!used || !info.HostConfig.Memory || used.memoryBytes < memory * used.memoryLimitBytes) return undefined;
        return `${nameOf(info)}: ${mebibytes(used.memoryBytes)} of ${mebibytes(used.memoryLimitBytes)}`;
      }),
  },
  {
    id: 'cpu-at-limit',
    title: 'a service uses all of the processor that it may',
    kind: 'performance',
    find: (evidence, { cpu }) =>
      perContainer(evidence, (info) => {
        const used = evidence.usage.get(info.Id);
        if (!used || Math.max(used.cpu, used.throttled) < cpu) return undefined;
        const heldBack = used.throttled > 0 ? `, held back for ${Math.round(used.throttled * 100)} % of it` : '';
        return `${nameOf(info)}: ${Math.round(used.cpu * 100)} % over a second${heldBack}`;
      }),
  },
  {
    id: 'slow',
    title: 'a service answers too slowly',
    kind: 'performance',
    find: ({ samples }, { slowMs }) =>
      [...samples].flatMap(([service, { times, asked }]) => {
        const slow = times.filter((time) => time > slowMs);
        if (slow.length === 0) return [];
        return [
          {
            service,
            evidence: `${slow.length} of ${asked} answers, the slowest in ${(Math.max(...slow) / 1000).toFixed(1)} s`,
          },
        ];
      }),
  },
  {
    id: 'errors',
    title: 'a service answers with errors',
    kind: 'service',
    find: ({ samples }, { errorRate }) =>
      [...samples].flatMap(([service, { failed, asked, why }]) =>
        asked > 0 && failed / asked > errorRate
          ? [{ service, evidence: `${failed} of ${asked} requests failed${why === undefined ? '' : `: ${why}`}` }]
          : [],
      ),
  },
  {
    id: 'migration-failed',
    title: 'a migration has failed or was left half applied',
    kind: 'data',
    find: (evidence) => {
      const { database, interrupted } = evidence;
      const indexes = database?.invalidIndexes ?? [];
      return [
        ...interrupted.map((it) => ({ evidence: it })),
        ...(indexes.length > 0
          ? [
              {
                service: database!.service,
                evidence: `indexes that were not built to their end: ${indexes.join(', ')}`,
              },
            ]
          : []),
      ];
    },
  },
  {
    id: 'revision-mismatch',
    title: 'the revision of the database and the image do not belong together',
    kind: 'data',
    find: ({ database }) => {
      const { service, revisions, heads, isKnown } = database ?? {};
      if (!service || !revisions || !heads) return [];
      const [is, wanted] = [names(revisions), names(heads)];
      if (isKnown === false)
        return [
          {
            service,
            evidence: `the database stands at ${is}, which the image that runs does not know (its newest is ${wanted})`,
          },
        ];
      return is === wanted
        ? []
        : [{ service, evidence: `the database stands at ${is}, the image that runs is made for ${wanted}` }];
    },
  },
  {
    id: 'schema-changed',
    title: 'the schema is not that of the release',
    kind: 'data',
    find: ({ database }) => {
      const { service, fingerprint, released } = database ?? {};
      if (!service || fingerprint === undefined || released === undefined || fingerprint === released) return [];
      return [{ service, evidence: 'an object of it was changed since, with no migration that alembic knows of' }];
    },
  },
  {
    id: 'data-check-failed',
    title: 'the data fails its checks',
    kind: 'data',
    find: ({ database }) =>
      (database?.failedChecks ?? []).map((evidence) => ({ service: database!.service, evidence })),
  },
  {
    id: 'drift',
    title: 'what runs is not what the release says',
    kind: 'drift',
    find: ({ expected, services }) =>
      Object.entries(expected).flatMap(([service, { imageId, image }]) => {
        const others = (services.get(service)?.containers ?? []).filter((info) => info.Image !== imageId);
        return others.map((info) => ({
          service,
          evidence: `${nameOf(info)} runs ${shortId(info.Image)} instead of ${image} (${shortId(imageId)})`,
        }));
      }),
  },
  {
    id: 'disk-nearly-full',
    title: 'a disk is nearly full',
    kind: 'performance',
    find: ({ disks }, { disk }) =>
      disks.flatMap(({ what, freeBytes, totalBytes }) => {
        const used = 1 - freeBytes / totalBytes;
        return used >= disk
          ? [{ evidence: `the disk of ${what}: ${Math.round(used * 100)} % are used, ${mebibytes(freeBytes)} free` }]
          : [];
      }),
  },
  {
    id: 'security',
    title: 'a security problem was declared',
    kind: 'security',
    find: ({ security }) => (security === undefined ? [] : [{ evidence: security }]),
  },
];

/** Looks at each container of each service that is no job. */
function perContainer(
  { services }: Evidence,
  look: (info: Docker.ContainerInspectInfo, service: LiveService) => string | Omit<Finding, 'service'> | undefined,
): Finding[] {
  return [...services.values()]
    .filter(({ isJob }) => !isJob)
    .flatMap((service) =>
      service.containers.flatMap((info): Finding[] => {
        const found = look(info, service);
        if (found === undefined) return [];
        return [{ service: service.name, ...(typeof found === 'string' ? { evidence: found } : found) }];
      }),
    );
}

function jobFailed({ name, containers }: LiveService): Finding[] {
  return containers
    .filter(({ State: state }) => state.Status === 'exited' && state.ExitCode !== 0)
    .map((info) => ({
      service: name,
      evidence: `the job ${nameOf(info)} has ended with exit code ${info.State.ExitCode}`,
      since: Date.parse(info.State.FinishedAt),
    }));
}

/** A container that was started a moment ago has not shown yet whether it stays. */
function isYoung({ State: { StartedAt: at } }: Docker.ContainerInspectInfo, now: number): boolean {
  return now - Date.parse(at) < 10_000;
}

/** What clients of a database say when it is gone: libpq, SQLAlchemy, the JDBC and Node.js drivers, Django, Rails. */
const lostPattern =
  /could not connect to server|connection to server .* failed|server closed the connection|terminating connection due to|ECONNREFUSED.*5432|could not translate host name|Connection terminated unexpectedly|psycopg2?\.OperationalError|PG::ConnectionBad|the database system is (shutting down|starting up)/i;

function stateOf({ State: state }: Docker.ContainerInspectInfo): string {
  if (state.Paused) return 'is paused';
  if (state.Status === 'exited') return `has ended with exit code ${state.ExitCode}`;
  return `is ${state.Status}`;
}

function lastLine({ logs }: Pick<Evidence, 'logs'>, { Id: id }: Docker.ContainerInspectInfo): string {
  const line = logs.get(id)?.at(-1);
  return line === undefined ? '' : `; its last line: ${shortened(line)}`;
}

function shortened(line: string): string {
  const text = line.trim();
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}

function nameOf({ Name: name }: Docker.ContainerInspectInfo): string {
  return name.slice(1);
}

function names(revisions: readonly string[]): string {
  return [...revisions].sort().join(', ') || 'none';
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
