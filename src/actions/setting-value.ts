import type { ConfigSection } from '../releases/stack-config';
import type { StackContext } from './stack-context';

/**
 * A setting as it stands in the stack configuration, decrypted if it is or has a secret: only then Pulumi is asked.
 *
 * @param key - `verify` for `rewind:verify`
 * @throws RewindError pulumi/failed
 */
export async function settingValue({ engine }: StackContext, config: ConfigSection, key: string): Promise<unknown> {
  const value = config[`rewind:${key}`];
  return hasSecret(value) ? (JSON.parse(await engine.secretOf(`rewind:${key}`)) as unknown) : value;
}

function hasSecret(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  return 'secure' in value || Object.values(value).some(hasSecret);
}
