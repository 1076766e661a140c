import type { ComposeProject } from '../compose/load';
import { isHarmless, namesSecret } from '../sensitive';

/**
 * Every secret value of a project: what `rewind:secrets` sets, what compose secrets take from the environment, and
 * values of variables, interpolated or of a container's environment, whose name is that of a secret. Text elsewhere that
 * contains one of them is masked too.
 */
export function projectSecrets(
  project: ComposeProject,
  declared: Readonly<Record<string, Readonly<Record<string, string>>>>,
): ReadonlySet<string> {
  const secrets = new Set<string>();
  for (const variables of Object.values(declared)) for (const value of Object.values(variables)) secrets.add(value);
  for (const value of Object.values(project.secretVariables)) secrets.add(value);
  for (const { environment } of Object.values(project.model.secrets)) {
    const value = environment === undefined ? undefined : project.environment[environment];
    if (value !== undefined) secrets.add(value);
  }
  for (const definition of Object.values(project.model.services)) {
    for (const [key, value] of Object.entries(definition.environment ?? {})) {
      if (value !== null && namesSecret(key) && !isHarmless(key, value)) secrets.add(value);
    }
  }
  secrets.delete('');
  return secrets;
}

/** Text with every secret value in it replaced by `[secret]`, for logs and errors. */
export function mask(text: string, secrets: ReadonlySet<string>): string {
  let masked = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret.length >= 4) masked = masked.replaceAll(secret, '[secret]');
  }
  return masked;
}
