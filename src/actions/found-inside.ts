import type Docker from 'dockerode';

import { listContainers } from '../docker/inventory';
import { RewindError } from '../errors';
import type { DatabasePlan } from '../postgres/declared';
import { isPasswordOf } from '../postgres/password';
import { textArray } from '../postgres/sql';
import type { DatabaseSettings } from '../settings';
import { openServer } from './open-server';

/** What is in a server already of what is declared: an earlier declaration has left it, or somebody has made it. */
export interface FoundInside {
  readonly roles: ReadonlySet<string>;
  /** Roles that have the password that they are to have. */
  readonly withPassword: ReadonlySet<string>;
  readonly databases: ReadonlySet<string>;
}

/** What is found where nothing can be looked at. */
export const nothingInside: FoundInside = { roles: new Set(), withPassword: new Set(), databases: new Set() };

/**
 * Looks for the roles and databases that are declared. A server that does not run yet has none of them.
 *
 * @param stack - `project/stack` of Pulumi
 */
export async function findInside(
  docker: Docker,
  stack: string,
  settings: DatabaseSettings,
  plan: DatabasePlan,
  passwordOf: (role: string) => string | undefined,
): Promise<FoundInside> {
  try {
    const containers = await listContainers(docker);
    const server = await openServer(docker, containers, stack, settings);
    const found = await server.query<{ kind: 'role' | 'database'; name: string; stored: string | null }>(
      `SELECT 'role' AS kind, rolname AS name, rolpassword AS stored FROM pg_catalog.pg_authid
        WHERE rolname = ANY (${textArray(plan.roles.map(({ name }) => name))})
      UNION ALL SELECT 'database', datname, NULL FROM pg_catalog.pg_database
        WHERE datname = ANY (${textArray(plan.databases.map(({ name }) => name))})`,
      server.maintenance,
    );
    const named = (wanted: 'role' | 'database'): Set<string> =>
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
  } catch (error) {
    if (error instanceof RewindError) return nothingInside;
    throw error;
  }
}
