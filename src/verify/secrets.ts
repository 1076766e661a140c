import type Docker from 'dockerode';

import { isHarmless, namesSecret } from '../sensitive';

/** Values in the environments of containers that are secret by their names: what containers write may have them in it. */
export function secretsIn(containers: Iterable<Docker.ContainerInspectInfo>): Set<string> {
  const secrets = new Set<string>();
  for (const { Config: config } of containers) {
    for (const line of (config.Env as string[] | null) ?? []) {
      const at = line.indexOf('=');
      const [key, value] = [line.slice(0, at), line.slice(at + 1)];
      if (value !== '' && namesSecret(key) && !isHarmless(key, value)) secrets.add(value);
    }
  }
  return secrets;
}
