import type { Accept, Accepted } from '../../src/actions/accept-drift';

/** What taking findings over will write, and what it leaves. */
export function acceptText(accepts: readonly Accept[], left: Accepted['left']): string {
  if (accepts.length === 0 && left.length === 0) return 'There is nothing to take over.';
  return [...accepts.map(({ finding: { what }, into }) => `${what}: into ${into}`), ...leftLines(left)].join('\n');
}

/** What was written, and how to go on; a change of the compose files comes last, so that `git apply` takes all of it. */
export function acceptedText({ settings, schema, patch, left }: Accepted): string {
  const lines = [
    ...settings.map((name) => `written: ${name}`),
    ...(schema ? schema.names.map((name) => `taken over: ${name}`) : []),
    ...(schema?.revisionFile === undefined
      ? []
      : [
          `written: ${schema.revisionFile}${schema.isInPlace ? '' : ' (put it where the other migrations are)'}`,
          'It does nothing where it was done by hand. Build it into the image, then: rewind deploy.',
        ]),
    ...leftLines(left),
    ...(settings.length > 0 ? ['What runs has changed already; rewind deploy makes a release of it.'] : []),
    ...(patch === undefined ? [] : ['To be applied to the compose files (git apply), then: rewind deploy.', '', patch]),
  ];
  return lines.length === 0 ? 'There was nothing to write.' : lines.join('\n');
}

function leftLines(left: Accepted['left']): string[] {
  return left.map(({ finding: { what }, why }) => `${what}: left as it is; ${why}`);
}
