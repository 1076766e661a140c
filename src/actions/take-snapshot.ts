import { createReadStream } from 'node:fs';
import type { Writable } from 'node:stream';

import type { ContainerResult } from '../docker/exec';
import { RewindError } from '../errors';
import { readSequences } from '../postgres/contents';
import { sayingWhoLocks } from '../postgres/lock-holders';
import type { VersionTable } from '../postgres/revisions';
import type { PostgresServer } from '../postgres/server';
import { removeAbandoned } from '../postgres/scratch';
import { SnapshotSession } from '../postgres/session';
import { readState } from '../postgres/state';
import type { SnapshotManifest } from '../snapshots/manifest';
import type { SnapshotDraft, SnapshotStore } from '../snapshots/snapshot-store';
import { whoAmI } from './keep-release';

/** What a snapshot is taken of. */
export interface TakeSnapshotOptions {
  readonly server: PostgresServer;
  readonly store: SnapshotStore;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** Database to take it of. @default the application's */
  readonly database?: string;
  /** Where alembic keeps its revision. @default its own default */
  readonly versionTable?: VersionTable;
  readonly reason?: string;
  /** Whether it shows what an update that failed ran on. @default false */
  readonly isOfFailed?: boolean;
  readonly importedFrom?: string;
  /** Name that the manifest has for the database. @default the name that it has on the server */
  readonly databaseName?: string;
  /** The moment that an imported backup shows. @default now */
  readonly takenAt?: Date;
  /** Asks to stop; what was written is removed again. @default never */
  readonly signal?: AbortSignal;
  /** Hears of what has been done. */
  readonly onStep?: (text: string) => void;
}

/**
 * Takes a snapshot: dumps the database with its own tools straight into the store and sums up what it holds, both of the
 * same moment, while others go on writing. It is complete and readable to its end; whether it can be restored is proved
 * by {@link proveSnapshot}.
 *
 * @throws RewindError database/…, store/unusable
 */
export async function takeSnapshot(options: TakeSnapshotOptions): Promise<SnapshotManifest> {
  const { server, store, stack, reason, isOfFailed = false, importedFrom, database = server.database } = options;
  const { onStep = () => undefined } = options;
  const started = new Date();
  const cleaning = removeAbandoned(server);
  cleaning.catch(() => undefined); // waited for below
  const draft = await store.begin(started);
  // Whichever of the two fails first, dumping or reading, ends the other one: that could take long on its own.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const orEndAll = (error: unknown): never => {
    failed.abort(error);
    throw error;
  };
  try {
    const manifest = await SnapshotSession.use(
      server,
      database,
      async (session) => {
        const before = await readSequences(session);
        await cleaning;
        const [dumping, reading] = await Promise.allSettled([
          draft.write('archive', (target) => dump(server, session.exported, database, target, signal)).catch(orEndAll),
          readState(server, session, options.versionTable).catch(orEndAll),
        ]);
        if (reading.status === 'rejected') throw reading.reason;
        if (dumping.status === 'rejected') throw dumping.reason;
        const [archive, state] = [dumping.value, reading.value];
        onStep(`dumped ${database}`);
        const after = await readSequences(session);
        const settings = await draft.write('settings', (target) => written(target, JSON.stringify(state.properties)));
        await readToItsEnd(server, draft, signal);
        onStep('read the dump to its end');
        const { facts, databaseBytes, revisions, schema, content, roles } = state;
        return {
          format: 1,
          id: draft.id,
          stack,
          takenAt: (options.takenAt ?? started).toISOString(),
          seconds: (Date.now() - started.getTime()) / 1000,
          by: whoAmI(),
          ...(reason !== undefined && { reason }),
          ...(isOfFailed && { isOfFailed }),
          ...(importedFrom !== undefined && { importedFrom }),
          service: server.service,
          database: options.databaseName ?? database,
          facts,
          databaseBytes,
          files: { archive, settings },
          revisions,
          schema,
          content,
          sequences: { before, after },
          roles,
        } satisfies SnapshotManifest;
      },
      signal,
    );
    await draft.complete(manifest);
    return manifest;
  } catch (error) {
    await draft.discard();
    if (error instanceof RewindError && error.code === 'database/locked')
      throw await sayingWhoLocks(server, database, error);
    throw error;
  }
}

/** Waits so long for a lock that somebody else holds on a table, in milliseconds. */
const lockWaitMs = 10_000;

/** pg_dump has Zstandard from here on, where it was built with it. */
const versionWithZstandard = 160_000;

/** What a pg_dump says that was not: it says so before it does anything. */
const withoutZstandard = /does not support compression/;

/**
 * pg_dump's custom format keeps each table apart, so that several can be restored at once. The lowest level of
 * compression: gzip takes a third of the time of its default one, for a tenth more bytes; Zstandard three quarters of that to
 * write and a third to read, for a sixth less bytes.
 */
async function dump(
  server: PostgresServer,
  snapshot: string,
  database: string,
  target: Writable,
  signal: AbortSignal,
): Promise<void> {
  const dumped = (compress: string): Promise<ContainerResult> =>
    server.watchedTool(
      [
        'pg_dump',
        '--no-password',
        '--format=custom',
        `--compress=${compress}`,
        `--snapshot=${snapshot}`,
        `--lock-wait-timeout=${lockWaitMs}`,
      ],
      { database, output: target, signal },
    );
  let result = await dumped(server.version < versionWithZstandard ? '1' : 'zstd:1');
  if (result.exitCode !== 0 && withoutZstandard.test(result.stderr)) result = await dumped('1');
  if (result.exitCode !== 0) throw server.problem(`pg_dump of ${server.service} failed`, result, database);
}

/** Has the tool that will restore the archive read all of it. */
async function readToItsEnd(server: PostgresServer, draft: SnapshotDraft, signal: AbortSignal): Promise<void> {
  const input = createReadStream(draft.path('archive'));
  const result = await server.tool(['pg_restore', '--file=/dev/null'], { input, signal });
  if (result.exitCode !== 0) throw server.problem('The dump cannot be read to its end', result);
}

async function written(target: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    target.write(text, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
