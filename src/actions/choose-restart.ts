import type Docker from 'dockerode';

import type { ReleaseRecord } from '../releases/record';
import { dependenciesIn, type LiveService, readLiveServices } from '../verify/live-service';

/** Which services are to be restarted. */
export interface RestartChoice {
  /** Every service. @default false */
  readonly all?: boolean;
  /** Only those that are unhealthy, restart over and over or do not run. @default false */
  readonly unhealthy?: boolean;
  /** Services that are left up: `rewind:infrastructure`. @default {@link infrastructureOf} */
  readonly infrastructure?: readonly string[];
}

/**
 * Chooses the services to restart, where none is named: those of the application, and whatever does not run. Jobs are left
 * alone.
 *
 * @param stack - `project/stack` of Pulumi
 * @param releases - to tell the application from what it stands on
 */
export async function chooseRestart(
  docker: Docker,
  stack: string,
  releases: readonly ReleaseRecord[],
  { all = false, unhealthy = false, infrastructure }: RestartChoice,
): Promise<string[]> {
  const services = await readLiveServices(docker, stack);
  const there = [...services.values()].filter(({ isJob }) => !isJob);
  if (all) return there.map(({ name }) => name);
  const troubled = there.filter(isTroubled).map(({ name }) => name);
  if (unhealthy) return troubled;
  const kept = new Set(infrastructure ?? infrastructureOf(services, releases));
  return there.map(({ name }) => name).filter((name) => !kept.has(name) || troubled.includes(name));
}

function isTroubled({ containers }: LiveService): boolean {
  return containers.some(
    ({ State: state }) => !state.Running || state.Paused || state.Restarting || state.Health?.Status === 'unhealthy',
  );
}

/**
 * What an application stands on: services that start after nothing, that others start after, and that no release has
 * brought another image of; databases, caches, queues.
 */
export function infrastructureOf(
  services: ReadonlyMap<string, LiveService>,
  releases: readonly ReleaseRecord[],
): string[] {
  const used = new Set([...services.values()].flatMap((it) => dependenciesIn(it).map(({ service }) => service)));
  const images = (name: string): Set<string> =>
    new Set(releases.flatMap((release) => release.services[name]?.imageId ?? []));
  return [...services.values()]
    .filter((it) => used.has(it.name) && dependenciesIn(it).length === 0 && images(it.name).size <= 1)
    .map(({ name }) => name);
}
