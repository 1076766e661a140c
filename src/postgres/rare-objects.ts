import { acl, comment, lines, notOfExtension, ofUser, role } from './catalog';

/** OIDs below are the system's own: https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT */
const ofNobody = 16_384;

/** Rights on an object of the system or of an extension that are not those it came with. */
const changedRights = (catalog: string, name: string, column: string, kind: string, owner: string): string => `
  SELECT 'rights on', ${name}, ${acl(column, kind, owner)}
  FROM pg_catalog.${catalog} o
  LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND i.objoid = o.oid AND i.objsubid = 0
  WHERE ${column} IS NOT NULL AND (o.oid < ${ofNobody} OR NOT ${notOfExtension('o.oid', catalog)})
    AND ${acl(column, kind, owner)} IS DISTINCT FROM ${acl('i.initprivs', kind, owner)}`;

/** Queries for what few databases have; each gives kind, name and definition. */
export const rareObjects: readonly string[] = [
  `SELECT 'operator', o.oid::pg_catalog.regoperator::text,
    ${lines('o.oprkind::text || o.oprcanhash || o.oprcanmerge', 'o.oprcode::pg_catalog.regprocedure::text', 'o.oprrest::text', 'o.oprjoin::text', 'o.oprcom::pg_catalog.regoperator::text', 'o.oprnegate::pg_catalog.regoperator::text', role('o.oprowner'), comment('o.oid', 'pg_operator'))}
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('o.oid', 'pg_operator')}`,

  `SELECT 'cast', pg_catalog.format_type(c.castsource, NULL) || ' as ' || pg_catalog.format_type(c.casttarget, NULL),
    ${lines('c.castcontext::text || c.castmethod::text', 'c.castfunc::pg_catalog.regprocedure::text', comment('c.oid', 'pg_cast'))}
  FROM pg_catalog.pg_cast c
  WHERE c.oid >= ${ofNobody} AND ${notOfExtension('c.oid', 'pg_cast')}`,

  `SELECT 'operator family', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(f.opfname) || ' using ' || m.amname,
    ${lines(
      role('f.opfowner'),
      `(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.amopstrategy, a.amoppurpose, a.amopopr::pg_catalog.regoperator), ',' ORDER BY a.amopstrategy, a.amopopr::pg_catalog.regoperator::text COLLATE "C") FROM pg_catalog.pg_amop a WHERE a.amopfamily = f.oid)`,
      `(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.amprocnum, a.amproc::pg_catalog.regprocedure), ',' ORDER BY a.amprocnum, a.amproc::pg_catalog.regprocedure::text COLLATE "C") FROM pg_catalog.pg_amproc a WHERE a.amprocfamily = f.oid)`,
      comment('f.oid', 'pg_opfamily'),
    )}
  FROM pg_catalog.pg_opfamily f JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('f.oid', 'pg_opfamily')}`,

  `SELECT 'operator class', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.opcname) || ' using ' || m.amname,
    ${lines('pg_catalog.format_type(c.opcintype, NULL)', 'c.opcdefault::text', 'pg_catalog.format_type(nullif(c.opckeytype, 0), NULL)', `(SELECT pg_catalog.quote_ident(f.opfname) FROM pg_catalog.pg_opfamily f WHERE f.oid = c.opcfamily)`, role('c.opcowner'), comment('c.oid', 'pg_opclass'))}
  FROM pg_catalog.pg_opclass c JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_opclass')}`,

  `SELECT 'text search configuration', c.oid::pg_catalog.regconfig::text,
    ${lines(
      `(SELECT pg_catalog.quote_ident(p.prsname) FROM pg_catalog.pg_ts_parser p WHERE p.oid = c.cfgparser)`,
      `(SELECT pg_catalog.string_agg(m.maptokentype || ' ' || m.mapdict::pg_catalog.regdictionary::text, ',' ORDER BY m.maptokentype, m.mapseqno) FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = c.oid)`,
      role('c.cfgowner'),
      comment('c.oid', 'pg_ts_config'),
    )}
  FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_ts_config')}`,

  `SELECT 'text search dictionary', d.oid::pg_catalog.regdictionary::text,
    ${lines(`(SELECT pg_catalog.quote_ident(t.tmplname) FROM pg_catalog.pg_ts_template t WHERE t.oid = d.dicttemplate)`, 'd.dictinitoption', role('d.dictowner'), comment('d.oid', 'pg_ts_dict'))}
  FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('d.oid', 'pg_ts_dict')}`,

  `SELECT 'conversion', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.conname),
    ${lines('c.conforencoding::text', 'c.contoencoding::text', 'c.conproc::text', 'c.condefault::text', role('c.conowner'), comment('c.oid', 'pg_conversion'))}
  FROM pg_catalog.pg_conversion c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
  WHERE ${ofUser('n.nspname')} AND ${notOfExtension('c.oid', 'pg_conversion')}`,

  `SELECT 'language', pg_catalog.quote_ident(l.lanname),
    ${lines('l.lanpltrusted::text', 'l.lanplcallfoid::pg_catalog.regprocedure::text', role('l.lanowner'), acl('l.lanacl', 'l', 'l.lanowner'), comment('l.oid', 'pg_language'))}
  FROM pg_catalog.pg_language l
  WHERE l.oid >= ${ofNobody} AND ${notOfExtension('l.oid', 'pg_language')}`,

  `SELECT 'foreign data wrapper', pg_catalog.quote_ident(f.fdwname),
    ${lines('f.fdwhandler::pg_catalog.regprocedure::text', 'f.fdwvalidator::pg_catalog.regprocedure::text', 'f.fdwoptions::text', role('f.fdwowner'), acl('f.fdwacl', 'F', 'f.fdwowner'), comment('f.oid', 'pg_foreign_data_wrapper'))}
  FROM pg_catalog.pg_foreign_data_wrapper f
  WHERE ${notOfExtension('f.oid', 'pg_foreign_data_wrapper')}`,

  `SELECT 'server', pg_catalog.quote_ident(s.srvname),
    ${lines(`(SELECT pg_catalog.quote_ident(f.fdwname) FROM pg_catalog.pg_foreign_data_wrapper f WHERE f.oid = s.srvfdw)`, 's.srvtype', 's.srvversion', 's.srvoptions::text', role('s.srvowner'), acl('s.srvacl', 'S', 's.srvowner'), comment('s.oid', 'pg_foreign_server'))}
  FROM pg_catalog.pg_foreign_server s
  WHERE ${notOfExtension('s.oid', 'pg_foreign_server')}`,

  // Of their options only the names: the values are passwords.
  `SELECT 'user mapping', pg_catalog.quote_ident(u.usename) || ' on ' || pg_catalog.quote_ident(u.srvname),
    (SELECT pg_catalog.string_agg(pg_catalog.split_part(o, '=', 1), ',' ORDER BY o COLLATE "C") FROM pg_catalog.unnest(u.umoptions) o)
  FROM pg_catalog.pg_user_mappings u`,

  // A dump leaves them switched off, so that a copy does not take the changes that are meant for the first one.
  `SELECT 'subscription', pg_catalog.quote_ident(s.subname), ${lines('s.subpublications::text', role('s.subowner'))}
  FROM pg_catalog.pg_subscription s
  WHERE s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`,

  changedRights('pg_class', 'o.oid::pg_catalog.regclass::text', 'o.relacl', 'r', 'o.relowner'),
  changedRights('pg_proc', 'o.oid::pg_catalog.regprocedure::text', 'o.proacl', 'f', 'o.proowner'),
  changedRights('pg_type', 'o.oid::pg_catalog.regtype::text', 'o.typacl', 'T', 'o.typowner'),
  changedRights('pg_language', `'language ' || o.lanname`, 'o.lanacl', 'l', 'o.lanowner'),
  `${changedRights('pg_namespace', `'schema ' || o.nspname`, 'o.nspacl', 'n', 'o.nspowner')} AND NOT (${ofUser('o.nspname')})`,
];
