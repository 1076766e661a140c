import type { ComposeProject } from '../compose/load';
import { isHarmless, namesSecret } from '../sensitive';

/**
 * Secret values, and the names by which a stack and its services are spoken of. One that is such a name is looked for only
 * where a text says that it is a secret: to replace it everywhere would hide nothing, as the name is known, but tell what the
 * secret is.
 */
export class SecretValues extends Set<string> {
  readonly names: ReadonlySet<string>;

  constructor(values: Iterable<string> = [], names: Iterable<string> = []) {
    super(values);
    this.names = new Set(names);
  }
}

/**
 * Every secret value of a project: what `rewind:secrets` sets, what compose secrets take from the environment, and
 * values of variables, interpolated or of a container's environment, whose name is that of a secret. Text elsewhere that
 * contains one of them is masked too.
 */
export function projectSecrets(
  project: ComposeProject,
  declared: Readonly<Record<string, Readonly<Record<string, string>>>>,
): SecretValues {
  const { name, services } = project.model;
  const secrets = new SecretValues([], [name, ...Object.keys(services)]);
  for (const variables of Object.values(declared)) for (const value of Object.values(variables)) secrets.add(value);
  for (const value of Object.values(project.secretVariables)) secrets.add(value);
  for (const { environment } of Object.values(project.model.secrets)) {
    const value = environment === undefined ? undefined : project.environment[environment];
    if (value !== undefined) secrets.add(value);
  }
  for (const definition of Object.values(services)) {
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
  const names = secrets instanceof SecretValues ? secrets.names : new Set<string>();
  const searched = [...secrets].filter(({ length }) => length >= shortest.whole);
  const forms = new Set(searched.filter((it) => !names.has(it)).flatMap(formsOf));
  let masked = text;
  for (const name of searched.filter((it) => names.has(it))) masked = masked.replaceAll(saidSecret(name), '[secret]');
  for (const form of [...forms].sort((a, b) => b.length - a.length)) masked = masked.replaceAll(form, '[secret]');
  return masked;
}

/** A name right after the word for a secret, or where an address has its password. */
function saidSecret(name: string): RegExp {
  const text = name.replaceAll(/[^\w]/g, String.raw`\$&`);
  const strong =
    '(?:PWD|SECRET|TOKEN|CREDENTIAL|API[_-]?KEY|ACCESS[_-]?KEY|PRIVATE[_-]?KEY|AUTHORIZATION|BEARER)[a-z]*';
  const word = String.raw`(?:PASS(?:WORD|WD|PHRASE)?|${strong})(?:[_-]\w+)*`;
  const between = String.raw`(?:\W{1,6}|\W{1,3}(?:is|was|with|of)\W{1,3})`;
  return new RegExp(String.raw`(?<=${word}${between})${text}(?![\w-])|(?<=://[^\s/@]*:)${text}(?=@)`, 'gi');
}

function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter(({ length }) => length >= shortest.line);
  // The buffer replaces half characters, at which encodeURIComponent would throw.
  const inUrl = encodeURIComponent(Buffer.from(secret).toString());
  return [secret, JSON.stringify(secret).slice(1, -1), inUrl, ...lines];
}
