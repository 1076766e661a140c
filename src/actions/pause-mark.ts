import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type Docker from 'dockerode';

import { stackLabel, composeLabel } from '../container/labels';
import { startContainer } from '../docker/containers';
import { listContainers } from '../docker/inventory';
import { messageOf } from '../errors';
import { restartServices } from './restart-services';

/** Services that are stopped while something is done that they must not see. */
export interface Pause {
  /** `snapshot restore s-20261124-101500`. */
  readonly what: string;
  /** ISO 8601. */
  readonly since: string;
  readonly services: readonly string[];
}

/** What is written down before services are stopped, so that whoever comes after a kill starts them again. */
export class PauseMark {
  readonly #file: string;

  /** @param stackFolder - the stack's folder in the store */
  constructor(stackFolder: string) {
    this.#file = join(stackFolder, 'paused.json');
  }

  /** The pause that has begun and not ended; while the stack is not locked, it was interrupted. */
  async read(): Promise<Pause | undefined> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as Pause;
    } catch {
      return undefined; // there is none, or its writing was cut short before anything was stopped
    }
  }

  /** Where the store cannot be written, services are stopped all the same: only a kill would then go unnoticed. */
  async begin(pause: Pause): Promise<void> {
    await writeFile(this.#file, JSON.stringify(pause), { mode: 0o600, flush: true }).catch(() => undefined);
  }

  async end(): Promise<void> {
    await rm(this.#file, { force: true }).catch(() => undefined);
  }
}

/**
 * Starts a container of a service that is stopped for the time being, if it does not run.
 *
 * @throws RewindError docker/failed
 */
export async function startPaused(docker: Docker, mark: PauseMark, service: string, id: string): Promise<void> {
  if (!(await mark.read())?.services.includes(service)) return;
  await startContainer(docker, id, service);
}

/**
 * Starts the services again that an operation had stopped when it was killed. One that does not start is told of, and
 * does not keep what comes next from being done. Only for whoever holds the lock of the stack.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function endInterruptedPause(
  docker: Docker,
  stack: string,
  mark: PauseMark,
  say: (text: string) => void | Promise<void> = () => undefined,
): Promise<void> {
  const pause = await mark.read();
  if (!pause) return;
  const containers = await listContainers(docker);
  const stopped = containers
    .filter(({ Labels: labels, State: state }) => labels[stackLabel] === stack && state !== 'running')
    .map(({ Labels: labels }) => labels[composeLabel('service')]!);
  const services = pause.services.filter((name) => stopped.includes(name));
  if (services.length > 0) {
    await say(`after an interrupted ${pause.what} (${pause.since}): starting ${services.join(', ')} again`);
    await restartServices(docker, stack, { services }).catch((error: unknown) => say(messageOf(error)));
  }
  await mark.end();
}
