import { isDeepStrictEqual } from 'node:util';

import { openRelease } from '../releases/release-store';
import type { ReleaseRecord } from '../releases/record';
import { securePaths, type StackConfig } from '../releases/stack-config';
import { releaseKey, type StackContext } from './stack-context';

/**
 * Brings the secrets of a release into a configuration file. While the stack has the secrets provider of then, they are
 * in it already, as they were encrypted; after a change of the passphrase they are encrypted anew.
 *
 * @throws RewindError release/unreadable
 */
export async function restoreSecrets(
  context: StackContext,
  record: ReleaseRecord,
  today: StackConfig,
  configFile: string,
): Promise<void> {
  if (isDeepStrictEqual(record.provider, today.provider)) return;
  const paths = Object.entries(record.config).flatMap(([key, value]) => securePaths(value, [key]));
  if (paths.length === 0) return;
  const key = await releaseKey(context, today);
  const { secrets } = await openRelease(context.releases, record, key, context.directory);
  for (const [top, ...rest] of paths) {
    const value = valueAt(secrets[top!]!, rest);
    await context.engine.setSecret(configPath([top!, ...rest]), value, configFile);
  }
}

function valueAt(text: string, path: readonly string[]): string {
  if (path.length === 0) return text;
  let value = JSON.parse(text) as unknown;
  for (const step of path) value = (value as Record<string, unknown>)[step];
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A path as `pulumi config set --path` takes it. Grammar: https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration */
export function configPath([top, ...rest]: readonly string[]): string {
  return `${top}${rest.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `[${JSON.stringify(step)}]`)).join('')}`;
}
