import { securePaths, type StackConfig } from '../releases/stack-config';
import { secretOf, type StackContext } from './stack-context';

/**
 * A setting as it stands in the stack configuration, decrypted if it is or has a secret.
 *
 * @param key - `verify` for `rewind:verify`
 * @throws RewindError pulumi/failed
 */
export async function settingValue(context: StackContext, today: StackConfig, key: string): Promise<unknown> {
  const value = today.config[`rewind:${key}`];
  if (securePaths(value).length === 0) return value;
  return JSON.parse(await secretOf(context, today, `rewind:${key}`)) as unknown;
}
