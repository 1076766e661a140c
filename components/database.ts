import * as postgresql from '@pulumi/postgresql';
import * as pulumi from '@pulumi/pulumi';

import type { FoundInside } from '../src/actions/found-inside';
import type { DatabasePlan, DeclaredRole } from '../src/postgres/declared';
import { unknown } from './outputs';
import { tokens } from './tokens';

/** What a {@link Database} is made of. */
export interface DatabaseArgs {
  /** What is declared, and where the server is. */
  readonly plan: DatabasePlan;
  /** Password of a role; undefined if it is not known yet. */
  readonly passwordOf: (role: string) => string | undefined;
  /** Resolves to the containers of the server once it answers. */
  readonly after: Promise<pulumi.Resource[]>;
  /** What is in the server already. */
  readonly found: FoundInside;
}

/** The groups that come with the server, whose members may read, and write, every table there is and will be. */
const groups: Readonly<Record<DeclaredRole['rights'], readonly string[]>> = {
  read: ['pg_read_all_data'],
  write: ['pg_read_all_data', 'pg_write_all_data'],
  none: [],
};

/**
 * Roles, databases and extensions inside of a Postgres server. What is no longer declared stays in the server: nothing
 * here ever drops a role, a database or an extension.
 */
export class Database extends pulumi.ComponentResource {
  constructor(
    name: string,
    { plan, passwordOf, after, found }: DatabaseArgs,
    opts: pulumi.ComponentResourceOptions = {},
  ) {
    super(tokens.database, name, {}, opts);
    const { host, port, user, password } = plan;
    const provider = new postgresql.Provider(
      name,
      {
        host,
        port,
        username: user,
        ...(password && { password: pulumi.secret(password.reveal()) }),
        database: 'postgres',
        // It does not leave this machine.
        sslmode: 'disable',
        connectTimeout: 30,
      },
      { parent: this },
    );
    const kept = { parent: this, provider, retainOnDelete: true, dependsOn: after };

    const roles = new Map(
      plan.roles.map(({ name: role, rights }) => [
        role,
        new postgresql.Role(
          role,
          {
            name: role,
            login: true,
            password: pulumi.secret(passwordOf(role) ?? unknown()),
            roles: [...groups[rights]],
          },
          // What an earlier declaration has left is taken up again. A password that is right is not read back, so that it
          // may not be compared then; a role of the name with another one is somebody else's: Pulumi refuses it.
          {
            ...kept,
            ...(found.roles.has(role) && { import: role }),
            ...(found.withPassword.has(role) && { ignoreChanges: ['password'] }),
          },
        ),
      ]),
    );
    for (const { name: role, rights } of plan.roles) {
      if (rights === 'none') continue;
      const args = { database: plan.database, role: roles.get(role)!.name };
      // Everybody may connect unless somebody has taken that right away.
      new postgresql.Grant(`${role}-connect`, { ...args, objectType: 'database', privileges: ['CONNECT'] }, kept);
    }
    for (const { name: database, owner } of plan.databases) {
      new postgresql.Database(
        database,
        { name: database, owner: roles.get(owner)?.name ?? owner },
        { ...kept, ...(found.databases.has(database) && { import: database }) },
      );
    }
    for (const extension of plan.extensions) {
      new postgresql.Extension(extension, { name: extension, database: plan.database }, kept);
    }
    this.registerOutputs();
  }
}
