// The example's database, reached as its operators reach it: by psql in its own container.

import { run } from './images/run.mjs';

/** The example could not be found or asked; the message says why and what to do. */
export class DatabaseError extends Error {}

/**
 * The container of the service `db` of a compose project.
 *
 * @param {string} project name of the compose project, such as apex
 * @returns {Promise<string>} its ID
 * @throws {DatabaseError} if none runs
 */
export async function databaseContainer(project) {
  const labels = { 'com.docker.compose.project': project, 'com.docker.compose.service': 'db' };
  const filters = Object.entries(labels).flatMap(([key, value]) => ['--filter', `label=${key}=${value}`]);
  const { code, stdout, tail } = await run(['docker', 'ps', '--quiet', '--no-trunc', ...filters]);
  if (code !== 0) throw new DatabaseError(`docker ps failed: ${tail}`);
  const [id] = stdout.split('\n');
  if (id) return id;
  throw new DatabaseError(`no service db of a compose project ${project} runs: name another one with --project`);
}

/**
 * Runs a script in psql; its first error ends it.
 *
 * @param {string} container
 * @param {string} script
 * @param {object} [options]
 * @param {string} [options.user] apex if it is not given
 * @param {string} [options.database] apex if it is not given
 * @param {AbortSignal} [options.signal] ends it
 * @returns {Promise<string[]>} the lines that it wrote, columns parted by tabs
 * @throws {DatabaseError}
 */
export async function psql(container, script, { user = 'apex', database = 'apex', signal } = {}) {
  const quiet = ['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--field-separator=\t'];
  const argv = ['psql', ...quiet, '--set=ON_ERROR_STOP=1', `--username=${user}`, `--dbname=${database}`];
  const { code, stdout, tail } = await run(['docker', 'exec', '--interactive', container, ...argv], {
    input: script,
    signal,
  });
  if (code !== 0) throw new DatabaseError(`psql failed: ${tail}`);
  return stdout.split('\n').filter(Boolean);
}
