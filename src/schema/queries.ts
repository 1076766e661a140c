import { comment, notOfExtension, ofUser, role } from '../postgres/catalog';
import { rareObjects } from '../postgres/rare-objects';
import { salvageSchema } from '../postgres/salvage-schema';

/** A query of a kind of object. */
export interface CatalogueQuery {
  /** Names of what it gives of each object. */
  readonly fields: readonly string[];
  /** SELECT of one column `row`, a JSON array of the fields' values: names beside them would take the server half as long again. */
  readonly sql: string;
}

const object = (kind: string, oid: string, fields: Readonly<Record<string, string>>, from: string): CatalogueQuery => ({
  fields: ['kind', 'oid', ...Object.keys(fields)],
  sql: `SELECT pg_catalog.json_build_array(${[kind, oid, ...Object.values(fields)].join(', ')}) AS row ${from}`,
});

/** Rights, sorted; null where nobody has changed the default. */
export const rights = (column: string): string =>
  `CASE WHEN ${column} IS NOT NULL THEN (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
    'to', CASE WHEN x.grantee <> 0 THEN ${role('x.grantee')} END, 'may', x.privilege_type, 'more', CASE WHEN x.is_grantable THEN true END)) ORDER BY x.grantee, x.privilege_type), '[]')
    FROM (SELECT DISTINCT grantee, privilege_type, is_grantable FROM pg_catalog.aclexplode(${column})) x) END`;

const said = (oid: string, catalog: string): string => `nullif(${comment(oid, catalog)}, '')`;
const ours = (schema: string): string => `${ofUser(schema)} AND ${schema} <> '${salvageSchema}'`;
const quoted = (name: string): string => `pg_catalog.quote_ident(${name})`;
const when = (condition: string): string => `CASE WHEN ${condition} THEN true END`;
const list = (column: string): string => `pg_catalog.to_json(${column})`;
const inSchema = (alias: string, name: string): string => `JOIN pg_catalog.pg_namespace n ON n.oid = ${alias}.${name}`;
const collation = (oid: string): string =>
  `(SELECT ${quoted('cn.nspname')} || '.' || ${quoted('co.collname')} FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = ${oid})`;

const sequenceOptions = (alias: string): string =>
  `pg_catalog.json_build_object('type', pg_catalog.format_type(${alias}.seqtypid, NULL), 'start', ${alias}.seqstart::text, 'by', ${alias}.seqincrement::text, 'max', ${alias}.seqmax::text, 'min', ${alias}.seqmin::text, 'cache', ${alias}.seqcache::text, 'cycle', ${alias}.seqcycle)`;

/** Settings of a role or a database: `name=value`. */
const settings = (database: string, roleOid: string): string =>
  `(SELECT pg_catalog.json_agg(c ORDER BY c COLLATE "C") FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c WHERE s.setdatabase = ${database} AND s.setrole = ${roleOid})`;

