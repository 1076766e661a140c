import type { PostgresServer } from './server';
import type { SnapshotSession } from './session';
import { identifier, literal } from './sql';

/** What a database is made with. */
export interface DatabaseFacts {
  /** `server_version_num`. */
  readonly version: number;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** `libc`, `icu` or `builtin`. */
  readonly provider: string;
  /** Locale of icu and builtin. @default the provider is libc */
  readonly locale?: string;
}

/** What belongs to a database and not to its objects. Settings can hold secrets. */
export interface DatabaseProperties {
  readonly owner: string;
  readonly comment: string | null;
  /** Rights on the database; null where nobody has changed the default. A grantee of null is everybody. */
  readonly rights:
    readonly { readonly grantee: string | null; readonly privilege: string; readonly grantable: boolean }[] | null;
  /** `ALTER DATABASE … SET`, with the role where it is for one alone. */
  readonly settings: readonly { readonly role: string | null; readonly setting: string }[];
  readonly connectionLimit: number;
}

const providers: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin' };

/**
 * What the session's database is made with, and how large it is, in bytes.
 *
 * @throws RewindError database/…
 */
export async function readFacts(
  session: SnapshotSession,
  { version }: PostgresServer,
): Promise<{ facts: DatabaseFacts; bytes: number }> {
  // The columns of the locale have come and changed their names: https://www.postgresql.org/docs/release/
  const provider = version >= 150_000 ? 'datlocprovider::text' : `'c'`;
  const locale = version >= 170_000 ? 'datlocale' : version >= 150_000 ? 'daticulocale' : 'NULL';
  const [row] = await session.query<Omit<DatabaseFacts, 'locale'> & { locale: string | null; bytes: number }>(`
    SELECT pg_catalog.pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
      ${provider} AS provider, ${locale} AS locale, pg_catalog.pg_database_size(oid) AS bytes
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`);
  const { encoding, collate, ctype, provider: letter, locale: name, bytes } = row!;
  const facts = { version, encoding, collate, ctype, provider: providers[letter] ?? letter };
  return { facts: typeof name === 'string' ? { ...facts, locale: name } : facts, bytes };
}

/**
 * What belongs to the session's database itself.
 *
 * @throws RewindError database/…
 */
export async function readProperties(session: SnapshotSession): Promise<DatabaseProperties> {
  const [row] = await session.query<DatabaseProperties>(`
    SELECT pg_catalog.pg_get_userbyid(d.datdba) AS owner, d.datconnlimit AS "connectionLimit",
      pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
      CASE WHEN d.datacl IS NOT NULL THEN (
        SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'grantee', CASE WHEN a.grantee <> 0 THEN pg_catalog.pg_get_userbyid(a.grantee) END,
          'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
        FROM pg_catalog.aclexplode(d.datacl) a) END AS rights,
      (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'role', CASE WHEN s.setrole <> 0 THEN pg_catalog.pg_get_userbyid(s.setrole) END, 'setting', c)), '[]')
        FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c WHERE s.setdatabase = d.oid) AS settings
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`);
  return row!;
}

/**
 * Roles that own something in the session's database, or were granted something.
 *
 * @throws RewindError database/…
 */
export async function readRoles(session: SnapshotSession): Promise<string[]> {
  const rows = await session.query<{ name: string }>(`
    SELECT DISTINCT r.rolname AS name
    FROM pg_catalog.pg_roles r
    WHERE r.oid IN (
      SELECT refobjid FROM pg_catalog.pg_shdepend
      WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND (dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        OR dbid = 0 AND classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND objid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
      UNION ALL SELECT s.setrole FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase WHERE d.datname = pg_catalog.current_database()
      UNION ALL SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    ORDER BY 1`);
  return rows.map(({ name }) => name);
}

/**
 * The statement that makes an empty database with these facts.
 *
 * @param version - `server_version_num` of the server that it is for
 */
export function createDatabaseSql(name: string, owner: string, facts: DatabaseFacts, version: number): string {
  const { encoding, collate, ctype, provider, locale } = facts;
  const icu = version >= 170_000 ? 'LOCALE' : 'ICU_LOCALE';
  const localeWords =
    provider === 'libc' || locale === undefined
      ? ''
      : ` LOCALE_PROVIDER ${provider} ${provider === 'icu' ? icu : 'BUILTIN_LOCALE'} ${literal(locale)}`;
  return `CREATE DATABASE ${identifier(name)} TEMPLATE template0 OWNER ${identifier(owner)} ENCODING ${literal(encoding)} LC_COLLATE ${literal(collate)} LC_CTYPE ${literal(ctype)}${localeWords};`;
}

/** The statements that give a database its properties; the owner is set when it is made. */
export function propertiesSql(
  name: string,
  { owner, comment, rights, settings, connectionLimit }: DatabaseProperties,
): string {
  const database = identifier(name);
  const grants = (rights ?? []).map(({ grantee, privilege, grantable }) => {
    const to = grantee === null ? 'PUBLIC' : identifier(grantee);
    return `GRANT ${privilege} ON DATABASE ${database} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''};`;
  });
  return [
    ...(rights === null ? [] : [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC, ${identifier(owner)};`, ...grants]),
    ...settings.map(({ role, setting }) => {
      const [key, value] = splitSetting(setting);
      const whose = role === null ? `DATABASE ${database}` : `ROLE ${identifier(role)} IN DATABASE ${database}`;
      return `ALTER ${whose} SET ${settingName(key)} TO ${settingValue(key, value)};`;
    }),
    ...(comment === null ? [] : [`COMMENT ON DATABASE ${database} IS ${literal(comment)};`]),
    `ALTER DATABASE ${database} CONNECTION LIMIT ${connectionLimit};`,
  ].join('\n');
}

export function splitSetting(setting: string): [string, string] {
  const at = setting.indexOf('=');
  return [setting.slice(0, at), setting.slice(at + 1)];
}

/** A setting may have a name of two parts: `app.tenant`. */
export function settingName(name: string): string {
  return name.split('.').map(identifier).join('.');
}

/** Settings that are lists of names: quoted as a whole they would be one name. */
const lists = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

export function settingValue(name: string, value: string): string {
  if (!lists.has(name.toLowerCase()) || value === '') return literal(value);
  // As texts, not as names: an empty one, which is `""`, could not be written otherwise.
  const names = value.match(/"(?:[^"]|"")*"|[^\s,"]+/g) ?? [''];
  return names.map((it) => literal(it.startsWith('"') ? it.slice(1, -1).replaceAll('""', '"') : it)).join(', ');
}
