import type Docker from 'dockerode';

import { stackLabel, composeLabel } from '../container/labels';
import { deathOf } from '../docker/death';
import { listContainers } from '../docker/inventory';
import { refusal } from '../docker/refusal';
import { type Problem, RewindError } from '../errors';
import { waitUntilReady } from '../probe/readiness';

/** What is restarted, and what hears of its progress. */
export interface RestartOptions {
  /** Services to restart. @default all */
  readonly services?: readonly string[];
  /** Restarts what starts after this service, directly or not, and not the service itself. @default {@link services} */
  readonly using?: string;
  /** Runs while all of them are stopped. If it fails they are started again, and its error is thrown. @default nothing */
  readonly whileStopped?: () => Promise<void>;
  /** Runs before the first of them is stopped. @default nothing */
  readonly onStopping?: (services: readonly string[]) => Promise<void>;
  readonly onStopped?: (service: string) => void;
  readonly onReady?: (service: string) => void;
  /** Asks to stop no more services; those that are stopped are started again. @default never */
  readonly signal?: AbortSignal;
}

interface RunningService {
  readonly name: string;
  readonly containers: readonly Docker.ContainerInfo[];
  /** Services that it starts after. */
  readonly after: readonly string[];
}

/**
 * Restarts services in order: stops those that depend on others first, and starts each when what it depends on is
 * ready. Services that do not depend on each other go side by side. Jobs that have ended are left alone.
 *
 * @param stack - `project/stack` of Pulumi
 * @returns the services that were restarted
 * @throws RewindError cli/usage for a service that does not run; service/not-ready, docker/failed: it says what is down
 */
export async function restartServices(docker: Docker, stack: string, options: RestartOptions = {}): Promise<string[]> {
  const services = await runningServices(docker, stack);
  const { services: wanted = [], using, signal } = options;
  const unknown = wanted.filter((name) => !services.has(name));
  if (unknown.length > 0 || services.size === 0) {
    const there = [...services.keys()].sort().join(', ');
    throw new RewindError({
      code: 'cli/usage',
      message:
        services.size === 0
          ? `No service of the stack ${stack} runs.`
          : `The stack ${stack} runs no service ${unknown.join(', ')}.`,
      fix: services.size === 0 ? 'Bring it up: rewind deploy.' : `There are: ${there}.`,
    });
  }
  const chosen = using === undefined ? named(services, wanted) : usersOf(services, using);
  const down = new Set<string>();
  const restarted: string[] = [];
  if (!signal?.aborted) await options.onStopping?.([...chosen.keys()]);
  try {
    await eachInOrder(chosen, dependentsOf(chosen), async ({ name, containers }) => {
      if (signal?.aborted) return;
      down.add(name);
      await each(containers, (container) => stop(docker, container));
      options.onStopped?.(name);
    });
    const quiet = signal?.aborted ? undefined : options.whileStopped?.();
    const failure = await quiet?.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    await eachInOrder(
      chosen,
      (service) => service.after,
      async ({ name, containers }) => {
        if (!down.has(name)) return;
        await each(containers, async ({ Id: id }) => {
          await docker.getContainer(id).start().catch(refusedTo('start', name));
          down.delete(name);
          await waitUntilReady(docker, id, { service: name });
        });
        restarted.push(name);
        options.onReady?.(name);
      },
    );
    if (failure) throw failure.error;
  } catch (error) {
    throw sayingWhatIsDown(error, down);
  }
  return restarted.sort();
}

/**
 * Stops the services that start after one, directly or not, those that depend on others first. One that does not run
 * is left alone.
 *
 * @param stack - `project/stack` of Pulumi
 * @param others - services to stop as well, if they are there
 * @param onStopping - runs before the first of them is stopped
 * @returns those that were stopped
 * @throws RewindError docker/failed
 */
export async function stopUsers(
  docker: Docker,
  stack: string,
  used: string,
  others: readonly string[],
  onStopping: (services: readonly string[]) => Promise<void>,
): Promise<string[]> {
  const services = await runningServices(docker, stack);
  const users = usersOf(services, used);
  const running = new Map(
    [...services].filter(
      ([name, { containers }]) => (users.has(name) || others.includes(name)) && containers.some(isRunning),
    ),
  );
  if (running.size === 0) return [];
  await onStopping([...running.keys()].sort());
  await eachInOrder(running, dependentsOf(running), ({ containers }) =>
    each(containers.filter(isRunning), (container) => stop(docker, container)),
  );
  return [...running.keys()].sort();
}

