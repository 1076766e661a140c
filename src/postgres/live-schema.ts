import { createHash } from 'node:crypto';

import { normalForm } from './normal-form';
import { readRevisions, type VersionTable } from './revisions';
import { fingerprintObjects, fingerprintOf, readSchema, type SchemaObject } from './schema';
import type { PostgresServer } from './server';
import { SnapshotSession } from './session';

/** What a database is at this moment, in a few lines. */
export interface LiveSchema {
  /** Revisions in alembic's table; empty if there is none. */
  readonly revisions: readonly string[];
  /** One hash over every object. */
  readonly fingerprint: string;
  /** By kind of object, how many there are and a hash over them: `12 3f2a9c01be47`. */
  readonly objects: Readonly<Record<string, string>>;
  readonly bytes: number;
}

/**
 * Reads the schema of the application's database, as it is in one moment.
 *
 * @throws RewindError database/…
 */
export async function readLiveSchema(server: PostgresServer, versionTable: VersionTable = {}): Promise<LiveSchema> {
  return SnapshotSession.use(server, server.database, async (session) => {
    const revisions = await readRevisions(session, versionTable);
    const objects = await readSchema(session);
    const [size] = await session.query<{ bytes: number }>(
      'SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS bytes',
    );
    return {
      revisions,
      fingerprint: fingerprintOf(fingerprintObjects(objects)),
      objects: summaryByKind(objects),
      bytes: size!.bytes,
    };
  });
}

/** By kind, how many objects there are and a hash over them: few lines, however large the schema. */
export function summaryByKind(objects: readonly SchemaObject[]): Record<string, string> {
  const kinds = new Map<string, string[]>();
  for (const { kind, name, definition } of objects) {
    const found = kinds.get(kind) ?? [];
    found.push(JSON.stringify([name, normalForm(definition)]));
    kinds.set(kind, found);
  }
  return Object.fromEntries(
    [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, all]) => [kind, `${all.length} ${hashOf(all.sort())}`]),
  );
}

function hashOf(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 12);
}
