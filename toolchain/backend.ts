import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { messageOf, RewindError } from '../src/errors';
import { projectFile, projectPlaces } from './project';

/**
 * The backend that a project has unless its user chooses another: files inside the project.
 *
 * `metadata=skip`: without it every file of the state has a second one beside it, `.attrs`, which is written in place. An
 * engine that is killed while it does that leaves it empty, and a state that no engine can read (`failed to load
 * checkpoint: EOF`). The state itself is renamed into place.
 */
export function defaultBackendUrl(projectDir: string): string {
  return `${pathToFileURL(projectPlaces(projectDir).state).href}?metadata=skip`;
}

/**
 * The backend that the user chose: `PULUMI_BACKEND_URL`, `backend:` in the project file, or `pulumi login`.
 *
 * @param env - the user's environment, without what an earlier `rewind env` put there
 * @param pulumiHome - the PULUMI_HOME that `pulumi login` wrote to
 * @returns what said so and the URL; undefined if nothing was chosen
 * @throws RewindError config/invalid if the project file cannot be read
 */
export function chosenBackend(
  env: NodeJS.ProcessEnv,
  projectDir: string,
  pulumiHome: string,
): { readonly url: string; readonly from: 'environment' | 'project' | 'login' } | undefined {
  const fromEnvironment = env['PULUMI_BACKEND_URL'];
  if (fromEnvironment) return { url: fromEnvironment, from: 'environment' };
  const fromProject = projectBackend(projectDir);
  if (fromProject) return { url: fromProject, from: 'project' };
  const fromLogin = loggedInTo(pulumiHome);
  return fromLogin ? { url: fromLogin, from: 'login' } : undefined;
}

function projectBackend(projectDir: string): string | undefined {
  const file = projectFile(projectDir);
  if (file === undefined) return undefined;
  try {
    const project = parse(fs.readFileSync(file, 'utf8')) as { backend?: { url?: unknown } } | null;
    const url = project?.backend?.url;
    return typeof url === 'string' ? url : undefined;
  } catch (error) {
    throw new RewindError({
      code: 'config/invalid',
      message: `${file} cannot be read: ${messageOf(error)}`,
      fix: 'Correct the file; its keys are described at https://www.pulumi.com/docs/iac/concepts/projects/project-file/.',
      cause: error,
    });
  }
}

function loggedInTo(pulumiHome: string): string | undefined {
  try {
    const { current } = JSON.parse(fs.readFileSync(path.join(pulumiHome, 'credentials.json'), 'utf8')) as {
      current?: unknown;
    };
    return typeof current === 'string' && current !== '' ? current : undefined;
  } catch {
    // No such file, or one that pulumi itself will complain about.
    return undefined;
  }
}
