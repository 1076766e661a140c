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
