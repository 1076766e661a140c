import type Docker from 'dockerode';

import { RewindError } from '../errors';
import { endInterruptedPause, PauseMark } from './pause-mark';
import type { StackContext } from './stack-context';
import { withStackLock } from './stack-lock';

/**
 * Starts the services again that a killed restore has left stopped, unless another operation is under way: then it is
 * that one which has stopped them.
 */
export async function makeGood(context: StackContext, docker: Docker, say: (text: string) => void): Promise<void> {
  const mark = new PauseMark(context.releases.folder);
  if (!(await mark.read())) return;
  const start = (): Promise<void> => endInterruptedPause(docker, context.name, mark, say);
  await withStackLock(context, 'starting services again', start).catch((error: unknown) => {
    if (!(error instanceof RewindError) || error.code !== 'release/locked') throw error;
  });
}
