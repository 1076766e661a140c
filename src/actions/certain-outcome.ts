import { setTimeout as sleep } from 'node:timers/promises';

import { migrationPurpose } from '../alembic/image';
import { endAbandoned } from '../docker/abandoned-one-offs';
import { readRevisions } from '../postgres/revisions';
import type { DataOutcome } from './data-run';
import { same } from './move-data';
import { openDatabase } from './open-database';
import type { StackContext } from './stack-context';

/** For so long a database is asked that does not answer: it may be on its way up. */
const patienceMs = 30_000;

/**
 * What has been done to the data, as the database tells. A command that was about to move the schema may have been killed
 * before it had, or after, or could not write down that it had: where the schema stands says which. Where the database
 * does not answer, what was written down has to do.
 */
export async function certainOutcome(context: StackContext, written: DataOutcome): Promise<DataOutcome> {
  const { begun, moving, moved } = written;
  if (!begun || !moving || moved) return written;
  for (const end = Date.now() + patienceMs; Date.now() < end;) {
    const live = await revisionsOf(context, moving.like).catch(() => undefined);
    if (live) return same(live, moving.from) ? written : { ...written, moved: moving };
    await sleep(500);
  }
  return written;
}

async function revisionsOf(context: StackContext, like: string): Promise<readonly string[]> {
  const { docker, server, versionTable } = await openDatabase(context);
  // Migrations go on although whoever has begun them was killed.
  await endAbandoned(docker, migrationPurpose, like);
  return readRevisions(server, versionTable);
}