/** Of the server and of the database itself. */
const server: readonly CatalogueQuery[] = [
  object(
    `'role'`,
    'r.oid',
    {
      name: quoted('r.rolname'),
      attributes: `pg_catalog.json_build_object('SUPERUSER', r.rolsuper, 'INHERIT', r.rolinherit, 'CREATEROLE', r.rolcreaterole, 'CREATEDB', r.rolcreatedb, 'LOGIN', r.rolcanlogin, 'REPLICATION', r.rolreplication, 'BYPASSRLS', r.rolbypassrls)`,
      limit: 'r.rolconnlimit',
      until: 'r.rolvaliduntil::text',
      settings: settings('0', 'r.oid'),
      comment: `pg_catalog.shobj_description(r.oid, 'pg_authid')`,
    },
    `FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'`,
  ),
  object(
    `'membership'`,
    `0`,
    {
      name: `${quoted('g.rolname')} || ' to ' || ${quoted('u.rolname')}`,
      role: quoted('g.rolname'),
      member: quoted('u.rolname'),
      options: `(SELECT pg_catalog.json_object_agg(o.key, o.value) FROM pg_catalog.jsonb_each_text(pg_catalog.to_jsonb(m)) o WHERE o.key LIKE '%\\_option')`,
    },
    `FROM (SELECT DISTINCT ON (roleid, member) * FROM pg_catalog.pg_auth_members ORDER BY roleid, member, admin_option DESC) m
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles u ON u.oid = m.member WHERE u.rolname !~ '^pg_'`,
  ),
  object(
    `'database'`,
    '0',
    {
      name: `''`,
      owner: role('d.datdba'),
      rights: rights('d.datacl'),
      limit: 'd.datconnlimit',
      settings: settings('d.oid', '0'),
      roleSettings: `(SELECT pg_catalog.json_object_agg(${quoted('r.rolname')}, ${settings('d.oid', 'r.oid')}) FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_db_role_setting q ON q.setrole = r.oid AND q.setdatabase = d.oid)`,
      comment: `pg_catalog.shobj_description(d.oid, 'pg_database')`,
    },
    `FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`,
  ),
  // Only those that ALTER SYSTEM has set: the rest stands in files, which are looked at as files.
  object(
    `'setting'`,
    '0',
    { name: 's.name', value: 'pg_catalog.current_setting(s.name)' },
    `FROM pg_catalog.pg_settings s WHERE s.sourcefile LIKE '%/postgresql.auto.conf'`,
  ),
  object(
    `'schema'`,
    'n.oid',
    {
      name: quoted('n.nspname'),
      owner: role('n.nspowner'),
      rights: rights('n.nspacl'),
      comment: said('n.oid', 'pg_namespace'),
    },
    `FROM pg_catalog.pg_namespace n WHERE ${ours('n.nspname')} AND ${notOfExtension('n.oid', 'pg_namespace')}`,
  ),
  object(
    `'extension'`,
    'e.oid',
    {
      name: quoted('e.extname'),
      version: 'e.extversion',
      schema: 'e.extnamespace::pg_catalog.regnamespace::text',
      comment: said('e.oid', 'pg_extension'),
    },
    `FROM pg_catalog.pg_extension e`,
  ),
  object(
    `'default rights'`,
    '0',
    {
      name: `pg_catalog.concat_ws(' ', ${quoted(role('d.defaclrole'))}, CASE WHEN d.defaclnamespace <> 0 THEN 'in ' || d.defaclnamespace::pg_catalog.regnamespace::text END, CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END)`,
      owner: role('d.defaclrole'),
      in: `CASE WHEN d.defaclnamespace <> 0 THEN d.defaclnamespace::pg_catalog.regnamespace::text END`,
      of: 'd.defaclobjtype::text',
      rights: rights('d.defaclacl'),
    },
    `FROM pg_catalog.pg_default_acl d`,
  ),
  object(
    `'event trigger'`,
    't.oid',
    {
      name: quoted('t.evtname'),
      event: 't.evtevent',
      tags: list('t.evttags'),
      function: `t.evtfoid::pg_catalog.regprocedure::text`,
      enabled: 't.evtenabled::text',
      owner: role('t.evtowner'),
      comment: said('t.oid', 'pg_event_trigger'),
    },
    `FROM pg_catalog.pg_event_trigger t WHERE ${notOfExtension('t.oid', 'pg_event_trigger')}`,
  ),
];

