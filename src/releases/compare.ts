import type { ComposeProject } from '../compose/load';
import type { ComposeModel, ComposeService } from '../compose/model';
import { mask, type SecretValues } from '../container/project-secrets';
import { isHarmless } from '../sensitive';

/** A compose project with the stack configuration laid over it, and what of it must not be shown. */
export interface Compared {
  readonly project: ComposeProject;
  readonly secrets: SecretValues;
  /** By service, environment keys whose values may be shown. */
  readonly shown: Readonly<Record<string, readonly string[]>>;
  /** By service, environment keys whose values are secret by declaration. */
  readonly hidden: Readonly<Record<string, readonly string[]>>;
}

/** A value that differs; secret values are masked, and a mask on both sides means that they differ all the same. */
export interface Difference {
  /** Environment variable, or key of the compose file. */
  readonly key: string;
  /** @default it is not set */
  readonly from?: string;
  /** @default it is not set any more */
  readonly to?: string;
}

/** How a service differs between two models. */
export interface ServiceDifference {
  readonly service: string;
  readonly presence: 'both' | 'added' | 'removed';
  readonly environment: readonly Difference[];
  readonly keys: readonly Difference[];
}

const secretMask = '[secret]';
const longestValue = 80;

/** Services that differ, by name. */
export function compareModels(from: Compared, to: Compared): ServiceDifference[] {
  const names = [...new Set([...servicesOf(from), ...servicesOf(to)])].sort();
  return names.flatMap((service): ServiceDifference[] => {
    const [before, after] = [from, to].map(({ project }) => project.model.services[service]);
    if (!before || !after) {
      return [{ service, presence: before ? 'removed' : 'added', environment: [], keys: [] }];
    }
    const environment = compareEnvironments(service, before, after, from, to);
    const keys = compareKeys(before, after, from, to);
    return environment.length + keys.length === 0 ? [] : [{ service, presence: 'both', environment, keys }];
  });
}

/** Parts of the project besides its services that differ: `network back`, `volume data`. */
export function compareSections(from: ComposeModel, to: ComposeModel): string[] {
  return (['networks', 'volumes', 'configs', 'secrets'] as const).flatMap((section) => {
    const names = new Set([...Object.keys(from[section]), ...Object.keys(to[section])]);
    const differing = [...names].filter(
      (name) => JSON.stringify(from[section][name]) !== JSON.stringify(to[section][name]),
    );
    return differing.sort().map((name) => `${section.slice(0, -1)} ${name}`);
  });
}

function servicesOf({ project }: Compared): string[] {
  return Object.keys(project.model.services);
}

function compareEnvironments(
  service: string,
  before: ComposeService,
  after: ComposeService,
  from: Compared,
  to: Compared,
): Difference[] {
  const names = new Set([...Object.keys(before.environment ?? {}), ...Object.keys(after.environment ?? {})]);
  return [...names].sort().flatMap((key) => {
    const [old, now] = [before.environment?.[key] ?? undefined, after.environment?.[key] ?? undefined];
    if (old === now) return [];
    return [difference(key, shownVariable(service, key, old, from), shownVariable(service, key, now, to))];
  });
}

function shownVariable(service: string, key: string, value: string | undefined, of: Compared): string | undefined {
  if (value === undefined) return undefined;
  const isHidden = of.hidden[service]?.includes(key) ?? false;
  return !isHidden && isHarmless(key, value, of.shown[service]) ? mask(value, of.secrets) : secretMask;
}

/** What is said of an image and an environment elsewhere, and what no container has. */
const told = new Set(['image', 'environment', 'build', 'profiles', 'pull_policy', 'develop']);

function compareKeys(before: ComposeService, after: ComposeService, from: Compared, to: Compared): Difference[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)].filter((key) => !told.has(key)));
  return [...names].sort().flatMap((key) => {
    const [old, now] = [before[key], after[key]].map((value) => JSON.stringify(value));
    return old === now ? [] : [difference(key, shownValue(old, from), shownValue(now, to))];
  });
}

/** Services that both have, with another image. */
export function differingImages(from: Compared, to: Compared): string[] {
  const [before, after] = [from, to].map(({ project }) => project.model.services);
  return Object.keys(before!).filter((name) => after![name] && before![name]!.image !== after![name].image);
}

function shownValue(value: string | undefined, { secrets }: Compared): string | undefined {
  if (value === undefined) return undefined;
  const masked = mask(value, secrets);
  return masked.length <= longestValue ? masked : `${masked.slice(0, longestValue - 1)}…`;
}

function difference(key: string, from: string | undefined, to: string | undefined): Difference {
  return { key, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}
