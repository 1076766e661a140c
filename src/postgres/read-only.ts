import { verifierRole } from './declared';
import { psqlScript, type PostgresServer } from './server';
import { identifier, literal } from './sql';

/** A query that takes longer is ended, in milliseconds. */
const timeoutMs = 10_000;

/**
 * The one value of a query that somebody has written down to be asked: in a transaction that changes nothing, and as the
 * role that may only read, where the stack has it.
 *
 * @param query - a SELECT of one row with one column
 * @throws RewindError database/…
 */
export async function readValue(server: PostgresServer, query: string, signal?: AbortSignal): Promise<unknown> {
  const script = [
    'BEGIN READ ONLY;',
    `SET LOCAL statement_timeout = ${timeoutMs};`,
    // SET ROLE cannot be conditional; the setting of that name can.
    `SELECT pg_catalog.set_config('role', rolname, true) FROM pg_catalog.pg_roles WHERE rolname = ${literal(verifierRole)} \\g /dev/null`,
    `SELECT pg_catalog.to_json((\n${query.trim().replace(/;$/, '')}\n));`,
    'COMMIT;\n',
  ].join('\n');
  const result = await server.tool(psqlScript, { input: script, ...(signal && { signal }) });
  if (result.exitCode !== 0) throw server.problem('A query failed', result, identifier(server.database));
  const text = result.stdout.trim();
  return text === '' ? null : (JSON.parse(text) as unknown);
}
