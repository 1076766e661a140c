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

/** What is shorter occurs in text by chance; a single line of a longer secret even more so. */
const shortest = { whole: 4, line: 8 };

/**
 * Text with every secret value in it replaced by `[secret]`, for logs, errors and comparisons: also where it stands in a
 * JSON text or a URL, and where the text has the lines of a longer secret one by one.
 */
export function mask(text: string, secrets: ReadonlySet<string>): string {
  const forms = new Set([...secrets].filter(({ length }) => length >= shortest.whole).flatMap(formsOf));
  let masked = text;
  for (const form of [...forms].sort((a, b) => b.length - a.length)) masked = masked.replaceAll(form, '[secret]');
  return masked;
}

function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter(({ length }) => length >= shortest.line);
  // The buffer replaces half characters, at which encodeURIComponent would throw.
  const inUrl = encodeURIComponent(Buffer.from(secret).toString());
  return [secret, JSON.stringify(secret).slice(1, -1), inUrl, ...lines];
}
