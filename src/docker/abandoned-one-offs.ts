import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { isGone } from '../lock.mjs';
import { goingFor, isStanding, likeLabel, oneOffLabel, oneOffStackLabel, ownerLabel } from './one-off-marks';

/** Processes of another machine cannot be asked: a container is started within seconds, or never. */
const startMs = 600_000;

/** How abandoned programs are brought to their end. */
export interface EndingOptions {
  /** ID of a container that is left alone, as somebody is about to come for its program. @default none */
  readonly but?: string | undefined;
  /** For so long a program that is at work is waited for. @default a minute */
  readonly patienceMs?: number;
}

/**
 * Removes the containers of programs whose processes were killed, also those that were made and never started. A program
 * that is at work is waited for, and ended if that takes too long; a container of a process that lives is left alone.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function removeAbandonedOneOffs(
  docker: Docker,
  stack: string,
  { but, patienceMs = 60_000 }: EndingOptions = {},
): Promise<void> {
  const left = await docker.listContainers({ all: true, filters: { label: [`${oneOffStackLabel}=${stack}`] } });
  await Promise.all(
    left
      .filter((it) => it.Id !== but && isAbandoned(it))
      .map(async (it) => {
        if (it.State === 'running' && !isStanding(it)) await endInTime(docker, it.Id, patienceMs);
        await removeOneOff(docker, it.Id);
      }),
  );
}

function isAbandoned(container: Docker.ContainerInfo): boolean {
  if (isGone(ownerOf(container))) return true;
  return container.State === 'created' && Date.now() - container.Created * 1000 > startMs;
}

/** The process on which a program depends. */
function ownerOf(container: Docker.ContainerInfo): string {
  return goingFor(container.Names) ?? container.Labels[ownerLabel] ?? '';
}

/**
 * Waits for programs that processes have started which were killed. One that does not end in time is ended, and so is one
 * that was never told to go on.
 *
 * @param purpose - of theirs
 * @param like - name of the container whose surroundings they have
 */
export async function endAbandoned(
  docker: Docker,
  purpose: string,
  like: string,
  { but, patienceMs = 60_000 }: EndingOptions = {},
): Promise<void> {
  const label = [`${oneOffLabel}=${purpose}`, `${likeLabel}=${like}`];
  const left = await docker.listContainers({ filters: { label } });
  await Promise.all(
    left
      .filter(({ Id: id }) => id !== but)
      .map((it) => (isStanding(it) ? removeOneOff(docker, it.Id) : endInTime(docker, it.Id, patienceMs))),
  );
}

/** Removes the container of a program that was started ahead, unless it was told to go on. */
export async function removeStanding(docker: Docker, id: string): Promise<void> {
  const found = await docker
    .getContainer(id)
    .inspect()
    .catch(() => undefined);
  if (found && goingFor([found.Name]) === undefined) await removeOneOff(docker, id);
}

/** Waits for the end of a container, and makes it end if that takes too long. */
async function endInTime(docker: Docker, id: string, patienceMs: number): Promise<void> {
  const container = docker.getContainer(id);
  const ended = container.wait().catch(() => undefined);
  const timer = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: timer.signal }).then(
    () => container.remove({ force: true }),
    () => undefined,
  );
  await Promise.race([ended, late.catch(() => undefined)]);
  timer.abort();
}

/** Removes the container of a program, whatever that is about; the engine may have done so when it ended. */
export async function removeOneOff(docker: Docker, id: string): Promise<void> {
  await docker
    .getContainer(id)
    .remove({ force: true, v: true })
    .catch(() => undefined);
}
