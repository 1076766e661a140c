import { type Compared, compareModels, compareSections } from '../releases/compare';
import type { ReleaseRecord } from '../releases/record';
import { isHarmless } from '../sensitive';
import type { StackSide } from './record';

/** What runs with a release, for the record of an operation. */
export function sideOf(record: ReleaseRecord | undefined): StackSide | undefined {
  if (!record) return undefined;
  const { number, services, database } = record;
  return {
    release: number,
    images: Object.fromEntries(
      Object.entries(services).map(([name, { image, imageId }]) => [name, { image, imageId }] as const),
    ),
    ...(database && { revisions: database.revisions }),
  };
}

/** What a deploy or revert itself writes into the configuration: the images and revisions say it better. */
const written = /^rewind:(tags|images|compose|key|database)(\.|$)/;

/** How the settings and configuration files of two releases differ, a line each, without a secret. */
export function configurationDifferences(before: ReleaseRecord, after: ReleaseRecord): string[] {
  const [was, is] = [flattened(before.config), flattened(after.config)];
  const keys = [...new Set([...was.keys(), ...is.keys()])].filter((key) => !written.test(key)).sort();
  const files = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])].sort();
  return [
    ...keys.flatMap((key) => {
      const [from, to] = [was.get(key), is.get(key)];
      return from === to ? [] : [`${key}: ${shown(key, from)} → ${shown(key, to)}`];
    }),
    ...files.flatMap((file) => {
      const [from, to] = [before.files[file], after.files[file]];
      if (from === to) return [];
      return [`${file}: ${from === undefined ? 'new' : to === undefined ? 'gone' : 'another content'}`];
    }),
  ];
}

/**
 * How the compose models of two releases differ beyond what their settings say, a line each. Values of variables are masked as
 * in a plan; of other keys only the name is told, as a command line may have a secret that nothing tells from the rest.
 */
export function modelDifferences(before: Compared, after: Compared, settings: readonly string[]): string[] {
  const isTold = (service: string, variable: string): boolean =>
    ['env', 'secrets'].some((key) =>
      settings.some((line) => line.startsWith(`rewind:${key}.${service}.${variable}: `)),
    );
  const services = compareModels(before, after).flatMap(({ service, presence, environment, keys }) => {
    if (presence !== 'both') return [`${service}: ${presence === 'added' ? 'new' : 'gone'}`];
    return [
      ...environment
        .filter(({ key }) => !isTold(service, key))
        .map(({ key, from = 'not set', to = 'not set' }) => `${service}: env ${key}: ${from} → ${to}`),
      ...keys.map(({ key }) => `${service}: another ${key}`),
    ];
  });
  const sections = compareSections(before.project.model, after.project.model);
  return [...services, ...sections.map((name) => `${name}: changed`)];
}

/** Every value of a configuration by its path: `rewind:env.api.LOG_LEVEL`. */
function flattened(config: Readonly<Record<string, unknown>>): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string, value: unknown): void => {
    if (value === null || typeof value !== 'object') found.set(path, String(value));
    else if ('secure' in value) found.set(path, `secure ${String(value.secure)}`);
    else for (const [key, item] of Object.entries(value)) visit(`${path}.${key}`, item);
  };
  for (const [key, value] of Object.entries(config)) visit(key, value);
  return found;
}

function shown(path: string, value: string | undefined): string {
  if (value === undefined) return 'not set';
  const key = path.slice(path.lastIndexOf('.') + 1);
  const isVariable = /^rewind:(env|secrets)\./.test(path);
  if (value.startsWith('secure ') || path.startsWith('rewind:secrets.') || path.startsWith('rewind:notify'))
    return '[secret]';
  return !isVariable || isHarmless(key, value) ? value : '[secret]';
}
