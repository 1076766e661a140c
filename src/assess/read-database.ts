import { type StackDatabase } from '../actions/open-database';
import { knows, type RevisionGraph } from '../alembic/graph';
import { messageOf, RewindError } from '../errors';
import { readLiveSchema } from '../postgres/live-schema';
import { readValue } from '../postgres/read-only';
import { dataDisk } from '../postgres/room';
import type { ReleasedDatabase } from '../releases/record';
import { misfit } from '../verify/database-probes';
import type { SqlCheck } from '../verify/settings';
import type { DatabaseEvidence, DiskUse } from './evidence';

/** What is asked of a database. */
export interface ReadDatabaseOptions {
  readonly service: string;
  readonly open: () => Promise<StackDatabase>;
  readonly released: ReleasedDatabase | undefined;
  readonly checks: readonly SqlCheck[];
  /** What the running image knows of migrations. @default it cannot be asked */
  readonly graph?: (database: StackDatabase) => Promise<RevisionGraph | undefined>;
}

/** Looks at a database. That it cannot be reached is what was found then. */
export async function readDatabase(
  options: ReadDatabaseOptions,
): Promise<{ readonly evidence: DatabaseEvidence; readonly disk?: DiskUse }> {
  const { service, released } = options;
  try {
    const database = await options.open();
    const { server, versionTable } = database;
    const [live, invalid, room, graph, ...checks] = await Promise.all([
      readLiveSchema(server, versionTable),
      server.query<{ name: string }>(
        `SELECT i.indexrelid::pg_catalog.regclass::text AS name FROM pg_catalog.pg_index i WHERE NOT i.indisvalid`,
      ),
      dataDisk(server),
      options.graph?.(database).catch(() => undefined),
      ...options.checks.map((check) => failureOf(database, check)),
    ]);
    const failedChecks = checks.filter((it) => it !== undefined);
    return {
      evidence: {
        service,
        revisions: live.revisions,
        fingerprint: live.fingerprint,
        ...(released?.schema !== undefined && { released: released.schema }),
        ...(invalid.length > 0 && { invalidIndexes: invalid.map(({ name }) => name) }),
        ...(graph && { heads: graph.heads, isKnown: knows(graph, live.revisions) }),
        ...(failedChecks.length > 0 && { failedChecks }),
      },
      ...(room && { disk: { what: `the database (${service})`, ...room } }),
    };
  } catch (error) {
    const why = error instanceof RewindError ? error.message.split('\n')[0]! : messageOf(error);
    return { evidence: { service, unreachable: why } };
  }
}

async function failureOf({ server }: StackDatabase, check: SqlCheck): Promise<string | undefined> {
  const name = check.name ?? check.query;
  try {
    const why = misfit(await readValue(server, check.query), check);
    return why === undefined ? undefined : `${name}: ${why}`;
  } catch (error) {
    return `${name}: ${messageOf(error).split('\n')[0]}`;
  }
}
