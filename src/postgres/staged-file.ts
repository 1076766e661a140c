import { createHash } from 'node:crypto';

import { dataFolder } from './room';
import type { PostgresServer } from './server';

/**
 * Where a dump lies while a database is filled with it. The place is the server's own for temporary files: it empties it
 * at each start, and no base backup takes it along.
 * https://www.postgresql.org/docs/current/storage-file-layout.html
 */
export async function stagedFile(server: PostgresServer, name: string): Promise<string> {
  const mark = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${await dataFolder(server)}/base/pgsql_tmp/pgsql_tmp_rewind_${mark}`;
}
