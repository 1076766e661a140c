import type { Random } from '../random';
import { columnTypes, type ColumnType } from './columns';
import { Names, quoted, text } from './names';

/** A table of a generated database. */
export interface GeneratedTable {
  /** Qualified and quoted. */
  readonly name: string;
  /** Its own columns besides `id`, quoted, with their types. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Whether its changes are not logged, so that it cannot be published. */
  readonly isUnlogged?: boolean;
}

/** A database, as statements that make it, and what of it can be changed. */
export interface GeneratedDatabase {
  /** Run as its owner, inside it. */
  readonly script: string;
  readonly schemas: readonly string[];
  readonly tables: readonly GeneratedTable[];
  /** Further objects by kind: qualified and quoted names. */
  readonly objects: Readonly<Record<ObjectKind, readonly string[]>>;
}

const kinds = ['sequence', 'view', 'materialized view', 'function', 'domain', 'enum'] as const;
type ObjectKind = (typeof kinds)[number];

/** Roles of the server, quoted; none of them logs in. */
export const roles = ['reader', 'Wri"ter', 'ünï rôle'].map(quoted);

const extensions = ['hstore', 'citext', 'ltree', 'pg_trgm', 'btree_gist', 'pgcrypto', 'intarray', 'unaccent', 'cube'];

/**
 * Makes up a database.
 *
 * @param version - `server_version_num`: what it has in it is what such a server knows
 */
export function generate(random: Random, version: number): GeneratedDatabase {
  return new Generator(random, version).run();
}

/** One with many tables: what is done for each of them is done that often. */
export function generateMany(count: number): GeneratedDatabase {
  const tables = Array.from({ length: count }, (_, at) => ({ name: `public."table ${at}"`, columns: [] }));
  const script = tables.map(
    ({ name }, at) => `CREATE TABLE ${name} (id int PRIMARY KEY, v text); INSERT INTO ${name} VALUES (${at}, 'v');`,
  );
  const none = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as GeneratedDatabase['objects'];
  return { script: script.join('\n'), schemas: ['public'], tables, objects: none };
}

class Generator {
  readonly #random: Random;
  readonly #names: Names;
  readonly #script: string[] = [];
  readonly #schemas: string[] = ['public'];
  readonly #tables: GeneratedTable[] = [];
  readonly #types: ColumnType[];
  readonly #objects: Record<ObjectKind, string[]>;

  readonly #version: number;

  constructor(random: Random, version: number) {
    this.#random = random;
    this.#version = version;
    this.#types = columnTypes.filter(({ since = 0 }) => since <= version);
    this.#names = new Names(random);
    this.#objects = Object.fromEntries(kinds.map((kind) => [kind, [] as string[]])) as Record<ObjectKind, string[]>;
  }

  run(): GeneratedDatabase {
    const random = this.#random;
    if (!random.chance(0.03)) {
      this.#extensions();
      this.#makeSchemas();
      this.#makeTypes();
      this.#functions();
      const count = 1 + random.below(6);
      for (let at = 0; at < count; at++) this.#table();
      if (random.chance(0.5)) this.#partitioned();
      if (random.chance(0.3)) this.#inherited();
      if (random.chance(0.5)) this.#cycle();
      this.#sequences();
      this.#views();
      this.#triggers();
      this.#policies();
      this.#largeObjects();
      this.#rights();
      this.#rarities();
    }
    return {
      script: this.#script.join('\n'),
      schemas: this.#schemas,
      tables: this.#tables,
      objects: this.#objects,
    };
  }

