#!/usr/bin/env node
// Which rows that the API has acknowledged to the load are no longer in the database.
//
//   node examples/apex/load.mjs --write 0.5 --acknowledged rows.jsonl
//   node examples/apex/acknowledged.mjs rows.jsonl [--project apex]
//
// Ends with exit code 1 if a row is missing.

import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { DatabaseError, databaseContainer, psql } from './database.mjs';

/**
 * The acknowledged rows that a database does not have. A project counts as there only under its own name: after a
 * restore another one may have got its number.
 *
 * @param {import('./load.mjs').Acknowledged[]} rows
 * @param {string} container of the database
 * @param {{user?: string, database?: string}} [options] see psql()
 * @returns {Promise<import('./load.mjs').Acknowledged[]>} in the order of the rows
 */
export async function missingRows(rows, container, options) {
  if (rows.length === 0) return [];
  const lines = rows.map(({ kind, id, name }, index) =>
    [index, kind === 'project' ? id : '\\N', kind === 'project' ? name : '\\N', kind === 'job' ? id : '\\N'].join('\t'),
  );
  const script = `
CREATE TEMP TABLE acknowledged (index integer, project integer, name text, job uuid);
COPY acknowledged FROM STDIN;
${lines.join('\n')}
\\.
SELECT index FROM acknowledged a
WHERE NOT EXISTS (SELECT FROM projects p WHERE p.id = a.project AND p.name = a.name)
  AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = a.job)
ORDER BY index;
`;
  return (await psql(container, script, options)).map((index) => rows[Number(index)]);
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { project: { type: 'string', default: 'apex' } },
    allowPositionals: true,
  });
  if (positionals.length !== 1) throw new DatabaseError('name the file that the load has written');
  const rows = (await readFile(positionals[0], 'utf8')).split('\n').filter(Boolean).map(JSON.parse);
  const missing = await missingRows(rows, await databaseContainer(values.project));
  console.log(JSON.stringify({ acknowledged: rows.length, missing }, null, 2));
  process.exitCode = missing.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main().catch((failure) => {
    if (!(failure instanceof DatabaseError) && failure.code !== 'ENOENT') throw failure;
    console.error(failure.message);
    process.exitCode = 2;
  });
}