const types: readonly CatalogueQuery[] = [
  object(
    `'type'`,
    't.oid',
    {
      name: 't.oid::pg_catalog.regtype::text',
      schema: quoted('n.nspname'),
      is: 't.typtype::text',
      owner: role('t.typowner'),
      rights: rights('t.typacl'),
      labels: `CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END`,
      base: `CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END`,
      collation: `CASE WHEN t.typtype = 'd' AND t.typcollation <> (SELECT b.typcollation FROM pg_catalog.pg_type b WHERE b.oid = t.typbasetype) THEN ${collation('t.typcollation')} END`,
      notNull: when(`t.typtype = 'd' AND t.typnotnull`),
      default: `CASE WHEN t.typtype = 'd' THEN pg_catalog.pg_get_expr(t.typdefaultbin, 0) END`,
      attributes: `CASE WHEN t.typtype = 'c' THEN (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(${quoted('a.attname')}, pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> b.typcollation THEN 'COLLATE ' || ${collation('a.attcollation')} END)) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type b ON b.oid = a.atttypid WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END`,
      range: `CASE WHEN t.typtype = 'r' THEN (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object('SUBTYPE', pg_catalog.format_type(r.rngsubtype, NULL),
        'SUBTYPE_OPCLASS', (SELECT ${quoted('on_.nspname')} || '.' || ${quoted('o.opcname')} FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace on_ ON on_.oid = o.opcnamespace WHERE o.oid = r.rngsubopc),
        'COLLATION', ${collation('nullif(r.rngcollation, 0)')},
        'CANONICAL', nullif(r.rngcanonical::oid, 0)::pg_catalog.regproc::text, 'SUBTYPE_DIFF', nullif(r.rngsubdiff::oid, 0)::pg_catalog.regproc::text,
        'MULTIRANGE_TYPE_NAME', (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::oid::pg_catalog.regtype::text)) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid) END`,
      comment: said('t.oid', 'pg_type'),
    },
    `FROM pg_catalog.pg_type t ${inSchema('t', 'typnamespace')} LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND ${ours('n.nspname')} AND ${notOfExtension('t.oid', 'pg_type')}`,
  ),
  object(
    `'collation'`,
    'c.oid',
    {
      name: `${quoted('n.nspname')} || '.' || ${quoted('c.collname')}`,
      schema: quoted('n.nspname'),
      provider: 'c.collprovider::text',
      deterministic: 'c.collisdeterministic',
      locale: `coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale', CASE WHEN c.collprovider = 'i' THEN c.collcollate::text END)`,
      collate: `CASE WHEN c.collprovider = 'c' THEN c.collcollate::text END`,
      ctype: `CASE WHEN c.collprovider = 'c' THEN c.collctype::text END`,
      rules: `pg_catalog.to_jsonb(c) ->> 'collicurules'`,
      owner: role('c.collowner'),
      comment: said('c.oid', 'pg_collation'),
    },
    `FROM pg_catalog.pg_collation c ${inSchema('c', 'collnamespace')} WHERE ${ours('n.nspname')} AND ${notOfExtension('c.oid', 'pg_collation')}`,
  ),
];

