/** What a made-up plain dump is like. */
export interface PlainDumpOptions {
  /** @default 3 */
  readonly rows?: number;
  /** @default 15.14 */
  readonly server?: string;
  /** @default shop */
  readonly owner?: string;
  /** Lines after the settings at its beginning. @default none */
  readonly more?: string;
  readonly parts?: readonly ('tables' | 'data')[];
}

const restrict = 'kd8sJqzVnPp1';

/** A dump as pg_dump writes it, letter by letter, of a table of goods. */
export function plainDump(options: PlainDumpOptions = {}): string {
  const { rows = 3, server = '15.14', owner = 'shop', more = '', parts = ['tables', 'data'] } = options;
  const data = Array.from(
    { length: rows },
    (_none, index) => `${index + 1}\tgood ${index + 1}; it's\\na "good" \\\\.\n`,
  );
  const tables = `
CREATE FUNCTION public.odd() RETURNS text
    LANGUAGE sql
    AS $_$ SELECT '\\! id; -- not a comment'::text $_$;


ALTER FUNCTION public.odd() OWNER TO ${owner};

--
-- Name: goods; Type: TABLE; Schema: public; Owner: ${owner}
--

CREATE TABLE public.goods (
    id integer NOT NULL,
    name text DEFAULT E'it\\'s; \\\\'
);


ALTER TABLE public.goods OWNER TO ${owner};
`;
  const copy = `
--
-- Data for Name: goods; Type: TABLE DATA; Schema: public; Owner: ${owner}
--

COPY public.goods (id, name) FROM stdin;
${data.join('')}\\.

`;
  return `--
-- PostgreSQL database dump
--

\\restrict ${restrict}

-- Dumped from database version ${server} (Debian ${server}-1)
-- Dumped by pg_dump version 15.14 (Debian 15.14-1)

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET row_security = off;
${more}${parts.includes('tables') ? tables : ''}${parts.includes('data') ? copy : ''}
--
-- PostgreSQL database dump complete
--

\\unrestrict ${restrict}

`;
}

/** A dump of all databases as pg_dumpall writes it. */
export function clusterDump(databases: Readonly<Record<string, string>>): string {
  const parts = Object.entries(databases).map(
    ([name, dump]) => `--
-- Database "${name}" dump
--

${dump.replace(/(SET row_security = off;\n)/, `$1\nCREATE DATABASE ${name} WITH TEMPLATE = template0 ENCODING = 'UTF8';\nALTER DATABASE ${name} OWNER TO shop;\n\\connect ${name}\n`)}`,
  );
  return `--
-- PostgreSQL database cluster dump
--

SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

CREATE ROLE shop;
ALTER ROLE shop WITH SUPERUSER LOGIN PASSWORD 'SCRAM-SHA-256$4096:abc';
GRANT pg_monitor TO shop;

${parts.join('\n')}
--
-- PostgreSQL database cluster dump complete
--

`;
}
