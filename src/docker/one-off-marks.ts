import type Docker from 'dockerode';

import { processMark } from '../lock.mjs';

/** Marks containers that Rewind runs for a moment. */
export const oneOffLabel = 'dev.rewind.one-off';

/** The container whose surroundings such a one has. */
export const likeLabel = 'dev.rewind.one-off-like';

/** The stack that it is run for. With `dev.rewind.stack` it would count as a service of the stack wherever these are listed. */
export const oneOffStackLabel = 'dev.rewind.one-off-stack';

/** The process that runs it, by {@link processMark}. */
export const ownerLabel = 'dev.rewind.one-off-owner';

/** Marks the container of a program that was started ahead: whoever needs it comes for it later, and may be another process. */
export const standingLabel = 'dev.rewind.one-off-standing';

/** What such a container is called from the moment on at which its program is told to go on, before the mark of the process that tells it. */
const goingPrefix = 'rewind-one-off.';

/** Whether it is the container of a program that was started ahead, and was not told yet to go on: it has done nothing. */
export function isStanding(container: Docker.ContainerInfo): boolean {
  return container.Labels[standingLabel] !== undefined && goingFor(container.Names) === undefined;
}

/** The name of such a container that this process tells to go on. There are colons in a mark, which the name of a container cannot have. */
export function goingName(): string {
  return `${goingPrefix}${processMark().replaceAll(':', '.')}`;
}

/** The mark of the process that has told a program to go on, by the names of its container. */
export function goingFor(names: readonly string[]): string | undefined {
  const name = names.find((it) => it.startsWith(`/${goingPrefix}`));
  return name?.slice(`/${goingPrefix}`.length).replace(/\.(\d+)\.(\d*)$/, ':$1:$2');
}
