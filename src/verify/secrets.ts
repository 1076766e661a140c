import type Docker from 'dockerode';

import { composeLabel } from '../container/labels';
import { SecretValues } from '../container/project-secrets';
import { isHarmless, namesSecret } from '../sensitive';

/** `scheme://user:password@host`, https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1 */
const passwordInAddress = /\/\/[^\s/?#@:]*:([^\s/?#@]+)@/g;

/**
 * Values in the environments of containers that are secret by their names, and passwords in addresses: what containers write
 * may have them in it.
 */
export function secretsIn(containers: readonly Docker.ContainerInspectInfo[]): SecretValues {
  const names = containers.flatMap(({ Config: { Labels: labels } }) =>
    ['project', 'service'].flatMap((label) => labels[composeLabel(label)] ?? []),
  );
  const secrets = new SecretValues([], names);
  for (const { Config: config } of containers) {
    for (const line of (config.Env as string[] | null) ?? []) {
      const at = line.indexOf('=');
      const [key, value] = [line.slice(0, at), line.slice(at + 1)];
      if (value !== '' && namesSecret(key) && !isHarmless(key, value)) secrets.add(value);
      for (const [, password] of value.matchAll(passwordInAddress)) secrets.add(password!);
    }
  }
  return secrets;
}
