import type { ComposeModel, ComposeService } from './model';

/** Services that a service names in depends_on and that are part of the model. */
export function dependenciesOf(model: ComposeModel, service: string): string[] {
  return Object.keys(model.services[service]?.depends_on ?? {}).filter((name) => Object.hasOwn(model.services, name));
}

/**
 * Services in an order in which each comes after everything it depends on; among equals, by name. A cycle, which docker
 * compose refuses before, is cut somewhere.
 */
export function startOrder(model: ComposeModel): string[] {
  const order = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const dependency of dependenciesOf(model, name).sort()) visit(dependency);
    order.add(name);
  };
  for (const name of Object.keys(model.services).sort()) visit(name);
  return [...order];
}

/** Services that start after a service, directly or not; sorted. */
export function followersOf(model: ComposeModel, service: string): string[] {
  const found = new Set<string>();
  for (const name of startOrder(model)) {
    if (dependenciesOf(model, name).some((before) => before === service || found.has(before))) found.add(name);
  }
  return [...found].sort();
}

/** How many containers a service has: `scale`, else `deploy.replicas`, else 1. */
export function replicasOf(service: ComposeService): number {
  return service.scale ?? service.deploy?.replicas ?? 1;
}

/** True if some other service waits for this one to end successfully: it is a one-shot job. */
export function isOneShot(model: ComposeModel, name: string): boolean {
  return Object.values(model.services).some(
    (service) => service.depends_on?.[name]?.condition === 'service_completed_successfully',
  );
}
