import type { ContainerResult } from '../docker/exec';
import { type ErrorCode, RewindError } from '../errors';

/** What was connected to. */
interface Login {
  readonly service: string;
  readonly user: string;
  readonly database: string;
}

interface Rule {
  readonly says: RegExp;
  readonly code: ErrorCode;
  readonly message: (login: Login) => string;
  readonly fix: (login: Login) => string;
}

/** What the tools say, in the server's own English, and what it means. */
const rules: readonly Rule[] = [
  {
    says: /no password supplied|fe_sendauth/,
    code: 'database/no-login',
    message: ({ service, user }) =>
      `The database of ${service} asks ${user} for a password, and its container has none in POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE.`,
    fix: ({ service }) => `Set POSTGRES_PASSWORD of ${service} to the role's password.`,
  },
  {
    says: /password authentication failed/,
    code: 'database/no-login',
    message: ({ service, user }) => `The database of ${service} does not let ${user} in: the password is wrong.`,
    fix: ({ service }) =>
      `A database keeps the password that it was made with: set POSTGRES_PASSWORD of ${service} to that, or change the role's: ALTER ROLE … PASSWORD.`,
  },
  {
    says: /role ".*" does not exist|Peer authentication failed|no pg_hba\.conf entry|is not permitted to log in/,
    code: 'database/no-login',
    message: ({ service, user }) => `The database of ${service} does not let ${user} in.`,
    fix: () => 'Name a role that may log in: pulumi config set --path rewind:database.user <role>.',
  },
  {
    says: /database ".*" does not exist/,
    code: 'database/unknown',
    message: ({ service, database }) => `The server of ${service} has no database ${JSON.stringify(database)}.`,
    fix: ({ service }) =>
      `Name it: pulumi config set --path rewind:database.name <database>. What there is: docker compose exec ${service} psql --list.`,
  },
  {
    says: /No space left on device|could not extend file/,
    code: 'database/no-room',
    message: ({ service }) => `The disk of the database of ${service} is full.`,
    fix: () => 'Make room; databases that are kept aside take some: rewind snapshot list, rewind snapshot prune.',
  },
  {
    says: /could not connect|connection to server .* failed|server closed the connection|terminating connection|the database system is|Connection refused|No such file or directory\s+Is the server running/,
    code: 'database/unreachable',
    message: ({ service }) => `The database of ${service} cannot be reached.`,
    fix: ({ service }) =>
      `See what it says: docker compose logs ${service}. If it does not run: rewind restart ${service}.`,
  },
  {
    // pg_dump has the server end its wait by another timeout.
    says: /canceling statement due to lock timeout|canceling statement due to statement timeout[\s\S]*Query was: LOCK TABLE/,
    code: 'database/locked',
    message: ({ service }) => `Somebody holds a lock in the database of ${service}.`,
    fix: () => 'End the transaction that holds it, then run this again.',
  },
  {
    says: /cannot execute .* in a read-only transaction|cannot execute .* during recovery/,
    code: 'database/read-only',
    message: ({ service }) => `The database of ${service} takes no changes.`,
    fix: () =>
      'Name the service of the primary in rewind:database.service; if it is that, see default_transaction_read_only.',
  },
];

/** Exit code of a command that is not there. */
export const commandNotFound = 127;
const notExecutable = 126;

/** What a failed tool of Postgres means; never with a password in it, as none of them prints one. */
export function serverProblem(what: string, { exitCode, stdout, stderr }: ContainerResult, login: Login): RewindError {
  if (exitCode === commandNotFound || exitCode === notExecutable) {
    if (!isMissing(`${stderr}${stdout}`)) return notRunning(login.service, undefined);
    return new RewindError({
      code: 'database/not-postgres',
      message: `The service ${login.service} is no Postgres database: its container has no program for that (${lastLine(stderr.trim() || stdout)}).`,
      fix: 'Name the service that is: pulumi config set --path rewind:database.service <service>.',
    });
  }
  const rule = rules.find(({ says }) => says.test(stderr));
  if (rule) {
    return new RewindError({
      code: rule.code,
      message: `${rule.message(login)} It says: ${lineThat(rule.says, stderr)}`,
      fix: rule.fix(login),
    });
  }
  // Killed, and mostly the whole container with it: https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html
  // What it was about to say then ends in the middle of a line.
  if (!stderr.includes('\n') && (exitCode === undefined || exitCode > 128)) {
    return notRunning(login.service, undefined);
  }
  const ended = exitCode === undefined ? 'it was ended' : `exit code ${exitCode}`;
  return new RewindError({
    code: 'database/failed',
    message: `${what}: ${stderr.trim() || ended}`,
    fix: 'Mend what it names, then run this again.',
  });
}

/**
 * Whether a program is missing. The engine ends with the same exit code if a container ends while something is started
 * in it, and says that as output; it may then miss a file of its own. Of a program, it gives the name: `exec: "psql"`.
 */
function isMissing(said: string): boolean {
  const reason = /not found|no such file|permission denied/i;
  if (!said.includes('OCI runtime')) return reason.test(said);
  return /exec: \\?"/.test(said) && reason.test(said);
}

/** The container of the database has gone while it was worked with, or does not run. */
export function notRunning(service: string, cause: unknown): RewindError {
  return new RewindError({
    code: 'database/unreachable',
    message: `The database of ${service} has stopped.`,
    fix: `Start it: rewind restart ${service}. Why it stopped: docker compose logs ${service}.`,
    cause,
  });
}

/** The line that tells what is wrong; others may say what was tried. */
function lineThat(says: RegExp, text: string): string {
  return (
    text
      .split('\n')
      .find((line) => says.test(line))
      ?.trim() ?? lastLine(text)
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
