import type { Random } from '../random';
import type { GeneratedDatabase } from './generate';
import { roles } from './generate';
import { quoted, text } from './names';

/** Settings of a database as `ALTER DATABASE … SET` takes them. */
const settings = [
  `search_path TO public, "Order Lines", "$user"`,
  `search_path TO ''`,
  `work_mem TO '7MB'`,
  `TimeZone TO 'Asia/Tokyo'`,
  `DateStyle TO 'SQL, DMY'`,
  `IntervalStyle TO 'sql_standard'`,
  `bytea_output TO 'escape'`,
  `statement_timeout TO '1ms'`,
  `lock_timeout TO '1ms'`,
  `default_transaction_read_only TO on`,
  `quote_all_identifiers TO on`,
  `standard_conforming_strings TO off`,
  `extra_float_digits TO -5`,
  `row_security TO off`,
  `app.tenant TO 'it''s = "one", two'`,
  `"app.Weird" TO E'back\\\\slash'`,
  `temp_tablespaces TO ''`,
];

/** Statements that give a database itself settings, rights, a comment. Run from another one. */
export function databaseWide(name: string, random: Random): string {
  const database = quoted(name);
  const statements = [
    ...settings.filter(() => random.chance(0.15)).map((setting) => `ALTER DATABASE ${database} SET ${setting}`),
    ...(random.chance(0.3) ? [`ALTER ROLE ${random.pick(roles)} IN DATABASE ${database} SET work_mem TO '9MB'`] : []),
    ...(random.chance(0.3) ? [`COMMENT ON DATABASE ${database} IS ${text(`it's a "shop" ${random.below(100)}`)}`] : []),
    ...(random.chance(0.3) ? [`REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`] : []),
    ...(random.chance(0.3) ? [`GRANT CREATE, TEMPORARY ON DATABASE ${database} TO ${random.pick(roles)}`] : []),
    ...(random.chance(0.1) ? [`ALTER DATABASE ${database} CONNECTION LIMIT 50`] : []),
    ...(random.chance(0.1) ? [`ALTER DATABASE ${database} OWNER TO ${random.pick(roles)}`] : []),
  ];
  return statements.map((statement) => `${statement};`).join('\n');
}

/** One change of data or schema; it may fail, e.g. because something depends on what it drops. */
export function randomChange({ tables, objects, schemas }: GeneratedDatabase, random: Random): string {
  const changes: string[] = [`CREATE TABLE ${random.pick(schemas)}.new_one (id int)`, `SELECT lo_from_bytea(0, 'new')`];
  const table = tables.length === 0 ? undefined : random.pick(tables);
  if (table) {
    const { name, columns } = table;
    changes.push(
      `DELETE FROM ${name} WHERE id % 2 = 0`,
      `TRUNCATE ${name} CASCADE`,
      `INSERT INTO ${name} DEFAULT VALUES`,
      `ALTER TABLE ${name} ADD COLUMN added text DEFAULT 'x'`,
      `ALTER TABLE ${name} RENAME TO renamed`,
      `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
      `ALTER TABLE ${name} SET (autovacuum_enabled = false)`,
      `ALTER TABLE ${name} SET (toast.autovacuum_enabled = true)`,
      `ALTER TABLE ${name} ALTER id SET STATISTICS 55`,
      `ALTER TABLE ${name} REPLICA IDENTITY NOTHING`,
      `COMMENT ON TABLE ${name} IS 'another'`,
      `COMMENT ON COLUMN ${name}.id IS 'another'`,
      `GRANT TRUNCATE ON ${name} TO ${random.pick(roles)}`,
      `ALTER TABLE ${name} OWNER TO ${random.pick(roles)}`,
      `CREATE INDEX ON ${name} (id) WHERE id > 4`,
      `CREATE POLICY added ON ${name} USING (true)`,
      `CREATE STATISTICS added ON (id % 5), (id % 6) FROM ${name}`,
      `CREATE PUBLICATION added FOR TABLE ${name}`,
      `DROP TABLE ${name} CASCADE`,
    );
    for (const column of columns) {
      changes.push(
        `UPDATE ${name} SET ${column.name} = NULL WHERE id % 2 = 1`,
        `ALTER TABLE ${name} DROP COLUMN ${column.name} CASCADE`,
        `ALTER TABLE ${name} ALTER ${column.name} SET NOT NULL`,
        `ALTER TABLE ${name} ALTER ${column.name} SET COMPRESSION lz4`,
        `ALTER TABLE ${name} ALTER ${column.name} SET STORAGE EXTERNAL`,
      );
    }
  }
  for (const sequence of objects.sequence) {
    changes.push(`SELECT nextval(${text(sequence)})`, `ALTER SEQUENCE ${sequence} CACHE 77`);
  }
  for (const view of objects.view) {
    changes.push(`ALTER VIEW ${view} SET (security_barrier = true)`, `COMMENT ON VIEW ${view} IS 'another'`);
  }
  for (const view of objects['materialized view']) {
    changes.push(`DROP MATERIALIZED VIEW ${view}`, `REFRESH MATERIALIZED VIEW ${view} WITH NO DATA`);
  }
  for (const name of objects.function) {
    changes.push(
      `ALTER FUNCTION ${name} COST 99`,
      `ALTER FUNCTION ${name} SET work_mem = '5MB'`,
      `GRANT EXECUTE ON FUNCTION ${name} TO ${random.pick(roles)}`,
      `DROP FUNCTION ${name}`,
    );
  }
  for (const name of objects.domain) {
    changes.push(
      `ALTER DOMAIN ${name} SET DEFAULT 'other'`,
      `ALTER DOMAIN ${name} SET NOT NULL`,
      `ALTER DOMAIN ${name} DROP CONSTRAINT "not this"`,
    );
  }
  for (const name of objects.enum) {
    changes.push(`ALTER TYPE ${name} ADD VALUE 'added'`, `ALTER TYPE ${name} RENAME VALUE 'small' TO 'tiny'`);
  }
  changes.push(...rareChanges(schemas, random));
  return `${random.pick(changes)};`;
}

function rareChanges(schemas: readonly string[], random: Random): string[] {
  const [role, schema] = [random.pick(roles), random.pick(schemas)];
  return [
    `CREATE SCHEMA added AUTHORIZATION ${role}`,
    `CREATE EXTENSION isn`,
    `CREATE OPERATOR ${schema}.<*> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mul)`,
    `CREATE CAST (int AS pg_lsn) WITH INOUT`,
    `CREATE TEXT SEARCH CONFIGURATION ${schema}.added (COPY = pg_catalog.german)`,
    `CREATE CONVERSION ${schema}.added FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`,
    `CREATE FOREIGN DATA WRAPPER added`,
    `CREATE OPERATOR FAMILY ${schema}.added USING btree`,
    `CREATE TYPE ${schema}.added AS (a int)`,
    `CREATE COLLATION ${schema}.added (provider = icu, locale = 'de')`,
    `GRANT CREATE ON SCHEMA ${schema} TO ${role}`,
    `COMMENT ON SCHEMA ${schema} IS 'another'`,
    `ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO ${role}`,
    `GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO ${role}`,
    `SELECT lo_put(900001, 0, 'changed')`,
    `COMMENT ON LARGE OBJECT 900001 IS 'another'`,
    `GRANT UPDATE ON LARGE OBJECT 900001 TO ${role}`,
    `ALTER LARGE OBJECT 900001 OWNER TO ${role}`,
    `DROP SCHEMA public CASCADE`,
  ];
}
