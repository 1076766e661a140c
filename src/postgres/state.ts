import { countContent, type DatabaseContent, readContent } from './contents';
import { type DatabaseFacts, type DatabaseProperties, readFacts, readProperties, readRoles } from './facts';
import { readRevisions, type VersionTable } from './revisions';
import { fingerprintObjects, readSchema, type SchemaFingerprint } from './schema';
import type { PostgresServer } from './server';
import type { SnapshotSession } from './session';

/** What a database is and holds, in one moment. */
export interface DatabaseState {
  readonly facts: DatabaseFacts;
  readonly databaseBytes: number;
  readonly properties: DatabaseProperties;
  /** Roles that own something or were granted something. */
  readonly roles: readonly string[];
  /** Revisions in alembic's table; empty if there is none. */
  readonly revisions: readonly string[];
  readonly schema: SchemaFingerprint;
  readonly content: DatabaseContent;
}

/**
 * Reads everything that tells one database from another.
 *
 * @param filledWith - what it was just filled with: then rows are only counted. @default every row is read
 * @throws RewindError database/…
 */
export async function readState(
  server: PostgresServer,
  session: SnapshotSession,
  versionTable: VersionTable = {},
  filledWith?: DatabaseContent,
): Promise<DatabaseState> {
  const { facts, bytes } = await readFacts(session, server);
  const properties = await readProperties(session);
  const roles = await readRoles(session);
  const revisions = await readRevisions(session, versionTable);
  const schema = fingerprintObjects(await readSchema(session));
  const content = await (filledWith ? countContent(session, filledWith) : readContent(session));
  return { facts, databaseBytes: bytes, properties, roles, revisions, schema, content };
}
