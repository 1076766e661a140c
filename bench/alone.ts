import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { connect } from '../src/docker/engine';

/** Something whose containers have a label, `key=value`. */
interface Labelled {
  readonly label: string;
}

const healthyMs = 120_000;

/**
 * Pauses all stacks but one, and lets that one go on until it is healthy: the health checks of dozens of containers, each a process, would
 * take from whoever is measured what a machine with one stack has.
 */
export async function alone(stack: Labelled, all: readonly Labelled[]): Promise<void> {
  const { docker } = await connect();
  const others = all.filter(({ label }) => label !== stack.label);
  await Promise.all([
    ...others.map((it) => each(docker, it, 'running', (container) => container.pause())),
    each(docker, stack, 'paused', (container) => container.unpause()),
  ]);
  await settled(stack);
}

/**
 * Waits until the engine calls all that runs of a stack healthy: what has just been started is still busy with that, whoever
 * started it, and some tell so at once while others wait for the engine's verdict themselves.
 */
export async function settled(stack: Labelled): Promise<void> {
  const { docker } = await connect();
  await each(docker, stack, 'running', healthy);
}

/** A check that ran into the pause has failed. */
async function healthy(container: Docker.Container): Promise<void> {
  const isHealthy = async (): Promise<boolean> =>
    ((await container.inspect()).State.Health?.Status ?? 'healthy') === 'healthy';
  for (const end = Date.now() + healthyMs; !(await isHealthy()) && Date.now() < end;) await sleep(200);
}

/** Lets all stacks go on. */
export async function together(all: readonly Labelled[]): Promise<void> {
  const { docker } = await connect();
  await Promise.all(all.map((it) => each(docker, it, 'paused', (container) => container.unpause())));
}

async function each(
  docker: Docker,
  { label }: Labelled,
  status: 'running' | 'paused',
  work: (container: Docker.Container) => Promise<unknown>,
): Promise<void> {
  const found = await docker.listContainers({ filters: { label: [label], status: [status] } });
  // One that has ended meanwhile is as quiet.
  await Promise.allSettled(found.map(({ Id: id }) => work(docker.getContainer(id))));
}
