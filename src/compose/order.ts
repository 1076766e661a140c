import type { ComposeModel, ComposeService } from './model';

/** Services that a service names in depends_on and that are part of the model. */
export function dependenciesOf(model: ComposeModel, service: string): string[] {
  return Object.keys(model.services[service]?.depends_on ?? {}).filter((name) => Object.hasOwn(model.services, name));
}

/**
 * Services in an order in which each comes after everything it depends on; among equals, by name.
 *
 * @returns the order, and the services of one cycle if there is one; the order then has some service before one that it
 *   depends on.
 */
export function startOrder(model: ComposeModel): { readonly order: string[]; readonly cycle?: string[] } {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  let cycle: string[] | undefined;

  const visit = (name: string, path: string[]): void => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      cycle ??= [...path.slice(path.indexOf(name)), name];
      return;
    }
    state.set(name, 'open');
    for (const dependency of dependenciesOf(model, name).sort()) visit(dependency, [...path, name]);
    state.set(name, 'done');
    order.push(name);
  };
  for (const name of Object.keys(model.services).sort()) visit(name, []);
  return cycle ? { order, cycle } : { order };
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
