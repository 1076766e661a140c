import * as pulumi from '@pulumi/pulumi';

import { mask } from '../src/container/project-secrets';
import { RewindError } from '../src/errors';

/**
 * Does something whose errors Pulumi is to show: Pulumi prints no more of an error than its message, so that has to tell
 * the fix and all problems. Secrets in it are masked.
 *
 * @throws pulumi.RunError for a {@link RewindError}, which Pulumi shows without a stack trace
 */
export async function tellingTheFix<T>(action: () => Promise<T>, secrets: ReadonlySet<string> = new Set()): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof RewindError ? new pulumi.RunError(mask(error.render(), secrets)) : error;
  }
}
