import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import type { ComposeModel } from '../compose/model';
import type { ContainerSpec, ServicePlan } from '../container/spec';
import type { Problem } from '../errors';
import { Sensitive, type Text } from '../sensitive';
import type { DatabaseSettings } from '../settings';
import type { RoleRights } from '../settings-reader';
import { longestName } from './sql';

/** What is declared inside of a database server, and how the server is reached. */
export interface DatabasePlan {
  /** Loopback address and port at which the service publishes the server. */
  readonly host: string;
  readonly port: number;
  /** The role to work as, and its password. @default the server asks for none */
  readonly user: string;
  readonly password?: Sensitive;
  /** The application's database. */
  readonly database: string;
  readonly roles: readonly DeclaredRole[];
  readonly databases: readonly { readonly name: string; readonly owner: string }[];
  readonly extensions: readonly string[];
}

/** A role that can log in. */
export interface DeclaredRole {
  readonly name: string;
  /** What it may do to the tables of the server. */
  readonly rights: RoleRights;
}

/** The role of `verifier: true`. */
export const verifierRole = 'rewind_verifier';

/**
 * What `rewind:database` declares inside of the server; undefined if that is nothing.
 *
 * @param plan - of the service with the database, as it is about to run
 */
export function planDatabase(
  settings: DatabaseSettings,
  plan: ServicePlan,
  model: ComposeModel,
  isLocal: boolean,
): { readonly plan?: DatabasePlan; readonly problems: readonly Problem[] } {
  const { roles = {}, databases = {}, extensions = [], verifier = false } = settings;
  const declared: DeclaredRole[] = [
    ...(verifier ? [{ name: verifierRole, rights: 'read' as const }] : []),
    ...Object.entries(roles).map(([name, rights]) => ({ name, rights })),
  ];
  if (declared.length + Object.keys(databases).length + extensions.length === 0) return { problems: [] };
  const [spec] = plan.containers;
  if (!spec) return { problems: [] };
  const env = environmentOf(spec);
  const user = settings.user ?? text(env.get('POSTGRES_USER')) ?? text(env.get('POSTGRESQL_USERNAME')) ?? 'postgres';
  const database = settings.name ?? text(env.get('POSTGRES_DB')) ?? text(env.get('POSTGRESQL_DATABASE')) ?? user;
  const port = publishedPort(spec, Number(text(env.get('PGPORT')) ?? 5432));
  const password = passwordIn(env, model, plan.service);
  const problems = [
    ...nameProblems(settings, user, database),
    ...(isLocal ? (port ? [] : [noPort(plan.service)]) : [remoteEngine()]),
    ...(password === undefined && text(env.get('POSTGRES_HOST_AUTH_METHOD')) !== 'trust'
      ? [noPassword(plan.service)]
      : []),
  ];
  if (problems.length > 0 || !port) return { problems };
  return {
    plan: {
      ...port,
      user,
      ...(password && { password }),
      database,
      roles: declared,
      databases: Object.entries(databases).map(([name, owner]) => ({ name, owner })),
      extensions,
    },
    problems,
  };
}

/** The password of a declared role that has none in the configuration: the same as long as the stack has its key. */
export function madePassword(key: Buffer, role: string): string {
  return createHmac('sha256', key).update(`password of the role ${role}`).digest('base64url').slice(0, 32);
}

function environmentOf({ envs = [] }: ContainerSpec): Map<string, Text> {
  return new Map(
    envs.map((variable) => {
      const line = variable instanceof Sensitive ? variable.reveal() : variable;
      const at = line.indexOf('=');
      const [key, value] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
      return [key, variable instanceof Sensitive ? new Sensitive(value) : value];
    }),
  );
}

function text(value: Text | undefined): string | undefined {
  const plain = value instanceof Sensitive ? value.reveal() : value;
  return plain === '' ? undefined : plain;
}