/** Which of these services are there and do not run. Jobs that have ended are none. */
export async function stoppedAmong(docker: Docker, stack: string, names: readonly string[]): Promise<string[]> {
  const services = await runningServices(docker, stack);
  return names.filter((name) => services.has(name) && !services.get(name)!.containers.some(isRunning));
}

function isRunning({ State: state }: Docker.ContainerInfo): boolean {
  return state === 'running' || state === 'restarting';
}

function named(services: ReadonlyMap<string, RunningService>, wanted: readonly string[]): Map<string, RunningService> {
  return new Map([...services].filter(([name]) => wanted.length === 0 || wanted.includes(name)));
}

/** Services that start after one, or after one that does. */
function usersOf(services: ReadonlyMap<string, RunningService>, used: string): Map<string, RunningService> {
  const users = new Set<string>();
  for (let before = -1; before < users.size;) {
    before = users.size;
    for (const { name, after } of services.values()) {
      if (after.some((it) => it === used || users.has(it))) users.add(name);
    }
  }
  return named(services, users.size === 0 ? [''] : [...users]);
}

function sayingWhatIsDown(error: unknown, down: ReadonlySet<string>): unknown {
  if (!(error instanceof RewindError) || down.size === 0) return error;
  const [first, ...others] = error.problems;
  const stopped: Problem = {
    code: 'service/not-ready',
    message: `Stopped, and not started again: ${[...down].sort().join(', ')}.`,
    fix: 'Mend what is named above, then: rewind restart.',
  };
  return new RewindError(first!, [...others, stopped]);
}

async function runningServices(docker: Docker, stack: string): Promise<Map<string, RunningService>> {
  const containers = await listContainers(docker);
  const ours = containers.filter(({ Labels: labels }) => labels[stackLabel] === stack);
  const jobs = new Set(ours.flatMap(({ Labels: labels }) => waitedToEnd(labels)));
  const byName = new Map<string, Docker.ContainerInfo[]>();
  for (const container of ours) {
    const name = container.Labels[composeLabel('service')]!;
    if (!jobs.has(name)) byName.set(name, [...(byName.get(name) ?? []), container]);
  }
  return new Map(
    [...byName].map(([name, list]) => [
      name,
      { name, containers: list, after: dependencies(list[0]!.Labels).map(({ service }) => service) },
    ]),
  );
}

/** What the label says: `db:service_healthy:false,cache:service_started:false`. */
function dependencies(labels: Readonly<Record<string, string>>): { service: string; condition: string }[] {
  const text = labels[composeLabel('depends_on')] ?? '';
  return text
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [service = '', condition = ''] = entry.split(':');
      return { service, condition };
    });
}

function waitedToEnd(labels: Readonly<Record<string, string>>): string[] {
  return dependencies(labels).flatMap(({ service, condition }) =>
    condition === 'service_completed_successfully' ? [service] : [],
  );
}

function dependentsOf(services: ReadonlyMap<string, RunningService>): (service: RunningService) => string[] {
  return ({ name }) => [...services.values()].filter(({ after }) => after.includes(name)).map((it) => it.name);
}

/** Does something for each service as soon as it is done for all those before it. The first failure is thrown at the end. */
async function eachInOrder(
  services: ReadonlyMap<string, RunningService>,
  before: (service: RunningService) => readonly string[],
  work: (service: RunningService) => Promise<void>,
): Promise<void> {
  const under = new Map<string, Promise<void>>();
  const start = (service: RunningService): Promise<void> => {
    const known = under.get(service.name);
    if (known) return known;
    const first = before(service).flatMap((name) => services.get(name) ?? []);
    const done = each(first, start).then(() => work(service));
    under.set(service.name, done);
    return done;
  };
  await each([...services.values()], start);
}

/** Side by side; waits for all, then throws the first failure. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Stops a container. Its processes have ended then; the engine may still be taking it out of its networks. */
async function stop(docker: Docker, { Id: id, Labels: labels }: Docker.ContainerInfo): Promise<void> {
  const over = new AbortController();
  const death = await deathOf(docker, id, over.signal).catch(() => undefined);
  const stopping = docker
    .getContainer(id)
    .stop()
    .catch((error: unknown) => {
      const alreadyStopped = (error as { statusCode?: number }).statusCode === 304;
      if (!alreadyStopped) refusedTo('stop', labels[composeLabel('service')]!)(error);
    });
  // What the engine says after the end is all the same.
  stopping.catch(() => undefined);
  try {
    await Promise.race([stopping, ...(death ? [death.ended] : [])]);
  } finally {
    over.abort();
  }
}

function refusedTo(what: string, service: string): (error: unknown) => never {
  return (error) => {
    throw refusal(`The engine does not ${what} ${service}`, 'Look at it: docker ps -a, docker logs.', error);
  };
}
