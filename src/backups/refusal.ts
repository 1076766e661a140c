import type { ContainerResult } from '../docker/exec';
import type { PostgresServer } from '../postgres/server';
import { identifier } from '../postgres/sql';
import { takeAgain, unusable } from './unusable';

/** Why the server did not take a dump: one line of what it says, as the others can quote rows. */
export function refusal(server: PostgresServer, name: string, result: ContainerResult): Error {
  const said = firstError(result.stderr);
  const known = server.problem(`${name} cannot be restored`, { ...result, stderr: said });
  if (['database/no-room', 'database/unreachable'].includes(known.code)) return known;
  const role = /role "(.*)" does not exist/.exec(said)?.[1];
  const extension = /extension "(.*?)" is not available|could not open extension control file/.test(said);
  const fix =
    role !== undefined
      ? `Make the role first: CREATE ROLE ${identifier(role)};`
      : extension
        ? `Use an image for ${server.service} that has the extension, then import it again.`
        : /invalid byte sequence/.test(said)
          ? `Its text is not in the encoding that it says: something on the way has changed it. ${takeAgain}`
          : 'Mend what it names, or choose another backup.';
  return unusable(name, `cannot be restored on this server: ${said}`, fix);
}

/** The line of what a tool has said that tells why it failed, without values of rows. */
export function firstError(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const line =
    lines.find((it) => /\b(ERROR|FATAL):|error:/.test(it)) ?? lines.find((it) => it !== '') ?? 'it was ended';
  // A value that the server does not take is quoted.
  return line
    .replace(/^psql:\S+ /, '')
    .replace(/((?:invalid|malformed|out of range)[^:]*: ).*/, '$1…')
    .replace(/value ".*" is out of range/, 'value “…” is out of range');
}
