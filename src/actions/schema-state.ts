import { connect } from '../docker/engine';
import { listContainers } from '../docker/inventory';
import { messageOf, RewindError } from '../errors';
import { readLiveSchema } from '../postgres/live-schema';
import type { VersionTable } from '../postgres/revisions';
import { versionName } from '../postgres/server';
import { openServer } from './open-server';

/** Which database is looked at. */
export interface SchemaIdentity {
  /** `project/stack` of Pulumi, by which its container is found. */
  readonly stack: string;
  /** The service with the Postgres database. */
  readonly service: string;
  /** @default POSTGRES_DB of the container */
  readonly database?: string;
  /** @default POSTGRES_USER of the container */
  readonly user?: string;
  /** Where alembic keeps its revision. @default its own default */
  readonly versionTable?: VersionTable;
}

/** What was found, as it stands in the stack's state. */
export interface SchemaFacts {
  /** {@link reachable}, or why nothing could be read; what else is told is then what was read last. */
  readonly status: string;
  /** Revisions, separated by commas: one for each branch; empty if there is none. */
  readonly revision?: string;
  /** One hash over every object of the schema. */
  readonly fingerprint?: string;
  /** By kind of object, how many there are and a hash over them. */
  readonly objects?: Readonly<Record<string, string>>;
  /** Size of the database, roughly: it is left as it was until it has changed by a quarter. */
  readonly sizeMiB?: number;
  /** e.g. `15.14` */
  readonly serverVersion?: string;
}

/** The status of a database that could be read. */
export const reachable = 'reachable';

/** Waits so long for a database that neither answers nor refuses, in milliseconds. */
const limitMs = 60_000;

/**
 * Looks at the schema of a stack's database. Never fails: that it cannot be looked at is what was found then.
 *
 * @param known - what was found before
 */
export async function readSchemaState(
  identity: SchemaIdentity,
  known: Partial<SchemaFacts> = {},
): Promise<SchemaFacts> {
  try {
    return await within(limitMs, look(identity, known));
  } catch (error) {
    const isOut = !(error instanceof RewindError) || /unreachable$/.test(error.code);
    return { ...known, status: `${isOut ? 'database unreachable' : 'database not read'}: ${messageOf(error)}` };
  }
}

/**
 * What an update makes of a schema that is not as it is declared. The program moves it before it declares anything, with
 * what it knows of the images and the migrations; here it is looked at again.
 */
export function settleSchema(identity: SchemaIdentity, known: Partial<SchemaFacts>): Promise<SchemaFacts> {
  return readSchemaState(identity, known);
}

/** Revisions as one text, whatever their order. */
export function revisionText(revisions: readonly string[]): string {
  return [...revisions].sort().join(', ');
}

async function look(identity: SchemaIdentity, known: Partial<SchemaFacts>): Promise<SchemaFacts> {
  const { stack, service, database, user, versionTable } = identity;
  const { docker } = await connect();
  const settings = { service, ...(database !== undefined && { name: database }), ...(user !== undefined && { user }) };
  const containers = await listContainers(docker);
  const server = await openServer(docker, containers, stack, settings);
  const { revisions, fingerprint, objects, bytes } = await readLiveSchema(server, versionTable);
  return {
    status: reachable,
    revision: revisionText(revisions),
    fingerprint,
    objects,
    sizeMiB: roughSize(bytes, known.sizeMiB),
    serverVersion: versionName(server.version),
  };
}

const mebibyte = 2 ** 20;

/**
 * A size in MiB with two digits that count. One that was known stays until it is out by a quarter: a database that is
 * used grows all the time, and that is no news.
 */
export function roughSize(bytes: number, known: number | undefined): number {
  const size = Math.max(bytes / mebibyte, 1);
  if (known !== undefined && size < known * 1.25 && size > known / 1.25) return known;
  return Number(size.toPrecision(2));
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `It has not answered within ${ms / 1000} seconds.`;
      reject(new RewindError({ code: 'database/unreachable', message, fix: 'See its log.' }));
    }, ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
