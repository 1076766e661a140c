/** What an error needs so that its reader can act on it. */
export interface Problem {
  /** Stable code, listed in docs/errors.md, e.g. `compose/unknown-service`. */
  readonly code: ErrorCode;
  /** What is wrong, and where: the file, service, key or line. Never holds a secret value. */
  readonly message: string;
  /** How to mend it: a command to type or a line to change. */
  readonly fix: string;
  /** The error that led to this one. @default none */
  readonly cause?: unknown;
}

/**
 * Every code with what it means. docs/errors.md is generated from this table, and a test holds the page against it.
 */
export const errorCodes = {
  'config/invalid': 'A `rewind:` setting of the stack configuration has the wrong shape.',
  'config/unknown-service': 'The stack configuration names a service that the compose file does not have.',
  'config/bad-image': 'A value of `rewind:tags` is neither a tag, nor an image reference, nor an image ID.',
  'config/file-pin': 'A value of `rewind:files` pins a file to a content that the store does not have.',
  'compose/not-found': 'A compose file or env file named in the configuration does not exist.',
  'compose/invalid': 'docker compose could not read the compose files.',
  'compose/unset-variable': 'The compose file uses a variable that has no value.',
  'compose/unsupported': 'A key of the compose file cannot be carried over to a container.',
  'compose/cycle': 'Services depend on each other in a circle.',
  'compose/missing-file': 'A file that a service mounts as config or secret does not exist.',
  'docker/no-cli': 'The docker command or its compose plugin is missing.',
  'docker/unreachable': 'No Docker engine answers.',
  'docker/failed': 'The Docker engine refused a request.',
  'docker/missing-image': 'A service needs an image that is not there and cannot be pulled.',
  'docker/port-taken': 'Something else already listens on a port that a service publishes.',
  'docker/foreign-container': 'A container that is not part of this stack has the name of one of its containers.',
  'docker/foreign-network': 'A network that is not part of this stack has the name of one of its networks.',
  'docker/build-failed': 'docker compose could not build the image of a service.',
  'docker/missing-external': 'A network or volume that the compose file calls external does not exist.',
  'service/not-ready': 'A service was started but did not become ready.',
  'service/unverified': 'A service was ready at the end of an update, but is not as it should be.',
  'release/unknown': 'The stack has no such release.',
  'release/damaged': 'A release record was changed or cut short after it was written.',
  'release/unreadable': 'The kept configuration of a release cannot be read.',
  'release/locked': 'Another operation on the stack is under way.',
  'release/loss': 'Going back would take away data that nobody has agreed to lose.',
  'drift/outdated': 'The stack was changed after it was looked at.',
  'drift/not-accepted': 'What is there cannot be written down as what is to be.',
  'operation/unknown': 'The stack has no such operation.',
  'operation/damaged': 'The record of an operation was changed, cut short or taken away.',
  'operation/none': 'There is no interrupted operation to go on with.',
  'store/unusable': 'The store of releases and files cannot be read or written.',
  'database/not-postgres': 'The service that is named as the database has no Postgres in it.',
  'database/too-old': 'The Postgres server is older than Rewind, or what is declared inside of it, needs.',
  'database/unreachable': 'The database does not answer.',
  'database/no-login': 'The database does not let the role in.',
  'database/unknown': 'The server has no such database.',
  'database/read-only': 'The server takes no changes: it is a replica, or is set so.',
  'database/no-room': 'The disk of the database has too little room.',
  'database/locked': 'Somebody holds a lock that is needed.',
  'database/failed': 'The database refused a statement, or one of its tools failed.',
  'migration/no-alembic': 'The image that is named for the migrations has no alembic that works.',
  'migration/failed': 'A migration failed.',
  'migration/unknown-revision': 'No image that is there knows both the revision of the database and the one to go to.',
  'migration/no-downgrade': 'A migration that is to be undone has no downgrade.',
  'migration/unfinished': 'After an update the database does not stand where it should.',
  'snapshot/unknown': 'There is no such snapshot.',
  'snapshot/damaged': 'A snapshot was changed or cut short after it was written.',
  'snapshot/unusable': 'A backup that is to be imported cannot be used.',
  'snapshot/not-restorable': 'A snapshot could not be restored, or came back otherwise than it was taken.',
  'snapshot/in-place': 'The data of a snapshot is in place, but a service did not start with it.',
  'setup/node': 'This version of Node.js is too old.',
  'setup/docker': 'Docker is missing, not running, or out of reach, and cannot be set up here.',
  'setup/engine': 'The Pulumi engine or a plugin can neither be found, nor downloaded, nor built.',
  'setup/images': 'The images of the example stack could not be built.',
  'setup/locked': 'Another set-up is under way.',
  'setup/failed': 'A step of the set-up failed.',
  'cli/usage': 'The command line is not understood.',
  'pulumi/failed': 'A Pulumi command failed.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The one error class of Rewind: what is wrong, and how to mend it. */
export class RewindError extends Error implements Problem {
  readonly code: ErrorCode;
  readonly fix: string;
  /** All problems that were found together; the first is this error itself. */
  readonly problems: readonly Problem[];

  constructor(problem: Problem, others: readonly Problem[] = []) {
    super(problem.message, { cause: problem.cause });
    this.name = 'RewindError';
    this.code = problem.code;
    this.fix = problem.fix;
    this.problems = [problem, ...others];
  }

  /** One error that tells all problems at once, or undefined if there are none. */
  static of(problems: readonly Problem[]): RewindError | undefined {
    const [first, ...others] = problems;
    return first && new RewindError(first, others);
  }

  /** Throws all problems as one error, if there are any. */
  static throwIfAny(problems: readonly Problem[]): void {
    const error = RewindError.of(problems);
    if (error) throw error;
  }

  /** All problems as text for people: message, then how to mend it. */
  render(): string {
    const text = this.problems.map((p) => `${p.message}\n  → ${p.fix} [${p.code}]`);
    return text.length === 1 ? text[0]! : `${text.length} problems:\n\n${text.join('\n\n')}`;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
