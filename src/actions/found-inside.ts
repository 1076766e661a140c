import { RewindError } from '../errors';
import type { DatabasePlan } from '../postgres/declared';
import { isPasswordOf } from '../postgres/password';
import type { PostgresServer } from '../postgres/server';
import { textArray } from '../postgres/sql';

/** What is in a server already of what is declared: an earlier declaration has left it, or somebody has made it. */
export interface FoundInside {
  readonly roles: ReadonlySet<string>;
  /** Roles that have the password that they are to have. */
  readonly withPassword: ReadonlySet<string>;
  readonly databases: ReadonlySet<string>;
}

/** What is found where nothing can be looked at. */
export const nothingInside: FoundInside = { roles: new Set(), withPassword: new Set(), databases: new Set() };

/** A role or database of a server. */
export interface Inside {
  readonly kind: 'role' | 'database';
  readonly name: string;
  /** What the server keeps of a role's password. Null if it has none. */
  readonly stored: string | null;
}

/**
 * Looks for the roles and databases that are declared. A server that does not run yet has none of them.
 *
 * @param open - connects to the server
 */
export async function readInside(open: () => Promise<PostgresServer>, plan: DatabasePlan): Promise<readonly Inside[]> {
  try {
    const server = await open();
    // Each database shows those of the whole server.
    return await server.query<Inside>(
      `SELECT 'role' AS kind, rolname AS name, rolpassword AS stored FROM pg_catalog.pg_authid
        WHERE rolname = ANY (${textArray(plan.roles.map(({ name }) => name))})
      UNION ALL SELECT 'database', datname, NULL FROM pg_catalog.pg_database
        WHERE datname = ANY (${textArray(plan.databases.map(({ name }) => name))})`,
    );
  } catch (error) {
    if (error instanceof RewindError) return [];
    throw error;
  }
}

/** What of it is as it is to be. */
export function foundInside(found: readonly Inside[], passwordOf: (role: string) => string | undefined): FoundInside {
  const named = (wanted: Inside['kind']): Set<string> =>
    new Set(found.filter(({ kind }) => kind === wanted).map(({ name }) => name));
  const withPassword = found.filter(({ name, stored }) => {
    const password = passwordOf(name);
    return stored !== null && password !== undefined && isPasswordOf(name, password, stored);
  });
  return {
    roles: named('role'),
    databases: named('database'),
    withPassword: new Set(withPassword.map(({ name }) => name)),
  };
}
