import { RewindError } from '../errors';

/** How a backup is taken so that nothing on the way can change it. */
export const takeAgain = 'Take it again: pg_dump --format=custom --file=FILE DATABASE, and look at its exit code.';

/**
 * The answer to a backup that cannot be used.
 *
 * @param name - the file, as its user has named it
 * @param what - what is wrong with it, as the rest of a sentence: `is empty`
 * @param fix - what to do. @default {@link takeAgain}
 */
export function unusable(name: string, what: string, fix = takeAgain, cause?: unknown): RewindError {
  return new RewindError({
    code: 'snapshot/unusable',
    message: `${name} ${what}.`,
    fix: `${fix} Nothing has been touched.`,
    ...(cause !== undefined && { cause }),
  });
}