/** The names are those of the official image and of Bitnami's. */
function passwordIn(env: ReadonlyMap<string, Text>, model: ComposeModel, service: string): Sensitive | undefined {
  for (const name of ['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD']) {
    const value = text(env.get(name)) ?? secretFile(text(env.get(`${name}_FILE`)), model, service);
    if (value !== undefined) return new Sensitive(value);
  }
  return undefined;
}

/** The content of a compose secret, by its path in the container. */
function secretFile(path: string | undefined, model: ComposeModel, service: string): string | undefined {
  if (path === undefined) return undefined;
  for (const { source, target = source } of model.services[service]?.secrets ?? []) {
    const file = model.secrets[source]?.file;
    const mounted = target.startsWith('/') ? target : `/run/secrets/${target}`;
    // As the shell in the image reads it: without the line's end.
    if (mounted === path && file !== undefined && existsSync(file))
      return readFileSync(file, 'utf8').replace(/\n+$/, '');
  }
  return undefined;
}

const loopback: Readonly<Record<string, string>> = {
  '': '127.0.0.1',
  '0.0.0.0': '127.0.0.1',
  '::': '::1',
  '::1': '::1',
};

function publishedPort({ ports = [] }: ContainerSpec, internal: number): { host: string; port: number } | undefined {
  for (const { internal: inside, external, ip = '', protocol = 'tcp' } of ports) {
    const host = ip.startsWith('127.') ? ip : loopback[ip];
    if (inside === internal && external !== undefined && protocol === 'tcp' && host !== undefined) {
      return { host, port: external };
    }
  }
  return undefined;
}

function nameProblems(
  { roles = {}, databases = {}, verifier }: DatabaseSettings,
  user: string,
  database: string,
): Problem[] {
  const taken = (path: string, name: string, what: string): Problem => ({
    code: 'config/invalid',
    message: `rewind:database.${path}["${name}"] is ${what}.`,
    fix: `Take it out, or choose another name: pulumi config rm --path 'rewind:database.${path}["${name}"]'.`,
  });
  const badNames = (path: string, names: readonly string[]): Problem[] =>
    names
      .filter((name) => name.startsWith('pg_') || name === '' || Buffer.byteLength(name) > longestName)
      .map((name) => taken(path, name, 'no name that Postgres takes (1 to 63 bytes, not beginning with pg_)'));
  return [
    ...badNames('roles', Object.keys(roles)),
    ...badNames('databases', Object.keys(databases)),
    ...(user in roles
      ? [taken('roles', user, 'the role that Rewind works as, whose rights are not for it to set')]
      : []),
    ...(verifier && verifierRole in roles ? [taken('roles', verifierRole, 'declared by verifier already')] : []),
    ...(database in databases
      ? [taken('databases', database, 'the database of the application, which is there already')]
      : []),
  ];
}

function noPort(service: string): Problem {
  return {
    code: 'config/invalid',
    message: `rewind:database declares roles, databases or extensions, for which the server of ${service} has to be reached, but ${service} publishes it on no fixed port of this machine.`,
    fix: `Publish it for this machine alone, in the compose file: services.${service}.ports: ["127.0.0.1:5432:5432"] (the first number is free to choose).`,
  };
}

function remoteEngine(): Problem {
  return {
    code: 'config/invalid',
    message:
      'rewind:database declares roles, databases or extensions, for which the server has to be reached from here, but the Docker engine is on another machine.',
    fix: 'Run Rewind on the machine of the engine, or take roles, databases, extensions and verifier out of rewind:database.',
  };
}

function noPassword(service: string): Problem {
  return {
    code: 'config/invalid',
    message: `rewind:database declares roles, databases or extensions, but the password of the server of ${service} is not known: it is neither in POSTGRES_PASSWORD nor in a compose secret that POSTGRES_PASSWORD_FILE names.`,
    fix: `Set it: pulumi config set --secret --path rewind:secrets.${service}.POSTGRES_PASSWORD.`,
  };
}