const relations = (version: number): readonly CatalogueQuery[] => [
  object(
    `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END`,
    'c.oid',
    {
      name: 'c.oid::pg_catalog.regclass::text',
      schema: quoted('n.nspname'),
      owner: role('c.relowner'),
      rights: rights('c.relacl'),
      unlogged: when(`c.relpersistence = 'u'`),
      options: list('c.reloptions'),
      toast: `(SELECT ${list('o.reloptions')} FROM pg_catalog.pg_class o WHERE o.oid = c.reltoastrelid AND c.reltoastrelid <> 0)`,
      method: `(SELECT ${quoted('m.amname')} FROM pg_catalog.pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap')`,
      of: `CASE WHEN c.reloftype <> 0 THEN c.reloftype::pg_catalog.regtype::text END`,
      server: `CASE WHEN c.relkind = 'f' THEN (SELECT ${quoted('v.srvname')} FROM pg_catalog.pg_foreign_table t JOIN pg_catalog.pg_foreign_server v ON v.oid = t.ftserver WHERE t.ftrelid = c.oid) END`,
      foreign: `CASE WHEN c.relkind = 'f' THEN (SELECT ${list('t.ftoptions')} FROM pg_catalog.pg_foreign_table t WHERE t.ftrelid = c.oid) END`,
      security: when('c.relrowsecurity'),
      forced: when('c.relforcerowsecurity'),
      identity: `nullif(c.relreplident::text, 'd')`,
      identityIndex: `CASE WHEN c.relreplident = 'i' THEN (SELECT ${quoted('x.relname')} FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) END`,
      clusterIndex: `CASE WHEN c.relhasindex THEN (SELECT ${quoted('x.relname')} FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisclustered) END`,
      partitionBy: `CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END`,
      bound: `pg_catalog.pg_get_expr(c.relpartbound, c.oid)`,
      inherits: `(SELECT pg_catalog.json_agg(i.inhparent::pg_catalog.regclass::text ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)`,
      query: `CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END`,
      columns: `CASE WHEN c.relkind IN ('v', 'm') THEN (SELECT pg_catalog.json_agg(pg_catalog.concat_ws(' ', ${quoted('a.attname')}, pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) END`,
      comment: said('c.oid', 'pg_class'),
    },
    `FROM pg_catalog.pg_class c ${inSchema('c', 'relnamespace')}
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND ${ours('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}`,
  ),
  // The name of the table comes with each column: as text it would be made anew for each.
  object(
    `'column'`,
    'a.attrelid',
    {
      name: `q.name || '.' || ${quoted('a.attname')}`,
      on: 'q.name',
      ofKind: 'q.kind',
      position: 'a.attnum',
      column: quoted('a.attname'),
      type: 'pg_catalog.format_type(a.atttypid, a.atttypmod)',
      collation: `CASE WHEN a.attcollation <> t.typcollation THEN ${collation('a.attcollation')} END`,
      notNull: when('a.attnotnull'),
      default: `CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(f.adbin, f.adrelid) END`,
      generated: `CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(f.adbin, f.adrelid) END`,
      virtual: when(`a.attgenerated = 'v'`),
      identity: `nullif(a.attidentity::text, '')`,
      sequence: `CASE WHEN a.attidentity <> '' THEN (SELECT ${sequenceOptions('s')} FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i') END`,
      storage: `CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END`,
      ...(version >= 140_000 && { compression: `nullif(a.attcompression::text, '')` }),
      statistics: `CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END`,
      foreign: list('a.attfdwoptions'),
      // Of their options only those that somebody has set: servers keep others for themselves.
      options: `CASE WHEN a.attoptions IS NOT NULL THEN (SELECT pg_catalog.json_agg(o ORDER BY o COLLATE "C") FROM pg_catalog.unnest(a.attoptions) o WHERE o LIKE 'n\\_distinct%') END`,
      inherited: when('NOT a.attislocal'),
      rights: rights('a.attacl'),
      comment: 'd.description',
    },
    `FROM (SELECT c.oid, c.oid::pg_catalog.regclass::text AS name, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END AS kind
      FROM pg_catalog.pg_class c ${inSchema('c', 'relnamespace')}
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't' AND ${ours('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}) q
    JOIN pg_catalog.pg_attribute a ON a.attrelid = q.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
    WHERE q.kind IN ('table', 'foreign table') OR d.description IS NOT NULL OR a.attacl IS NOT NULL OR f.adrelid IS NOT NULL
      OR q.kind = 'materialized view' AND (a.attstattarget >= 0 OR a.attstorage <> t.typstorage)`,
  ),
  object(
    `'sequence'`,
    'c.oid',
    {
      name: 'c.oid::pg_catalog.regclass::text',
      schema: quoted('n.nspname'),
      owner: role('c.relowner'),
      rights: rights('c.relacl'),
      unlogged: when(`c.relpersistence = 'u'`),
      sequence: sequenceOptions('s'),
      ownedBy: `(SELECT d.refobjid::pg_catalog.regclass::text || '.' || ${quoted('a.attname')} FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'a' AND d.refclassid = d.classid)`,
      comment: said('c.oid', 'pg_class'),
    },
    `FROM pg_catalog.pg_class c JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid ${inSchema('c', 'relnamespace')}
    WHERE c.relpersistence <> 't' AND ${ours('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'i')`,
  ),
  // Of a partition and of a child only those of its own: the others come with the parent's.
  object(
    `'constraint'`,
    'c.oid',
    {
      name: `coalesce(nullif(c.conrelid, 0)::pg_catalog.regclass::text, c.contypid::pg_catalog.regtype::text) || '.' || ${quoted('c.conname')}`,
      constraint: quoted('c.conname'),
      on: `coalesce(nullif(c.conrelid, 0)::pg_catalog.regclass::text, c.contypid::pg_catalog.regtype::text)`,
      ofKind: `CASE WHEN c.conrelid = 0 THEN 'type' WHEN r.relkind = 'f' THEN 'foreign table' ELSE 'table' END`,
      is: 'c.contype::text',
      index: 'nullif(c.conindid, 0)::text',
      definition: 'pg_catalog.pg_get_constraintdef(c.oid)',
      options: `CASE WHEN c.contype IN ('p', 'u', 'x') THEN (SELECT ${list('x.reloptions')} FROM pg_catalog.pg_class x WHERE x.oid = c.conindid) END`,
      comment: said('c.oid', 'pg_constraint'),
    },
    `FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace LEFT JOIN pg_catalog.pg_class r ON r.oid = c.conrelid
    WHERE (c.conrelid <> 0 OR c.contypid <> 0) AND c.contype NOT IN ('n', 't') AND ${ours('n.nspname')} AND c.conparentid = 0
      AND NOT (c.coninhcount > 0 AND (NOT c.conislocal OR r.relispartition))
      AND (r.oid IS NULL OR r.relpersistence <> 't')
      AND ${notOfExtension('c.conrelid', 'pg_class')} AND ${notOfExtension('c.contypid', 'pg_type')}`,
  ),
  object(
    `'index'`,
    'i.indexrelid',
    {
      name: 'i.indexrelid::pg_catalog.regclass::text',
      on: 'i.indrelid::pg_catalog.regclass::text',
      ofKind: `CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'table' END`,
      definition: 'pg_catalog.pg_get_indexdef(i.indexrelid)',
      invalid: when('NOT i.indisvalid'),
      statistics: `(SELECT pg_catalog.json_object_agg(a.attnum, a.attstattarget) FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)`,
      comment: said('i.indexrelid', 'pg_class'),
    },
    `FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid ${inSchema('c', 'relnamespace')}
    WHERE c.relpersistence <> 't' AND c.relkind <> 't' AND ${ours('n.nspname')} AND NOT x.relispartition AND ${notOfExtension('c.oid', 'pg_class')} AND ${notOfExtension('i.indexrelid', 'pg_class')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))`,
  ),
];

