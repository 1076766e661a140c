/** Rights as a sorted text; those that nobody has granted or revoked are the default ones of the kind. */
export const acl = (column: string, kind: string, owner: string): string =>
  `(SELECT pg_catalog.string_agg(a::text, ',' ORDER BY a::text COLLATE "C") FROM pg_catalog.unnest(coalesce(${column}, pg_catalog.acldefault('${kind}', ${owner}))) a)`;

/** Name of a role. */
export const role = (oid: string): string => `pg_catalog.pg_get_userbyid(${oid})`;
/** Comment on an object, empty if it has none. */
export const comment = (oid: string, catalog: string): string =>
  `coalesce(pg_catalog.obj_description(${oid}, '${catalog}'), '')`;
/** Whether no extension brings the object along. */
export const notOfExtension = (oid: string, catalog: string): string =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend dep WHERE dep.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND dep.objid = ${oid} AND dep.deptype = 'e')`;
/** Whether a schema is none of the system. */
export const ofUser = (schema: string): string => `${schema} !~ '^pg_' AND ${schema} <> 'information_schema'`;

/** Parts of a definition, a line each; those that are null are left out. */
export const lines = (...parts: string[]): string => `pg_catalog.concat_ws(E'\\n', ${parts.join(', ')})`;
