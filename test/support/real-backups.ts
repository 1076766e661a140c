import { mkdir } from 'node:fs/promises';

import { execa } from 'execa';

import { run } from '../../src/process';
import type { SoakServer } from '../../soak/snapshots/server';

/** A little of everything that a dump writes in a way of its own. */
const content = `
  CREATE ROLE shop; CREATE ROLE "Old Shop"; CREATE ROLE reader;
  CREATE DATABASE shop OWNER shop;
  CREATE DATABASE "other shop" OWNER shop;
  CREATE DATABASE "nothing in it";`;

const shop = `
  CREATE SCHEMA app AUTHORIZATION shop;
  CREATE TYPE app.size AS ENUM ('small', 'large');
  CREATE TABLE app.goods (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, size app.size);
  INSERT INTO app.goods (name, size)
    SELECT E'Müller\\r\\n; \\\\! it''s ' || i || repeat('x', i % 40), 'large' FROM generate_series(1, 300) i;
  CREATE FUNCTION app.odd() RETURNS text LANGUAGE sql AS $$ SELECT '\\! id'::text; -- it's
  $$;
  CREATE FUNCTION app.atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 1 END; SELECT a; END;
  CREATE VIEW app.names AS SELECT name FROM app.goods;
  CREATE TABLE app.log (a int);
  CREATE RULE and_goods AS ON INSERT TO app.log DO INSTEAD (
    INSERT INTO app.goods (name) VALUES ('of a rule'); DELETE FROM app.goods WHERE name = 'of a rule');
  CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
  INSERT INTO alembic_version VALUES ('0007');
  GRANT CREATE ON DATABASE shop TO "Old Shop";
  CREATE SCHEMA old AUTHORIZATION "Old Shop";
  CREATE TABLE old.owned (a int);
  INSERT INTO old.owned VALUES (1);
  ALTER TABLE app.goods OWNER TO shop;
  ALTER TABLE old.owned OWNER TO "Old Shop";
  GRANT SELECT ON app.goods TO reader;
  ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA app GRANT SELECT ON TABLES TO reader;
  SELECT lo_from_bytea(0, 'a picture');
  ALTER DATABASE shop SET work_mem = '8MB';`;

/** Files and folders that pg_dump and pg_dumpall of a server write, by the command that writes each. */
const commands: Readonly<Record<string, string>> = {
  'plain.sql': 'pg_dump shop',
  'verbose.sql': 'pg_dump -v shop 2>/dev/null',
  'verbose-both.sql': 'pg_dump -v shop 2>&1',
  'inserts.sql': 'pg_dump --inserts shop',
  'many-inserts.sql': 'pg_dump --column-inserts --rows-per-insert=50 shop',
  'clean.sql': 'pg_dump --clean shop',
  'clean-if-exists.sql': 'pg_dump --clean --if-exists shop',
  'create.sql': 'pg_dump --create shop',
  'clean-create.sql': 'pg_dump --clean --create shop',
  'no-owner.sql': 'pg_dump --no-owner --no-privileges shop',
  'sessions.sql': 'pg_dump --use-set-session-authorization shop',
  'quoted.sql': 'pg_dump --quote-all-identifiers shop',
  'latin1.sql': 'pg_dump --encoding=LATIN1 shop',
  'public.sql': 'pg_dump -n public shop',
  'other.sql': `pg_dump --create 'other shop'`,
  'tables.sql': 'pg_dump --schema-only shop',
  'rows.sql': 'pg_dump --data-only shop',
  'nothing.sql': `pg_dump 'nothing in it'`,
  'all.sql': 'pg_dumpall',
  'all-clean.sql': 'pg_dumpall --clean --if-exists',
  'globals.sql': 'pg_dumpall --globals-only',
  'custom.dump': 'pg_dump -Fc shop',
  'custom-unpacked.dump': 'pg_dump -Fc -Z0 shop',
  'custom-other.dump': `pg_dump -Fc 'other shop'`,
  'custom-public.dump': 'pg_dump -Fc -n public shop',
  'custom-tables.dump': 'pg_dump -Fc --schema-only shop',
  'custom-rows.dump': 'pg_dump -Fc --data-only shop',
  'custom-nothing.dump': `pg_dump -Fc 'nothing in it'`,
  'tar.tar': 'pg_dump -Ft shop',
  'no-database.sql': 'pg_dump nowhere 2>&1',
  'no-server.sql': 'pg_dump -h /nowhere shop 2>&1',
  'no-program.sql': 'bash -c "pg_dumb shop" 2>&1',
  'usage.sql': 'pg_dump --nonsense shop 2>&1',
};

/**
 * Makes databases on a server, and backups of them with the server's own tools: `shop`, `other shop` and one that is
 * empty.
 *
 * @param folder - where the backups go
 */
export async function makeBackups(server: SoakServer, folder: string): Promise<void> {
  await server.sql(content);
  await server.sql(shop, 'shop');
  await server.sql('CREATE TABLE things (a int); INSERT INTO things VALUES (1), (2);', 'other shop');
  const writing = Object.entries(commands).map(([name, command]) => `{ ${command}; } > ${name}`);
  const script = ['mkdir /tmp/backups', 'cd /tmp/backups', ...writing, 'pg_dump -Fd -f folder shop'];
  await execa('docker', ['exec', '--env', `PGUSER=${server.user}`, server.container, 'sh', '-c', script.join('\n')]);
  await mkdir(folder, { recursive: true });
  await execa('docker', ['cp', `${server.container}:/tmp/backups/.`, folder]);
  await run(['docker', 'exec', server.container, 'rm', '-r', '/tmp/backups']);
}
