/** A name as SQL takes it, whatever is in it. https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL takes it, whatever the server's setting of standard_conforming_strings. */
export function literal(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/** A list of texts as an SQL array. */
export function textArray(texts: readonly string[]): string {
  return `ARRAY[${texts.map(literal).join(', ')}]::text[]`;
}

/** Longest name that Postgres keeps, in bytes; the rest it cuts off. */
export const longestName = 63;

/**
 * A name of a database that belongs to another one, e.g. `apex.before-20261124-101500`: that one's name, cut if need be,
 * and what it is.
 */
export function derivedName(name: string, suffix: string): string {
  const room = longestName - Buffer.byteLength(suffix);
  let base = name;
  while (Buffer.byteLength(base) > room) base = Array.from(base).slice(0, -1).join('');
  return `${base}${suffix}`;
}
