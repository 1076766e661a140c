import { type Problem, RewindError } from '../../src/errors';

/** The problems that something fails with. Fails itself if it succeeds, or if it throws anything else. */
export async function problemsOf(action: () => unknown): Promise<readonly Problem[]> {
  try {
    await action();
  } catch (error) {
    if (error instanceof RewindError) return error.problems;
    throw error;
  }
  throw new Error('This was to fail, but it did not.');
}

/** The error with which work ends that takes no time. */
export function refusal(work: () => unknown): RewindError {
  try {
    work();
  } catch (error) {
    if (error instanceof RewindError) return error;
    throw error;
  }
  throw new Error('This was to fail, but it did not.');
}
