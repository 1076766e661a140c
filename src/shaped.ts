import * as v from 'valibot';

import type { Problem } from './errors';

/**
 * Reads a setting of many parts; each problem is told with its path. A value, which may be secret, is never shown.
 *
 * @param key - `verify` for `rewind:verify`
 * @param none - what stands for a setting that is not there
 */
export function readShaped<S extends v.GenericSchema>(
  key: string,
  schema: S,
  value: unknown,
  none: unknown = {},
): { readonly settings: v.InferOutput<S>; readonly problems: readonly Problem[] } {
  const result = v.safeParse(schema, value ?? none);
  if (result.success) return { settings: result.output, problems: [] };
  const problems = result.issues.map((issue): Problem => ({
    code: 'config/invalid',
    message: `rewind:${key}${pathOf(issue)} ${whatIsWrong(issue)}.`,
    fix: 'Correct it in the stack configuration; docs/configuration.md shows it with an example.',
  }));
  return { settings: v.parse(schema, none), problems };
}

function pathOf({ path }: v.BaseIssue<unknown>): string {
  return (path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
}

function whatIsWrong({ kind, expected, received, message }: v.BaseIssue<unknown>): string {
  if (kind === 'schema' && expected === 'never') return 'is no setting';
  if (kind === 'schema' && received === 'undefined') return 'is missing';
  if (message.startsWith('is ')) return message;
  return `is not what it has to be: ${expected ?? 'another value'}`;
}
