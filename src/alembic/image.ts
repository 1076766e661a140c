import type Docker from 'dockerode';

import type { ContainerSpec } from '../container/spec';
import { type OneOff, runOneOff, standBy } from '../docker/one-off';
import { type ErrorCode, RewindError } from '../errors';
import type { RevisionGraph } from './graph';
import helper from './helper.py';

/** Where a database stands, as alembic sees it. */
export interface AlembicState {
  /** Revisions that nothing applied follows; none before the first migration. */
  readonly heads: readonly string[];
  /** Table in which alembic keeps them. */
  readonly table: string;
  /** @default the first one of the search path */
  readonly schema: string | null;
}

/** What undoing a revision does, or why that cannot be told. */
export type DowngradeSql = { readonly revision: string } & ({ readonly sql: string } | { readonly problem: string });

/**
 * Starts alembic's own interpreter, whichever one it was installed for: the first line of its command names it.
 * https://packaging.python.org/en/latest/specifications/entry-points/#use-for-scripts
 */
const launcher = `
alembic=$(command -v alembic) || { echo "there is no alembic command" >&2; exit 127; }
read -r first < "$alembic"
case $first in '#!'*python*) exec \${first#'#!'} -c "$2" "$1" ;; *) exec python3 -c "$2" "$1" ;; esac`;

/** What containers are for that move a schema. */
export const migrationPurpose = 'migration';

/** What the helper prints when it waits for the go. */
const ready = 'rewind-ready';

const mark = 'rewind-alembic:';

/** For so long migrations that were loaded ahead wait, in seconds; what takes longer before them does not get shorter by that. */
const patience = 30;

/** What is done with the revisions of an image. */
export interface RevisionSteps {
  /** Newest first. */
  readonly undo: readonly string[];
  /** Oldest first. */
  readonly apply: readonly string[];
}

/** What {@link AlembicImage.move} tells, and needs to know. */
export interface MoveOptions {
  /**
   * Runs when everything is loaded, and right before the first revision; if it fails, nothing is done. It is told the
   * statements with which revisions are undone, as {@link AlembicImage.downgradeSql} tells them. @default nothing
   */
  readonly whenLoaded?: (downgrade: readonly DowngradeSql[]) => Promise<void>;
  /** Hears where its connections to the database come from. @default nobody */
  readonly onAddresses?: (addresses: readonly string[]) => void;
  /** Container in which the same steps are loaded, from {@link AlembicImage.standBy}. @default they are loaded now */
  readonly standing?: string | undefined;
}

/** The migrations in an image of the application. */
export class AlembicImage {
  readonly #docker: Docker;
  readonly #service: ContainerSpec;
  /** Immutable ID. */
  readonly image: string;

  /**
   * @param service - the service that has them, as planned: its environment says where the database is
   * @param image - ID of the image to take them from
   */
  constructor(docker: Docker, service: ContainerSpec, image: string) {
    this.#docker = docker;
    this.#service = service;
    this.image = image;
  }

  /**
   * Every revision that the image has. Connects to nothing.
   *
   * @throws RewindError migration/no-alembic, docker/failed
   */
  graph(): Promise<RevisionGraph> {
    return this.#ask({ do: 'graph' }, 'migration/no-alembic', false);
  }

  /**
   * Where the database stands.
   *
   * @throws RewindError migration/no-alembic, docker/failed
   */
  state(): Promise<AlembicState> {
    return this.#ask({ do: 'state' }, 'migration/no-alembic');
  }

  /**
   * The statements with which revisions are undone. Connects to nothing.
   *
   * @param undo - newest first
   * @throws RewindError migration/no-alembic, docker/failed
   */
  async downgradeSql(undo: readonly string[]): Promise<readonly DowngradeSql[]> {
    const { steps } = await this.#ask<{ steps: DowngradeSql[] }>({ do: 'sql', undo }, 'migration/no-alembic', false);
    return steps;
  }

