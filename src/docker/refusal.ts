import { messageOf, RewindError } from '../errors';

/** What the engine's API says in an error, without the HTTP around it; of any other error, its message. */
export function engineMessage(error: unknown): string {
  return (error as { json?: { message?: string } | null }).json?.message ?? messageOf(error);
}

/**
 * The error for a request that the engine has refused.
 *
 * @param what - what the engine does not do, as a sentence without its full stop
 */
export function refusal(what: string, fix: string, error: unknown): RewindError {
  return new RewindError({ code: 'docker/failed', message: `${what}: ${engineMessage(error)}.`, fix, cause: error });
}

/** The answer to a request, or undefined if the engine answers with this HTTP status. */
export async function ignoring<T>(status: number, request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === status) return undefined;
    throw error;
  }
}
