import { connect } from '../docker/engine';
import { RewindError } from '../errors';
import { OperationLog } from '../operations/operation-log';
import type { OperationRecord } from '../operations/record';
import { sideOf } from '../operations/sides';
import type { Assessment } from './assess-stack';
import { whoAmI } from './keep-release';
import { seeStack } from '../assess/see-stack';
import type { StackContext } from './stack-context';

/**
 * Writes down what was found wrong with a stack, with its containers and their last log lines: the first record of an
 * incident. Where that cannot be written, the assessment is all there is.
 */
export async function recordAssessment(
  context: StackContext,
  { at, seconds, triggers, advice }: Assessment,
): Promise<OperationRecord | undefined> {
  try {
    const [{ docker }, newest] = await Promise.all([connect(), context.releases.newest()]);
    const seen = await seeStack(docker, context.name);
    const runs = sideOf(newest);
    return await new OperationLog(context.releases, context.name).add(
      {
        kind: 'assess',
        what: 'assess',
        by: whoAmI(),
        startedAt: at,
        finishedAt: new Date(Date.parse(at) + seconds * 1000).toISOString(),
        result: 'done',
        phases: [{ name: 'assess', startedAt: at, seconds, ok: true }],
        ...(runs && { before: runs }),
        assessment: { triggers, advice },
      },
      seen,
    );
  } catch (error) {
    if (error instanceof RewindError) return undefined;
    throw error;
  }
}
