import { RewindError } from '../errors';
import { type DatabasePlan, verifierRole } from '../postgres/declared';
import { isPasswordOf } from '../postgres/password';
import { type PostgresServer, versionName } from '../postgres/server';
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

/** The groups `pg_read_all_data` and `pg_write_all_data` came with this version. */
const versionWithGroups = 140_000;

/**
 * Looks for the roles and databases that are declared. A server that does not run yet has none of them.
 *
 * @param open - connects to the server
 * @throws RewindError database/too-old if it cannot have what is declared
 */
export async function readInside(open: () => Promise<PostgresServer>, plan: DatabasePlan): Promise<readonly Inside[]> {
  try {
    const server = await open();
    if (server.version < versionWithGroups) checkRights(server, plan);
    // Each database shows those of the whole server.
    return await server.query<Inside>(
      `SELECT 'role' AS kind, rolname AS name, rolpassword AS stored FROM pg_catalog.pg_authid
        WHERE rolname = ANY (${textArray(plan.roles.map(({ name }) => name))})
      UNION ALL SELECT 'database', datname, NULL FROM pg_catalog.pg_database
        WHERE datname = ANY (${textArray(plan.databases.map(({ name }) => name))})`,
    );
  } catch (error) {
    if (error instanceof RewindError && error.code !== 'database/too-old') return [];
    throw error;
  }
}

function checkRights({ service, version }: PostgresServer, { roles }: DatabasePlan): void {
  const reading = roles.filter(({ rights }) => rights !== 'none');
  if (reading.length === 0) return;
  const names = reading.map(({ name }) => (name === verifierRole ? 'verifier' : `roles.${name}`));
  throw new RewindError({
    code: 'database/too-old',
    message: `The database of ${service} is Postgres ${versionName(version)}, which has no role that reads every table: rewind:database declares ${names.join(', ')}. Nothing has been changed.`,
    fix: `Upgrade it to Postgres 14 or newer; or take these out of rewind:database, or declare them with the right "none" and give them rights by hand.`,
  });
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
