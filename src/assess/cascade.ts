import type { LiveService } from '../verify/live-service';
import { dependenciesIn } from '../verify/live-service';
import type { Hit } from './triggers';

/** A service that is in trouble, and those that are so only because they depend on it. */
export interface Cascade {
  readonly cause: string;
  readonly followers: readonly string[];
}

/**
 * Tells causes from what only follows: a service in trouble that depends, directly or not, on another one in trouble is a
 * follower of the one furthest up.
 */
export function findCascades(hits: readonly Hit[], services: ReadonlyMap<string, LiveService>): Cascade[] {
  const troubled = new Set(hits.flatMap(({ service }) => service ?? []));
  const causes = new Map<string, string[]>();
  for (const name of troubled) {
    const above = upstream(name, services).filter((it) => troubled.has(it));
    const root = above.find((it) => !upstream(it, services).some((other) => troubled.has(other)));
    if (root === undefined) causes.set(name, causes.get(name) ?? []);
    else causes.set(root, [...(causes.get(root) ?? []), name]);
  }
  return [...causes]
    .filter(([, followers]) => followers.length > 0)
    .map(([cause, followers]) => ({ cause, followers: followers.sort() }));
}

/** Everything that a service starts after, directly or not; nearest first. */
function upstream(name: string, services: ReadonlyMap<string, LiveService>): string[] {
  const found = new Set<string>();
  const visit = (service: string): void => {
    const live = services.get(service);
    for (const { service: before } of live ? dependenciesIn(live) : []) {
      if (before === name || found.has(before)) continue;
      found.add(before);
      visit(before);
    }
  };
  visit(name);
  return [...found];
}
