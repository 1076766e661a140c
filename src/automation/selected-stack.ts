import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';

import { run } from '../process';

/**
 * The stack that `pulumi stack select` has chosen for a project; undefined if none is. Pulumi is asked only where the file
 * in which it keeps that does not tell for the backend in use: each question is a process of its own.
 *
 * @param projectFile - path of Pulumi.yaml
 * @param project - its name
 */
export async function selectedStack(
  directory: string,
  projectFile: string,
  project: string,
): Promise<string | undefined> {
  const kept = await keptChoice(projectFile, project);
  if (kept !== undefined) return kept;
  const { exitCode, stdout } = await run(['pulumi', 'stack', '--show-name', '--non-interactive'], { cwd: directory });
  const name = stdout.trim();
  return exitCode === 0 && name !== '' ? basename(name) : undefined;
}

/** https://github.com/pulumi/pulumi/blob/v3.248.0/sdk/go/common/workspace/workspace.go: Save and getUniqueFileName */
async function keptChoice(projectFile: string, project: string): Promise<string | undefined> {
  const { PULUMI_BACKEND_URL: backend = '', PULUMI_HOME: home = join(homedir(), '.pulumi') } = process.env;
  const place = createHash('sha1').update(resolve(projectFile)).digest('hex');
  try {
    const text = await readFile(join(home, 'workspaces', `${project}-${place}-workspace.json`), 'utf8');
    const name = (JSON.parse(text) as { stacks?: Record<string, unknown> }).stacks?.[backend];
    return typeof name === 'string' && name !== '' ? basename(name) : undefined;
  } catch {
    return undefined; // nothing was selected yet, or this Pulumi keeps it elsewhere
  }
}
