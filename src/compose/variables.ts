import { runCompose } from './command';
import { singleDollars } from './dollars';

/** How docker compose reads a project: its options, and the folder to run it in. */
export interface ComposeCall {
  readonly options: readonly string[];
  readonly directory: string;
}

/**
 * The variables that a project's files use, with the default that the files give for each.
 *
 * @returns no variable if this docker compose cannot list them (before 2.24), or if the files cannot be read
 */
export async function usedVariables({ options, directory }: ComposeCall): Promise<Record<string, string>> {
  const result = await runCompose([...options, 'config', '--variables', '--format', 'json'], { cwd: directory });
  if (result.exitCode !== 0) return {};
  const variables = JSON.parse(result.stdout) as Record<string, { readonly DefaultValue?: string }>;
  return Object.fromEntries(Object.entries(variables).map(([name, { DefaultValue = '' }]) => [name, DefaultValue]));
}

/**
 * Values that docker compose has for variables: from the environment, `.env` or the env files. It is asked to
 * interpolate them, as its list of the environment cannot tell a line of a value from the next variable.
 *
 * @returns only the variables that have a value, be it empty
 */
export async function valuesOf(
  names: readonly string[],
  { options, directory }: ComposeCall,
): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  const asked = Object.fromEntries(names.map((name) => [name, `\${${name}+=}\${${name}-}`]));
  const result = await runCompose([...options, '--file', '-', 'config', '--format', 'json'], {
    cwd: directory,
    input: JSON.stringify({ 'x-rewind': asked }),
  });
  if (result.exitCode !== 0) return {};
  const answered = (JSON.parse(result.stdout) as { 'x-rewind'?: Record<string, string> })['x-rewind'] ?? {};
  return Object.fromEntries(
    Object.entries(singleDollars(answered)).flatMap(([name, value]) =>
      value.startsWith('=') ? [[name, value.slice(1)]] : [],
    ),
  );
}
