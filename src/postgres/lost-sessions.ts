import type { PostgresServer } from './server';
import { literal } from './sql';

/**
 * Ends the sessions of a program that is gone. Where it was cut off from the network, the server takes them for alive for
 * hours, and whatever they have locked stays locked. What is not allowed is left.
 *
 * @param addresses - that it connected from
 */
export async function endSessionsFrom(server: PostgresServer, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return;
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE host(client_addr) IN (${addresses.map(literal).join(', ')})`;
  await server.query(sql, server.maintenance).catch(() => undefined);
}
