import { createHash } from 'node:crypto';

import { acl, comment, lines, notOfExtension, ofUser, role } from './catalog';
import { normalForm } from './normal-form';
import { rareObjects } from './rare-objects';
import { salvageSchema } from './salvage-schema';
import type { SnapshotSession } from './session';

/** An object of a schema, with what makes it what it is. */
export interface SchemaObject {
  /** `table`, `index`, `function`, … */
  readonly kind: string;
  /** Qualified and quoted as SQL takes it. */
  readonly name: string;
  /** The same text for the same object, wherever it is read. */
  readonly definition: string;
}

/** Hash of each object's definition, by kind and name: `table public.projects`. */
export type SchemaFingerprint = Readonly<Record<string, string>>;

/**
 * Every object of a database.
 *
 * @throws RewindError database/…
 */
export async function readSchema(session: SnapshotSession): Promise<SchemaObject[]> {
  return session.query<SchemaObject>(objectsSql);
}

/** Fingerprint by object. What Rewind keeps aside in the database is none of its schema. */
export function fingerprintObjects(objects: readonly SchemaObject[]): SchemaFingerprint {
  const entries = objects
    .filter(({ name }) => name !== salvageSchema && !name.startsWith(`${salvageSchema}.`))
    .map(({ kind, name, definition }): [string, string] => [`${kind} ${name}`, hash(normalForm(definition))]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One hash over all objects. */
export function fingerprintOf(objects: SchemaFingerprint): string {
  return hash(JSON.stringify(Object.entries(objects).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

// Compression came with Postgres 14. Before that the name means the column of the same name that stands beside pg_attribute.
const compression = `(SELECT CASE WHEN attcompression <> '' THEN 'COMPRESSION ' || attcompression::text END FROM (SELECT a.*) AS here)`;

/** A column as text: everything that pg_dump keeps of it. Of its options only those that somebody has set: servers keep others for themselves. */
const columnText = `pg_catalog.concat_ws(' ', pg_catalog.quote_ident(a.attname),
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::pg_catalog.regcollation::text END,
    CASE WHEN a.attnotnull THEN 'NOT NULL' END,
    CASE WHEN a.attidentity <> '' THEN 'IDENTITY ' || a.attidentity::text END,
    CASE WHEN a.attgenerated <> '' THEN 'GENERATED ' || a.attgenerated::text END,
    'DEFAULT ' || pg_catalog.pg_get_expr(f.adbin, f.adrelid),
    CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END,
    ${compression},
    CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END,
    'FOREIGN ' || a.attfdwoptions::text,
    (SELECT 'OPTIONS ' || pg_catalog.string_agg(o, ',' ORDER BY o COLLATE "C") FROM pg_catalog.unnest(a.attoptions) o WHERE o LIKE 'n\\_distinct%'),
    CASE WHEN NOT a.attislocal THEN 'INHERITED' END,
    CASE WHEN a.attacl IS NOT NULL THEN 'ACL ' || (SELECT pg_catalog.string_agg(x::text, ',' ORDER BY x::text COLLATE "C") FROM pg_catalog.unnest(a.attacl) x) END,
    'COMMENT ' || pg_catalog.col_description(a.attrelid, a.attnum))`;

const columnsOf = (relation: string): string => `(SELECT pg_catalog.string_agg(${columnText}, E'\\n' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    CROSS JOIN (VALUES (''::"char")) AS before14 (attcompression)
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE a.attrelid = ${relation} AND a.attnum > 0 AND NOT a.attisdropped)`;

const indexStatistics = `(SELECT pg_catalog.string_agg(a.attnum || ':' || a.attstattarget, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)`;

/** Schemas, relations, constraints, indexes, rules, triggers, policies, functions, types, extensions and more. */
const objectsSql = [
  `SELECT 'schema' AS kind, pg_catalog.quote_ident(n.nspname) AS name,
    ${lines(role('n.nspowner'), acl('n.nspacl', 'n', 'n.nspowner'), comment('n.oid', 'pg_namespace'))} AS definition
  FROM pg_catalog.pg_namespace n
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('n.oid', 'pg_namespace')}`,

  `SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
      WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE 'type' END, c.oid::pg_catalog.regclass::text,
    ${lines(
      'c.relkind::text || c.relpersistence::text',
      role('c.relowner'),
      acl('c.relacl', 'r', 'c.relowner'),
      `coalesce(c.reloptions::text, '')`,
      `(SELECT 'TOAST ' || o.reloptions::text FROM pg_catalog.pg_class o WHERE o.oid = c.reltoastrelid)`,
      `CASE WHEN c.reloftype <> 0 THEN 'OF ' || c.reloftype::pg_catalog.regtype::text END`,
      `CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'WITH NO DATA' END`,
      `CASE WHEN c.relkind = 'c' THEN (SELECT ${acl('t.typacl', 'T', 't.typowner')} || ${comment('t.oid', 'pg_type')} FROM pg_catalog.pg_type t WHERE t.oid = c.reltype) END`,
      `(SELECT 'SERVER ' || pg_catalog.quote_ident(v.srvname) || coalesce(t.ftoptions::text, '') FROM pg_catalog.pg_foreign_table t JOIN pg_catalog.pg_foreign_server v ON v.oid = t.ftserver WHERE t.ftrelid = c.oid)`,
      `(CASE WHEN c.relrowsecurity THEN 'ROW SECURITY' ELSE '' END) || (CASE WHEN c.relforcerowsecurity THEN ' FORCED' ELSE '' END)`,
      `coalesce('REPLICA IDENTITY ' || pg_catalog.nullif(c.relreplident::text, 'd'), '')`.replace(
        'pg_catalog.nullif',
        'nullif',
      ),
      `coalesce('PARTITION BY ' || pg_catalog.pg_get_partkeydef(c.oid), '')`,
      `coalesce((SELECT pg_catalog.string_agg('INHERITS ' || i.inhparent::pg_catalog.regclass::text, ',' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid), '')`,
      `coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '')`,
      `CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END`,
      `CASE WHEN c.relkind = 'S' THEN (SELECT pg_catalog.concat_ws(' ', pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle) FROM pg_catalog.pg_sequence s WHERE s.seqrelid = c.oid) END`,
      `CASE WHEN c.relkind = 'S' THEN (SELECT 'OWNED BY ' || d.refobjid::pg_catalog.regclass::text || '.' || a.attname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') LIMIT 1) END`,
      comment('c.oid', 'pg_class'),
      `CASE WHEN c.relkind <> 'S' THEN ${columnsOf('c.oid')} END`,
    )}
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't' AND ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}`,

  `SELECT 'constraint', coalesce(nullif(c.conrelid, 0)::pg_catalog.regclass::text, c.contypid::pg_catalog.regtype::text) || '.' || pg_catalog.quote_ident(c.conname),
    ${lines('pg_catalog.pg_get_constraintdef(c.oid)', `CASE WHEN c.convalidated THEN '' ELSE 'NOT VALID' END`, comment('c.oid', 'pg_constraint'))}
  FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
  WHERE (c.conrelid <> 0 OR c.contypid <> 0) AND c.contype <> 'n' AND ${ofUser('n.nspname')}
    AND ${notOfExtension('c.conrelid', 'pg_class')} AND ${notOfExtension('c.contypid', 'pg_type')}`,

  `SELECT 'index', i.indexrelid::pg_catalog.regclass::text,
    ${lines('pg_catalog.pg_get_indexdef(i.indexrelid)', `(CASE WHEN i.indisclustered THEN 'CLUSTER' ELSE '' END) || (CASE WHEN i.indisreplident THEN ' REPLICA IDENTITY' ELSE '' END) || (CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END)`, indexStatistics, `(SELECT 'OF ' || h.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid)`, comment('i.indexrelid', 'pg_class'))}
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relpersistence <> 't' AND ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}`,

  `SELECT 'trigger', t.tgrelid::pg_catalog.regclass::text || '.' || pg_catalog.quote_ident(t.tgname),
    ${lines('pg_catalog.pg_get_triggerdef(t.oid)', 't.tgenabled::text', comment('t.oid', 'pg_trigger'))}
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal AND ${ofUser('n.nspname')} AND ${notOfExtension('t.oid', 'pg_trigger')}`,

  `SELECT 'rule', r.ev_class::pg_catalog.regclass::text || '.' || pg_catalog.quote_ident(r.rulename),
    ${lines('pg_catalog.pg_get_ruledef(r.oid)', 'r.ev_enabled::text', comment('r.oid', 'pg_rewrite'))}
  FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE r.rulename <> '_RETURN' AND ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_class')}`,

  `SELECT 'policy', p.polrelid::pg_catalog.regclass::text || '.' || pg_catalog.quote_ident(p.polname),
    ${lines(
      'p.polcmd::text || p.polpermissive::text',
      `(SELECT pg_catalog.string_agg(CASE WHEN x = 0 THEN 'public' ELSE ${role('x')} END, ',' ORDER BY ${role('x')} COLLATE "C") FROM pg_catalog.unnest(p.polroles) x)`,
      `coalesce('USING ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), '')`,
      `coalesce('CHECK ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')`,
      comment('p.oid', 'pg_policy'),
    )}
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE ${ofUser('n.nspname')}`,

  `SELECT 'function', p.oid::pg_catalog.regprocedure::text,
    ${lines(
      role('p.proowner'),
      acl('p.proacl', 'f', 'p.proowner'),
      `CASE WHEN p.prokind = 'a' THEN (SELECT pg_catalog.row_to_json(g)::text FROM (SELECT a.aggkind, a.aggtransfn::text, a.aggfinalfn::text, a.aggcombinefn::text, a.agginitval, pg_catalog.format_type(a.aggtranstype, NULL)) g) ELSE pg_catalog.pg_get_functiondef(p.oid) END`,
      comment('p.oid', 'pg_proc'),
    )}
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('p.oid', 'pg_proc')}`,

  `SELECT 'type', t.oid::pg_catalog.regtype::text,
    ${lines(
      't.typtype::text',
      role('t.typowner'),
      acl('t.typacl', 'T', 't.typowner'),
      `CASE t.typtype
        WHEN 'e' THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
        WHEN 'd' THEN pg_catalog.concat_ws(' ', pg_catalog.format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typcollation <> 0 THEN 'COLLATE ' || t.typcollation::pg_catalog.regcollation::text END, CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0))
        WHEN 'r' THEN (SELECT pg_catalog.concat_ws(' ', pg_catalog.format_type(r.rngsubtype, NULL), nullif(r.rngcollation, 0)::pg_catalog.regcollation, r.rngcanonical, r.rngsubdiff, (SELECT pg_catalog.quote_ident(o.opcname) FROM pg_catalog.pg_opclass o WHERE o.oid = r.rngsubopc)) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
        ELSE '' END`,
      comment('t.oid', 'pg_type'),
    )}
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r') AND ${ofUser('n.nspname')} AND ${notOfExtension('t.oid', 'pg_type')}`,

  `SELECT 'collation', c.oid::pg_catalog.regcollation::text,
    ${lines(`(pg_catalog.to_jsonb(c) - ARRAY['oid', 'collnamespace', 'collowner', 'collversion'])::text`, role('c.collowner'), comment('c.oid', 'pg_collation'))}
  FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_collation')}`,

  `SELECT 'extension', pg_catalog.quote_ident(e.extname), ${lines('e.extversion', 'e.extnamespace::pg_catalog.regnamespace::text', comment('e.oid', 'pg_extension'))}
  FROM pg_catalog.pg_extension e`,

  `SELECT 'default rights', pg_catalog.concat_ws(' ', ${role('d.defaclrole')}, CASE WHEN d.defaclnamespace <> 0 THEN d.defaclnamespace::pg_catalog.regnamespace::text END, d.defaclobjtype::text),
    (SELECT pg_catalog.string_agg(a::text, ',' ORDER BY a::text COLLATE "C") FROM pg_catalog.unnest(d.defaclacl) a)
  FROM pg_catalog.pg_default_acl d`,

  `SELECT 'event trigger', pg_catalog.quote_ident(t.evtname), ${lines('t.evtevent', 't.evtfoid::pg_catalog.regprocedure::text', 't.evtenabled::text', `coalesce(t.evttags::text, '')`, role('t.evtowner'), comment('t.oid', 'pg_event_trigger'))}
  FROM pg_catalog.pg_event_trigger t WHERE ${notOfExtension('t.oid', 'pg_event_trigger')}`,

  `SELECT 'publication', pg_catalog.quote_ident(p.pubname),
    ${lines(
      `(pg_catalog.to_jsonb(p) - ARRAY['oid', 'pubowner'])::text`,
      role('p.pubowner'),
      `(SELECT pg_catalog.string_agg(pg_catalog.to_jsonb(t)::text, ',' ORDER BY t.schemaname COLLATE "C", t.tablename COLLATE "C") FROM pg_catalog.pg_publication_tables t WHERE t.pubname = p.pubname)`,
      comment('p.oid', 'pg_publication'),
    )}
  FROM pg_catalog.pg_publication p`,

  `SELECT 'statistics', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname),
    ${lines('pg_catalog.pg_get_statisticsobjdef(s.oid)', role('s.stxowner'), `CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END`, comment('s.oid', 'pg_statistic_ext'))}
  FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
  WHERE ${notOfExtension('s.oid', 'pg_statistic_ext')}`,

  ...rareObjects,
].join('\nUNION ALL\n');