const onRelations: readonly CatalogueQuery[] = [
  object(
    `'trigger'`,
    't.oid',
    {
      name: `t.tgrelid::pg_catalog.regclass::text || '.' || ${quoted('t.tgname')}`,
      trigger: quoted('t.tgname'),
      on: 't.tgrelid::pg_catalog.regclass::text',
      ofKind: `CASE c.relkind WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'table' END`,
      definition: 'pg_catalog.pg_get_triggerdef(t.oid)',
      enabled: `nullif(t.tgenabled::text, 'O')`,
      comment: said('t.oid', 'pg_trigger'),
    },
    `FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid ${inSchema('c', 'relnamespace')}
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relpersistence <> 't' AND ${ours('n.nspname')} AND ${notOfExtension('t.oid', 'pg_trigger')}`,
  ),
  object(
    `'rule'`,
    'r.oid',
    {
      name: `r.ev_class::pg_catalog.regclass::text || '.' || ${quoted('r.rulename')}`,
      rule: quoted('r.rulename'),
      on: 'r.ev_class::pg_catalog.regclass::text',
      ofKind: `CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END`,
      definition: 'pg_catalog.pg_get_ruledef(r.oid)',
      enabled: `nullif(r.ev_enabled::text, 'O')`,
      comment: said('r.oid', 'pg_rewrite'),
    },
    `FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class ${inSchema('c', 'relnamespace')}
    WHERE r.rulename <> '_RETURN' AND ${ours('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}`,
  ),
  object(
    `'policy'`,
    'p.oid',
    {
      name: `p.polrelid::pg_catalog.regclass::text || '.' || ${quoted('p.polname')}`,
      policy: quoted('p.polname'),
      on: 'p.polrelid::pg_catalog.regclass::text',
      ofKind: `'table'`,
      command: 'p.polcmd::text',
      permissive: 'p.polpermissive',
      roles: `(SELECT pg_catalog.json_agg(CASE WHEN x = 0 THEN 'PUBLIC' ELSE ${quoted(role('x'))} END ORDER BY ${role('x')} COLLATE "C") FROM pg_catalog.unnest(p.polroles) x)`,
      using: 'pg_catalog.pg_get_expr(p.polqual, p.polrelid)',
      check: 'pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)',
      comment: said('p.oid', 'pg_policy'),
    },
    `FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid ${inSchema('c', 'relnamespace')} WHERE ${ours('n.nspname')}`,
  ),
  object(
    `'function'`,
    'p.oid',
    {
      name: 'p.oid::pg_catalog.regprocedure::text',
      schema: quoted('n.nspname'),
      owner: role('p.proowner'),
      rights: rights('p.proacl'),
      is: 'p.prokind::text',
      // What cannot be replaced: https://www.postgresql.org/docs/current/sql-createfunction.html
      arguments: 'pg_catalog.pg_get_function_arguments(p.oid)',
      returns: 'pg_catalog.pg_get_function_result(p.oid)',
      definition: `CASE WHEN p.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(p.oid) END`,
      aggregate: `CASE WHEN p.prokind = 'a' THEN (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
        'kind', a.aggkind, 'SFUNC', a.aggtransfn::text, 'STYPE', pg_catalog.format_type(a.aggtranstype, NULL), 'SSPACE', nullif(a.aggtransspace, 0)::text,
        'FINALFUNC', nullif(a.aggfinalfn::oid, 0)::pg_catalog.regproc::text, 'COMBINEFUNC', nullif(a.aggcombinefn::oid, 0)::pg_catalog.regproc::text,
        'INITCOND', pg_catalog.quote_literal(a.agginitval), 'MSFUNC', nullif(a.aggmtransfn::oid, 0)::pg_catalog.regproc::text,
        'PARALLEL', CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END))
        FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = p.oid) END`,
      comment: said('p.oid', 'pg_proc'),
    },
    `FROM pg_catalog.pg_proc p ${inSchema('p', 'pronamespace')} WHERE ${ours('n.nspname')} AND ${notOfExtension('p.oid', 'pg_proc')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'i')`,
  ),
  object(
    `'statistics'`,
    's.oid',
    {
      name: `${quoted('n.nspname')} || '.' || ${quoted('s.stxname')}`,
      on: 's.stxrelid::pg_catalog.regclass::text',
      ofKind: `'table'`,
      schema: quoted('n.nspname'),
      definition: 'pg_catalog.pg_get_statisticsobjdef(s.oid)',
      target: `CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END`,
      owner: role('s.stxowner'),
      comment: said('s.oid', 'pg_statistic_ext'),
    },
    `FROM pg_catalog.pg_statistic_ext s ${inSchema('s', 'stxnamespace')} WHERE ${ours('n.nspname')} AND ${notOfExtension('s.oid', 'pg_statistic_ext')}`,
  ),
  object(
    `'publication'`,
    'p.oid',
    {
      name: quoted('p.pubname'),
      definition: `(pg_catalog.to_jsonb(p) - ARRAY['oid', 'pubowner'])::text || coalesce((SELECT pg_catalog.string_agg(pg_catalog.to_jsonb(t)::text, ',' ORDER BY t.schemaname COLLATE "C", t.tablename COLLATE "C") FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname), '')`,
      owner: role('p.pubowner'),
      comment: said('p.oid', 'pg_publication'),
    },
    `FROM pg_catalog.pg_publication p`,
  ),
];