  /**
   * Loads what it takes to {@link move}, ahead of the time, in a container that waits for that and then ends by itself.
   * Connects to nothing.
   *
   * @returns its ID; whether everything could be loaded is not known yet
   * @throws RewindError docker/failed
   */
  standBy(steps: RevisionSteps): Promise<string> {
    return standBy(this.#docker, this.#program({ ...moving(steps), patience }, migrationPurpose));
  }

  /**
   * Undoes and applies revisions, in one transaction where env.py has it so, as alembic's own does.
   *
   * @returns where the database stands then
   * @throws RewindError migration/failed, docker/failed; and whatever `whenLoaded` throws
   */
  async move(
    steps: RevisionSteps,
    { whenLoaded = () => Promise.resolve(), onAddresses, standing }: MoveOptions = {},
  ): Promise<AlembicState> {
    let preparing: Promise<void> | undefined;
    const answer = async (said: string): Promise<string> => {
      await (preparing = whenLoaded((answerIn(said) as { steps: DowngradeSql[] }).steps));
      return 'go\n';
    };
    const run = (standing?: string): Promise<AlembicState> =>
      this.#ask(moving(steps), 'migration/failed', true, {
        prompt: { text: ready, answer },
        isDone: (said) => said.slice(said.lastIndexOf(ready)).includes(`\n${mark}`) && said.endsWith('}\n'),
        ...(onAddresses && { onAddresses }),
        ...(standing !== undefined && { standing }),
      });
    try {
      if (standing === undefined) return await run();
      // Where it has not waited, or could not load, nothing was done: whatever is wrong, another one tells.
      return await run(standing).catch((error: unknown) => {
        if (preparing) throw error;
        return run();
      });
    } finally {
      // The container may end while this goes on, and whoever called has to make good what it does.
      await preparing?.catch(() => undefined);
    }
  }

  async #ask<T>(
    task: object,
    code: ErrorCode,
    network = true,
    how: Pick<OneOff, 'prompt' | 'isDone' | 'onAddresses' | 'standing'> = {},
  ): Promise<T> {
    const { exitCode, stdout, stderr } = await runOneOff(this.#docker, {
      ...this.#program(task, how.prompt ? migrationPurpose : 'alembic'),
      ...how,
      network,
    });
    const given = exitCode === 0 ? answerIn(stdout) : undefined;
    if (given !== undefined) return given as T;
    const failed = code === 'migration/failed';
    throw new RewindError({
      code,
      message: `${failed ? 'The migration failed' : `The migrations of ${this.image} cannot be read`}: ${saidLast(stderr)}`,
      fix: failed
        ? 'Mend the migration; the schema is as it was before.'
        : 'Name the service whose image has alembic and its migrations: pulumi config set --path rewind:database.alembic.service <service>.',
    });
  }

  #program(task: object, purpose: string): Pick<OneOff, 'like' | 'image' | 'argv' | 'purpose'> {
    const argv = ['sh', '-c', launcher, 'sh', JSON.stringify(task), helper];
    return { like: this.#service, image: this.image, argv, purpose };
  }
}

function moving({ undo, apply }: RevisionSteps): object {
  return { do: 'move', undo, apply };
}

/** The last answer in what the helper has printed. */
function answerIn(stdout: string): unknown {
  const line = stdout.split('\n').findLast((it) => it.startsWith(mark));
  return line === undefined ? undefined : JSON.parse(line.slice(mark.length));
}

/** The error in a Python traceback: its last line that is not indented, and what follows. */
function saidLast(stderr: string): string {
  const lines = stderr.trim().split('\n');
  const last = lines.findLastIndex((line) => /^[\w.]+(Error|Exception|Exit)\b/.test(line));
  return (last < 0 ? lines.slice(-5) : lines.slice(last, last + 5)).join('\n').trim() || 'it said nothing';
}
