/** A type of a column, and an expression of the row's number `i` that gives a value of it. */
export interface ColumnType {
  readonly type: string;
  readonly value: string;
  /** `server_version_num` from which on there is such a type. @default any */
  readonly since?: number;
}

const md5 = "md5(i::text || 'x')";

/** Types that any database has. */
export const columnTypes: readonly ColumnType[] = [
  { type: 'smallint', value: '(i % 32000)::smallint' },
  { type: 'integer', value: '-i' },
  { type: 'bigint', value: 'i * 1000000007::bigint' },
  { type: 'numeric', value: "CASE WHEN i % 9 = 0 THEN 'NaN' ELSE i / 7.0 END" },
  { type: 'numeric(12,3)', value: 'i / 3.0' },
  { type: 'real', value: '(i / 3.0)::real' },
  { type: 'double precision', value: "CASE WHEN i % 7 = 0 THEN '-Infinity' ELSE sqrt(i) END" },
  { type: 'money', value: '(i * 1.5)::numeric::money' },
  { type: 'text', value: `repeat(${md5}, i % 5) || E'\\t"\\\\ \\n' || i` },
  { type: 'varchar(40)', value: md5 },
  { type: 'char(10)', value: `left(${md5}, 4)` },
  { type: '"char"', value: `'c'` },
  { type: 'name', value: md5 },
  { type: 'bytea', value: `decode(${md5}, 'hex')` },
  { type: 'boolean', value: 'i % 3 = 0' },
  { type: 'date', value: "CASE WHEN i % 11 = 0 THEN 'infinity' ELSE date '2024-01-31' + i END" },
  { type: 'time(3)', value: "time '04:05:06.789' + make_interval(secs => i)" },
  { type: 'timetz', value: `timetz '04:05:06-08'` },
  { type: 'timestamp', value: "timestamp '0044-03-15 10:00:00 BC' + make_interval(days => i)" },
  { type: 'timestamptz', value: "timestamptz '2024-03-31 01:59:00+01' + make_interval(mins => i)" },
  { type: 'interval', value: 'make_interval(months => i % 20, days => -i, secs => i / 7.0)' },
  { type: 'uuid', value: `${md5}::uuid` },
  { type: 'json', value: `format('{"a" :  %s, "a": "é"}', i)::json` },
  { type: 'jsonb', value: `jsonb_build_object('k', i, 'list', jsonb_build_array(i, NULL, ${md5}))` },
  { type: 'xml', value: `format('<a b="%s">x</a>', i)::xml` },
  { type: 'inet', value: "inet '10.0.0.1/8' + i" },
  { type: 'cidr', value: `cidr '2001:db8::/32'` },
  { type: 'macaddr', value: `macaddr '08:00:2b:01:02:03'` },
  { type: 'macaddr8', value: `macaddr8 '08:00:2b:01:02:03:04:05'` },
  { type: 'bit(8)', value: '(i % 256)::bit(8)' },
  { type: 'varbit(20)', value: '(i % 4)::bit(2)::varbit' },
  { type: 'point', value: 'point(i / 3.0, -i)' },
  { type: 'lseg', value: 'lseg(point(0, i), point(i, 1))' },
  { type: 'box', value: 'box(point(0, i), point(i, 1))' },
  { type: 'path', value: `path '[(0,0),(1,1),(2,0)]'` },
  { type: 'polygon', value: `polygon '((0,0),(1,1),(2,0))'` },
  { type: 'circle', value: 'circle(point(i, 0), i)' },
  { type: 'int4range', value: 'int4range(i, i + 5)' },
  { type: 'numrange', value: `numrange(i, NULL, '(]')` },
  { type: 'tstzrange', value: `tstzrange('2024-01-01', NULL)` },
  { type: 'int4multirange', value: 'int4multirange(int4range(i, i + 2), int4range(i + 9, i + 10))', since: 140_000 },
  { type: 'tsvector', value: `to_tsvector('english', 'the fat cats ' || i)` },
  { type: 'tsquery', value: `to_tsquery('english', 'fat & cat')` },
  { type: 'pg_lsn', value: `pg_lsn '16/B374D848'` },
  { type: 'regclass', value: `'pg_catalog.pg_class'::regclass` },
  { type: 'integer[]', value: 'ARRAY[i, NULL, i + 1]' },
  { type: 'text[]', value: `ARRAY[${md5}, NULL, 'NULL', '', 'a,"b"\\']` },
  { type: 'smallint[][]', value: 'ARRAY[[1, 2], [i % 100, 4]]::smallint[]' },
  { type: 'jsonb[]', value: `ARRAY['{"a": 1}'::jsonb, NULL]` },
  { type: 'timestamptz[]', value: `ARRAY[timestamptz '2024-01-01']` },
];