/** What few databases have, as the fingerprint reads it: told, but with little SQL of its own. */
const rare = object(
  'r.kind',
  '0',
  { name: 'r.name', definition: 'r.definition' },
  `FROM (${rareObjects.join('\nUNION ALL\n').replace(`SELECT 'operator',`, `SELECT 'operator' AS kind,`)}) r(kind, name, definition)
  WHERE r.name NOT LIKE '${salvageSchema}.%'`,
);

/** Queries of every object. Those that take longest come first: their answers are worked on while the others are waited for. */
export function catalogueQueries(version: number): readonly CatalogueQuery[] {
  return [...relations(version), ...onRelations, ...types, ...server, rare];
}

/** Rights that an object has by itself, by the letter of its kind. */
export const defaultRightsSql = `SELECT k.letter, (SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('to', CASE WHEN x.grantee <> 0 THEN '{owner}' END, 'may', x.privilege_type)) ORDER BY x.grantee, x.privilege_type)
    FROM pg_catalog.aclexplode(pg_catalog.acldefault(k.letter::"char", 10)) x) AS rights
  FROM (VALUES (${['r', 's', 'd', 'f', 'n', 'T', 'l', 'F', 'S'].map((letter) => `'${letter}'`).join('), (')})) k(letter)`;

/**
 * Which object needs which: of the user's own, by the numbers of both; what needs an object of an extension needs the
 * extension. One column `row`: class, number and column of the one, and of the other.
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
export const needsSql = `
SELECT pg_catalog.json_build_array(n.class, n.oid, n.sub, n.on_class, n.on_oid, n.on_sub) AS row FROM (SELECT DISTINCT
  CASE WHEN v.oid IS NOT NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass WHEN f.oid IS NOT NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass ELSE d.classid END::pg_catalog.oid::int AS class,
  coalesce(v.ev_class, f.adrelid, d.objid)::bigint AS oid,
  coalesce(f.adnum::int, d.objsubid) AS sub,
  CASE WHEN e.refobjid IS NOT NULL THEN 'pg_catalog.pg_extension'::pg_catalog.regclass WHEN coalesce(t2.typrelid, t1.typrelid, 0) <> 0 AND tc.relkind <> 'c' THEN 'pg_catalog.pg_class'::pg_catalog.regclass ELSE d.refclassid END::pg_catalog.oid::int AS on_class,
  coalesce(e.refobjid, CASE WHEN tc.relkind <> 'c' THEN tc.oid END, t2.oid, d.refobjid)::bigint AS on_oid,
  CASE WHEN t1.oid IS NOT NULL OR e.refobjid IS NOT NULL THEN 0 ELSE d.refobjsubid END AS on_sub
FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_rewrite v ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND v.oid = d.objid AND v.rulename = '_RETURN'
LEFT JOIN pg_catalog.pg_attrdef f ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_type t1 ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t1.oid = d.refobjid
LEFT JOIN pg_catalog.pg_type t2 ON t1.typcategory = 'A' AND t2.oid = t1.typelem
LEFT JOIN pg_catalog.pg_class tc ON tc.oid = coalesce(t2.typrelid, t1.typrelid) AND tc.oid <> 0
LEFT JOIN pg_catalog.pg_depend e ON e.deptype = 'e' AND e.classid = d.refclassid AND e.objid = d.refobjid
WHERE d.deptype IN ('n', 'a') AND d.objid >= 16384 AND d.refobjid >= 16384
  AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
    'pg_catalog.pg_collation'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_extension'::pg_catalog.regclass,
    'pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_ts_config'::pg_catalog.regclass, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass)
  AND NOT (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid AND d.objid = d.refobjid)
  AND NOT (v.oid IS NOT NULL AND v.ev_class = d.refobjid)) n`;
