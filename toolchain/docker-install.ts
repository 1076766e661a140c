import { RewindError } from '../src/errors';
import { run } from '../src/process';
import { LoggedProcessError, runLogged } from './logged-process';

/** apt-get waits so long for another one to finish. */
const aptLockSeconds = 300;

/**
 * Installs the distribution's Docker engine with its command line, as root on Debian or Ubuntu.
 *
 * @param logFile - where apt-get's output goes
 * @throws RewindError setup/docker
 */
export async function installDocker(
  logFile: string,
  report: (detail: string) => void,
  signal: AbortSignal,
): Promise<void> {
  report('there is no Docker here: installing the distribution’s (apt-get install docker.io)');
  const apt = async (...args: string[]) =>
    runLogged({
      argv: ['apt-get', '-q', '-y', `-oDPkg::Lock::Timeout=${aptLockSeconds}`, ...args],
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      logFile,
      signal,
    });
  try {
    await apt('update');
    await apt('install', '--no-install-recommends', 'docker.io', ...(await commandLinePackages()));
  } catch (error) {
    if (!(error instanceof LoggedProcessError)) throw error;
    signal.throwIfAborted();
    throw new RewindError({
      code: 'setup/docker',
      message: `apt-get could not install docker.io:\n${error.tail}`,
      fix: `See what apt-get says above (all of it: ${logFile}), or install Docker yourself: https://docs.docker.com/engine/install/.`,
      cause: error,
    });
  }
}

/** From Debian 13 on the docker command is a package of its own, which docker.io only recommends. */
async function commandLinePackages(): Promise<string[]> {
  const { exitCode, stdout } = await run(['apt-cache', 'policy', 'docker-cli'], { env: { LC_ALL: 'C' } });
  return exitCode === 0 && /Candidate: \d/.test(stdout) ? ['docker-cli'] : [];
}
