import { runCompose } from './command';
import type { ComposeProject } from './load';

/**
 * The variable of the compose file that sets a published port, e.g. `API_PORT` for `"${API_PORT:-8000}:8000"`.
 *
 * @param target - the port in the container
 * @returns undefined if the port is written as a plain number
 */
export async function portVariable(
  project: ComposeProject,
  service: string,
  target: number,
): Promise<string | undefined> {
  const args = [...project.options, 'config', '--no-interpolate', '--format', 'json'];
  const result = await runCompose(args, { cwd: project.directory });
  if (result.exitCode !== 0) return undefined;
  const raw = JSON.parse(result.stdout) as {
    services?: Record<string, { ports?: (string | Record<string, unknown>)[] }>;
  };
  for (const port of raw.services?.[service]?.ports ?? []) {
    const text = typeof port === 'string' ? port : `${String(port['published'])}:${String(port['target'])}`;
    if (!new RegExp(`(^|[:-])${target}(/\\w+)?$`).test(text)) continue;
    const variable = /\$\{?([A-Za-z_][A-Za-z0-9_]*)/.exec(text)?.[1];
    if (variable !== undefined) return variable;
  }
  return undefined;
}