  #say(...statements: string[]): void {
    this.#script.push(...statements.map((statement) => `${statement};`));
  }

  #sometimes(probability: number, ...statements: string[]): void {
    if (this.#random.chance(probability)) this.#say(...statements);
  }

  /** A new qualified name. */
  #name(): string {
    return `${this.#random.pick(this.#schemas)}.${quoted(this.#names.next())}`;
  }

  #comment(kind: string, name: string): void {
    this.#sometimes(0.3, `COMMENT ON ${kind} ${name} IS ${text(`what ${this.#names.next()} is`)}`);
  }

  #owner(kind: string, name: string): void {
    this.#sometimes(0.2, `ALTER ${kind} ${name} OWNER TO ${this.#random.pick(roles)}`);
  }

  #extensions(): void {
    for (const extension of extensions) {
      if (!this.#random.chance(0.2)) continue;
      this.#say(`CREATE EXTENSION ${extension}`);
      if (extension === 'hstore') this.#types.push({ type: 'hstore', value: `hstore('k "1"', i::text)` });
      if (extension === 'citext') this.#types.push({ type: 'citext', value: `'Word ' || i` });
      if (extension === 'ltree') this.#types.push({ type: 'ltree', value: `('a.b' || i)::ltree` });
      if (extension === 'cube') this.#types.push({ type: 'cube', value: `cube(ARRAY[i / 3.0, 2])` });
      if (extension === 'pgcrypto') this.#sometimes(0.5, `REVOKE ALL ON FUNCTION gen_random_bytes(int) FROM PUBLIC`);
    }
  }

  #makeSchemas(): void {
    for (let at = this.#random.below(3); at > 0; at--) {
      const name = quoted(this.#names.next());
      this.#say(`CREATE SCHEMA ${name}`);
      this.#comment('SCHEMA', name);
      this.#owner('SCHEMA', name);
      this.#schemas.push(name);
    }
    this.#sometimes(0.2, 'GRANT CREATE ON SCHEMA public TO PUBLIC');
  }

  #makeTypes(): void {
    const random = this.#random;
    if (random.chance(0.6)) {
      const name = this.#name();
      this.#say(`CREATE TYPE ${name} AS ENUM ('small', 'lar''ge', 'ünï')`);
      this.#sometimes(0.5, `ALTER TYPE ${name} ADD VALUE 'between' BEFORE 'ünï'`);
      this.#comment('TYPE', name);
      this.#objects.enum.push(name);
      this.#types.push({ type: name, value: `(ARRAY['small', 'lar''ge'])[1 + i % 2]::${name}` });
      this.#types.push({ type: `${name}[]`, value: `ARRAY['small', NULL]::${name}[]` });
    }
    if (random.chance(0.6)) {
      const name = this.#name();
      this.#say(
        `CREATE DOMAIN ${name} AS varchar(40) COLLATE "C" DEFAULT 'd' CONSTRAINT "not this" CHECK (VALUE NOT IN ('x', 'y'))`,
      );
      this.#comment('DOMAIN', name);
      this.#owner('DOMAIN', name);
      this.#objects.domain.push(name);
      this.#types.push({ type: name, value: `'v' || i` });
    }
    if (random.chance(0.5)) {
      const name = this.#name();
      this.#say(`CREATE TYPE ${name} AS (a int, "b c" text COLLATE "C", d timestamptz)`);
      this.#comment('TYPE', name);
      this.#sometimes(0.3, `REVOKE USAGE ON TYPE ${name} FROM PUBLIC`);
      this.#types.push({ type: name, value: `ROW(i, 'a,"b', '2024-01-01')::${name}` });
      this.#types.push({ type: `${name}[]`, value: `ARRAY[ROW(i, NULL, NULL)::${name}]` });
    }
    if (random.chance(0.3)) {
      const name = this.#name();
      this.#say(`CREATE TYPE ${name} AS RANGE (subtype = float8, subtype_diff = float8mi)`);
      this.#types.push({ type: name, value: `${name}(i, i + 0.5)` });
    }
    if (random.chance(0.3)) {
      const name = this.#name();
      this.#say(`CREATE COLLATION ${name} (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
      this.#types.push({ type: `text COLLATE ${name}`, value: `'Wörd ' || i` });
    }
  }

  #functions(): void {
    const random = this.#random;
    if (random.chance(0.6)) {
      const name = this.#name();
      const volatility = random.pick(['IMMUTABLE', 'STABLE', 'STRICT', 'SECURITY DEFINER', 'PARALLEL SAFE COST 7']);
      this.#say(
        `CREATE FUNCTION ${name}(a int DEFAULT 3, "b c" text DEFAULT 'it''s') RETURNS text LANGUAGE sql ${volatility} AS $f$ SELECT a || "b c" || '\\' $f$`,
      );
      this.#comment('FUNCTION', `${name}(int, text)`);
      this.#owner('FUNCTION', `${name}(int, text)`);
      this.#sometimes(0.3, `REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`);
      this.#sometimes(0.3, `ALTER FUNCTION ${name} SET search_path = public, pg_temp`);
      this.#objects.function.push(`${name}(int, text)`);
    }
    if (random.chance(0.3)) {
      const name = this.#name();
      const query = 'SELECT i, i::text FROM generate_series(1, n) i';
      const body = this.#version < 140_000 ? `AS $b$ ${query} $b$` : `BEGIN ATOMIC ${query}; END`;
      this.#say(`CREATE FUNCTION ${name}(n int) RETURNS TABLE (x int, y text) LANGUAGE sql STABLE ${body}`);
    }
    this.#sometimes(
      0.3,
      `CREATE PROCEDURE ${this.#name()}(INOUT a int) LANGUAGE plpgsql AS $p$ BEGIN a := a + 1; END $p$`,
    );
    this.#sometimes(
      0.3,
      `CREATE AGGREGATE ${this.#name()}(int) (SFUNC = int4pl, STYPE = int, INITCOND = '7', PARALLEL = ${random.pick(['SAFE', 'UNSAFE'])})`,
    );
  }

  #columns(): GeneratedTable['columns'] {
    return Array.from({ length: this.#random.below(9) }, () => ({
      name: quoted(this.#names.next()),
      type: this.#random.pick(this.#types),
    }));
  }

  #column({ name, type }: GeneratedTable['columns'][number]): string {
    const extra = this.#random.weighted({ none: 6, compression: 0.5, check: 1 });
    if (extra === 'check') return `${name} ${type.type} CHECK (${name} IS NOT NULL OR true)`;
    const canBeCompressed = this.#version >= 140_000 && (type.type === 'text' || type.type === 'bytea');
    return `${name} ${type.type}${extra === 'compression' && canBeCompressed ? ' COMPRESSION pglz' : ''}`;
  }

  #table(): void {
    const random = this.#random;
    const name = this.#name();
    const columns = this.#columns();
    const id = random.pick([
      'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
      'id bigint GENERATED BY DEFAULT AS IDENTITY (START WITH 100 INCREMENT BY 5 CACHE 3) PRIMARY KEY',
      'id bigserial PRIMARY KEY',
      'id bigserial',
    ]);
    const more = [
      ...(random.chance(0.3) ? ['doubled bigint GENERATED ALWAYS AS (id * 2 + 1) STORED'] : []),
      ...(random.chance(0.4) ? [`state varchar(20) DEFAULT 'new' CHECK (state IN ('new', 'do''ne'))`] : []),
      ...(random.chance(0.3) ? [`made timestamptz NOT NULL DEFAULT '2024-01-01'`] : []),
    ];
    const isUnlogged = random.chance(0.1);
    this.#say(
      `CREATE ${isUnlogged ? 'UNLOGGED ' : ''}TABLE ${name} (${[id, ...columns.map((column) => this.#column(column)), ...more].join(', ')})`,
    );
    this.#tables.push({ name, columns, isUnlogged });
    this.#fill(name, columns);
    const [first] = columns;
    if (first) {
      this.#comment('COLUMN', `${name}.${first.name}`);
      this.#sometimes(0.2, `GRANT SELECT (${first.name}) ON ${name} TO ${random.pick(roles)}`);
      this.#sometimes(0.2, `ALTER TABLE ${name} ALTER ${first.name} SET STATISTICS 77`);
      this.#sometimes(0.1, `ALTER TABLE ${name} ALTER ${first.name} SET (n_distinct = -0.5)`);
      this.#sometimes(0.2, `CREATE INDEX ON ${name} ((${first.name} IS NULL)) WHERE ${first.name} IS NOT NULL`);
    }
    const index = quoted(this.#names.next());
    this.#sometimes(0.3, `CREATE UNIQUE INDEX ${index} ON ${name} (id DESC) INCLUDE (id) WITH (fillfactor = 70)`);
    this.#comment('TABLE', name);
    this.#owner('TABLE', name);
    this.#sometimes(0.2, `ALTER TABLE ${name} SET (fillfactor = 80, toast.autovacuum_enabled = false)`);
    this.#sometimes(0.2, `ALTER TABLE ${name} REPLICA IDENTITY FULL`);
    const statistics = this.#name();
    // Before Postgres 14 there are none of expressions.
    this.#sometimes(
      0.2,
      ...(this.#version < 140_000 ? [] : [`CREATE STATISTICS ${statistics} ON (id % 3), (id % 7) FROM ${name}`]),
    );
    this.#sometimes(0.1, `ALTER TABLE ${name} ADD COLUMN gone int`, `ALTER TABLE ${name} DROP COLUMN gone`);
  }

  #fill(name: string, columns: GeneratedTable['columns']): void {
    const rows = this.#random.pick([0, 1, 7, 60]);
    if (rows === 0) return;
    if (columns.length === 0) {
      this.#say(`INSERT INTO ${name} DEFAULT VALUES`);
      return;
    }
    const list = columns.map((column) => column.name).join(', ');
    const values = columns.map(({ type: { type, value } }, at) => {
      const [bare] = type.split(' COLLATE ');
      return `CASE WHEN i % ${at + 4} = 1 THEN NULL ELSE (${value})::${bare} END`;
    });
    this.#say(`INSERT INTO ${name} (${list}) SELECT ${values.join(', ')} FROM generate_series(1, ${rows}) i`);
    this.#sometimes(0.3, `DELETE FROM ${name} WHERE id % 3 = 0`);
  }

  #partitioned(): void {
    const parent = this.#name();
    const [first, second, other] = [this.#name(), this.#name(), this.#name()];
    this.#say(
      `CREATE TABLE ${parent} (id int NOT NULL, at date NOT NULL, note text) PARTITION BY RANGE (id)`,
      `CREATE TABLE ${first} PARTITION OF ${parent} FOR VALUES FROM (MINVALUE) TO (10)`,
      `CREATE TABLE ${second} PARTITION OF ${parent} FOR VALUES FROM (10) TO (20) PARTITION BY LIST (note)`,
      `CREATE TABLE ${other} PARTITION OF ${second} DEFAULT`,
      `CREATE INDEX ${quoted(this.#names.next())} ON ${parent} (at)`,
      `INSERT INTO ${parent} SELECT i, date '2024-01-01' + i, 'n' || i FROM generate_series(1, 19) i`,
    );
    this.#sometimes(0.5, `ALTER TABLE ${parent} ADD PRIMARY KEY (id, note)`);
    this.#tables.push({ name: parent, columns: [] });
  }

  #inherited(): void {
    const [parent, child] = [this.#name(), this.#name()];
    this.#say(
      `CREATE TABLE ${parent} (id int, note text DEFAULT 'p', CHECK (id > 0) NO INHERIT)`,
      `CREATE TABLE ${child} (more int, note text DEFAULT 'c') INHERITS (${parent})`,
      `INSERT INTO ${parent} VALUES (1)`,
      `INSERT INTO ${child} VALUES (2, 'x', 3)`,
    );
  }

  #cycle(): void {
    const [a, b] = [this.#name(), this.#name()];
    this.#say(
      `CREATE TABLE ${a} (id int PRIMARY KEY, other int)`,
      `CREATE TABLE ${b} (id int PRIMARY KEY, other int REFERENCES ${a} DEFERRABLE INITIALLY DEFERRED)`,
      `INSERT INTO ${a} SELECT i, 11 - i FROM generate_series(1, 10) i`,
      `INSERT INTO ${b} SELECT i, i FROM generate_series(1, 10) i`,
      `ALTER TABLE ${a} ADD CONSTRAINT ${quoted(this.#names.next())} FOREIGN KEY (other) REFERENCES ${b} ON DELETE SET NULL`,
    );
    this.#sometimes(0.5, `ALTER TABLE ${a} ADD CONSTRAINT self FOREIGN KEY (id) REFERENCES ${a} NOT VALID`);
    this.#tables.push({ name: a, columns: [] }, { name: b, columns: [] });
  }

  #sequences(): void {
    for (let at = this.#random.below(3); at > 0; at--) {
      const name = this.#name();
      const options = this.#random.pick([
        '',
        'INCREMENT -3 MAXVALUE 100 MINVALUE -1000',
        'AS smallint CYCLE',
        'CACHE 10',
      ]);
      this.#say(`CREATE SEQUENCE ${name} ${options}`);
      for (let used = this.#random.below(4); used > 0; used--) this.#say(`SELECT nextval(${text(name)})`);
      this.#sometimes(0.3, `SELECT setval(${text(name)}, 42, false)`);
      this.#comment('SEQUENCE', name);
      this.#objects.sequence.push(name);
    }
  }

  #views(): void {
    const random = this.#random;
    for (const { name: table } of random.some(this.#tables)) {
      const view = this.#name();
      const options = random.pick([
        '',
        ' WITH (security_barrier)',
        this.#version < 150_000 ? '' : ' WITH (security_invoker = true)',
      ]);
      this.#say(`CREATE VIEW ${view}${options} AS SELECT t.*, 'c' AS "a b" FROM ${table} t WHERE t.id NOT IN (1, 99)`);
      this.#comment('VIEW', view);
      this.#objects.view.push(view);
      // A materialized view reads as the view's owner, who may have no right to: that can neither be made nor restored.
      const isRead = random.chance(0.4);
      if (!isRead) this.#owner('VIEW', view);
      else {
        const materialized = this.#name();
        const withData = random.pick(['', ' WITH NO DATA']);
        this.#say(
          `CREATE MATERIALIZED VIEW ${materialized} AS SELECT count(*) AS n, max(id) AS top FROM ${view}${withData}`,
        );
        this.#sometimes(0.5, `CREATE UNIQUE INDEX ON ${materialized} (n)`);
        this.#objects['materialized view'].push(materialized);
      }
      this.#sometimes(0.15, `CREATE RULE ${quoted(this.#names.next())} AS ON DELETE TO ${view} DO INSTEAD NOTHING`);
    }
  }

  #triggers(): void {
    if (!this.#random.chance(0.5)) return;
    const name = this.#name();
    this.#say(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $t$ BEGIN RETURN NEW; END $t$`);
    for (const { name: table } of this.#random.some(this.#tables)) {
      const trigger = quoted(this.#names.next());
      const when = this.#random.pick(['BEFORE INSERT', 'AFTER UPDATE OF id', 'AFTER INSERT OR DELETE']);
      this.#say(`CREATE TRIGGER ${trigger} ${when} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`);
      this.#sometimes(0.3, `ALTER TABLE ${table} DISABLE TRIGGER ${trigger}`);
      this.#comment('TRIGGER', `${trigger} ON ${table}`);
    }
    if (this.#random.chance(0.2)) {
      const logged = this.#name();
      this.#say(
        `CREATE FUNCTION ${logged}() RETURNS event_trigger LANGUAGE plpgsql AS $e$ BEGIN RAISE EXCEPTION 'no drops here'; END $e$`,
        `CREATE EVENT TRIGGER ${quoted(this.#names.next())} ON sql_drop WHEN TAG IN ('DROP SCHEMA') EXECUTE FUNCTION ${logged}()`,
      );
    }
  }

  #policies(): void {
    for (const { name } of this.#tables) {
      if (!this.#random.chance(0.25)) continue;
      this.#say(
        `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`,
        `CREATE POLICY ${quoted(this.#names.next())} ON ${name} AS ${this.#random.pick(['PERMISSIVE', 'RESTRICTIVE'])} FOR SELECT TO ${this.#random.some([...roles, 'PUBLIC']).join(', ')} USING (id > 3 OR current_user = 'x')`,
      );
      this.#sometimes(0.5, `ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`);
    }
  }

  #largeObjects(): void {
    if (!this.#random.chance(0.4)) return;
    for (let oid = 900_001; oid < 900_001 + 1 + this.#random.below(4); oid++) {
      this.#say(
        `SELECT lo_from_bytea(${oid}, convert_to(repeat('large ${oid} ', ${this.#random.below(9000)}), 'UTF8'))`,
      );
      this.#comment('LARGE OBJECT', `${oid}`);
      this.#sometimes(0.3, `GRANT SELECT ON LARGE OBJECT ${oid} TO ${this.#random.pick(roles)}`);
      this.#owner('LARGE OBJECT', `${oid}`);
    }
  }

  #rights(): void {
    const random = this.#random;
    for (const { name } of this.#tables) {
      this.#sometimes(0.3, `GRANT SELECT, INSERT ON ${name} TO ${random.some(roles).join(', ')} WITH GRANT OPTION`);
      this.#sometimes(0.1, `REVOKE TRUNCATE ON ${name} FROM CURRENT_USER`);
    }
    const schema = random.pick(this.#schemas);
    this.#sometimes(0.3, `GRANT USAGE ON SCHEMA ${schema} TO ${random.pick(roles)}`);
    this.#sometimes(
      0.3,
      `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT ON TABLES TO ${random.pick(roles)}`,
    );
    this.#sometimes(0.3, `ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`);
    this.#sometimes(0.1, `GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO ${random.pick(roles)}`);
  }

  /** What few databases have. */
  #rarities(): void {
    const random = this.#random;
    const published = this.#tables.find((table) => !table.isUnlogged);
    const ofTable = published ? ` FOR TABLE ${published.name}` : '';
    this.#sometimes(0.15, `CREATE PUBLICATION ${quoted(this.#names.next())}${ofTable}`);
    this.#sometimes(
      0.15,
      `CREATE OPERATOR ${random.pick(this.#schemas)}.<+> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)`,
    );
    const configuration = this.#name();
    this.#sometimes(
      0.15,
      `CREATE TEXT SEARCH CONFIGURATION ${configuration} (COPY = pg_catalog.english)`,
      `ALTER TEXT SEARCH CONFIGURATION ${configuration} DROP MAPPING FOR url`,
    );
    const dictionary = this.#name();
    this.#sometimes(0.15, `CREATE TEXT SEARCH DICTIONARY ${dictionary} (TEMPLATE = simple, ACCEPT = false)`);
    const server = quoted(this.#names.next());
    this.#sometimes(
      0.15,
      'CREATE EXTENSION postgres_fdw',
      `CREATE SERVER ${server} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'elsewhere')`,
      `CREATE USER MAPPING FOR ${random.pick(roles)} SERVER ${server} OPTIONS (user 'u')`,
      `CREATE FOREIGN TABLE ${this.#name()} (id int OPTIONS (column_name 'x')) SERVER ${server} OPTIONS (table_name 't')`,
    );
    const [type] = this.#objects.enum;
    if (type !== undefined) this.#sometimes(0.2, `CREATE CAST (${type} AS bigint) WITH INOUT AS ASSIGNMENT`);
  }
}
