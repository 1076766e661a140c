import type { EngineAddress } from '../src/docker/engine';
import { RewindError } from '../src/errors';
import { defaultSocket, type Silence, socketOf } from './docker-ping';
import { type Host, isDebianLike } from './host';

/** There is no docker command, and it cannot be installed here. */
export function noDocker(host: Host): RewindError {
  return new RewindError({
    code: 'setup/docker',
    message: 'There is no docker command on PATH.',
    fix: howToInstall(host),
  });
}

/** An engine answers, but there is no docker command to talk to it. */
export function noDockerCommand(host: Host, version: string): RewindError {
  const how =
    host.platform === 'linux'
      ? 'the package docker-cli (Debian 13 and newer, Fedora) or docker-ce-cli (Docker’s own packages)'
      : 'Docker’s command line (https://docs.docker.com/engine/install/binaries/)';
  return new RewindError({
    code: 'setup/docker',
    message: `A Docker engine ${version} answers, but there is no docker command on PATH.`,
    fix: `Install ${how}, or put the docker command on PATH.`,
  });
}

/** The engine does not answer, and nothing can be done about it from here. */
export function engineSilent(host: Host, address: EngineAddress, silence: Silence, detail: string): RewindError {
  const where = address.host ?? `unix://${defaultSocket}`;
  const from = address.from === 'default' ? '' : ` (from ${address.from})`;
  return new RewindError({
    code: 'setup/docker',
    message: `No Docker engine answers at ${where}${from}: ${describe(silence, detail)}`,
    fix: howToReach(host, address, silence),
  });
}

function describe(silence: Silence, detail: string): string {
  switch (silence) {
    case 'no-socket':
      return 'there is no such socket, so no engine is running there.';
    case 'dead-socket':
      return 'the socket is there, but nothing listens on it: the engine has stopped.';
    case 'forbidden':
      return 'your user may not use the socket.';
    case 'no-answer':
      return /[.?!]$/.test(detail) ? detail : `${detail}.`;
  }
}

function howToReach(host: Host, address: EngineAddress, silence: Silence): string {
  if (silence === 'forbidden') {
    return 'Join the docker group (`sudo usermod -aG docker "$USER"`), log out and in again, and check with `docker ps`.';
  }
  if (address.from === 'DOCKER_HOST') {
    return 'Start that engine, or correct DOCKER_HOST, or unset it to use the engine of this machine; then `docker version`.';
  }
  if (address.from !== 'default') {
    return 'Start that engine, or choose another context: `docker context ls`, `docker context use default`.';
  }
  if (silence === 'no-answer' && socketOf(address) !== undefined) {
    return 'The engine hangs or is overloaded: look at its log, and restart it.';
  }
  return howToStart(host);
}

function howToStart(host: Host): string {
  if (host.platform !== 'linux') return 'Start Docker Desktop (or colima, OrbStack, …) and run the set-up again.';
  if (host.hasSystemd)
    return 'Start it: `sudo systemctl enable --now docker`. If it stops again: `journalctl -u docker`.';
  return 'Start it: `sudo service docker start`, or `sudo dockerd` in a terminal of its own.';
}

function howToInstall(host: Host): string {
  if (isDebianLike(host)) {
    return (
      'As root the set-up installs it by itself. Or: `sudo apt-get install docker.io`, then ' +
      '`sudo usermod -aG docker "$USER"`, and log out and in again.'
    );
  }
  if (host.platform === 'linux') {
    return `Install Docker Engine 20.10 or newer for ${host.name}: https://docs.docker.com/engine/install/.`;
  }
  return 'Install Docker Desktop (https://docs.docker.com/desktop/) or another Docker engine, start it, and run this again.';
}
