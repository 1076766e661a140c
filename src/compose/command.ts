import { RewindError } from '../errors';
import { type Finished, run, type RunOptions } from '../process';

const noCompose = new RewindError({
  code: 'docker/no-cli',
  message: 'docker compose cannot be run: neither `docker compose` nor `docker-compose` (version 2 or newer) is there.',
  fix: 'Run `npx rewind setup`, or install the Docker Compose plugin (https://docs.docker.com/compose/install/).',
});

/**
 * Runs docker compose: the one that the set-up chose (`REWIND_COMPOSE`, a path), else the plugin of the docker
 * command, else a standalone docker-compose on PATH.
 *
 * @throws RewindError docker/no-cli if there is none of them.
 */
export async function runCompose(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const chosen = process.env['REWIND_COMPOSE'];
  if (chosen) {
    const result = await run([chosen, ...args], options);
    if (!result.notFound) return result;
  }
  const plugin = await run(['docker', 'compose', ...args], options);
  if (!plugin.notFound && !/is not a docker command|unknown (shorthand )?flag|unknown command/.test(plugin.stderr)) {
    return plugin;
  }
  const standalone = await run(['docker-compose', ...args], options);
  if (standalone.notFound) throw noCompose;
  return standalone;
}
