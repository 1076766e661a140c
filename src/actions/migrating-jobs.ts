import type Docker from 'dockerode';

import { composeLabel, stackLabel } from '../container/labels';

/** `alembic upgrade`, also in the words of a shell, or by the name of Python's module. */
const migrates = /\balembic\b.*\bupgrade\b/s;

/**
 * Jobs of a stack that bring the schema to the migrations of their image, and have ended.
 *
 * @param containers - those of the engine
 * @param stack - `project/stack` of Pulumi
 */
export function migratingJobs(containers: readonly Docker.ContainerInfo[], stack: string): string[] {
  const jobs = containers.filter(
    ({ Labels: labels, State: state, Command: command }) =>
      labels[stackLabel] === stack && state === 'exited' && migrates.test(command),
  );
  return [...new Set(jobs.flatMap(({ Labels: labels }) => labels[composeLabel('service')] ?? []))];
}
