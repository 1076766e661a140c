/** A statement that a server has logged. */
export interface LoggedStatement {
  readonly at: Date;
  /** Who has given it, as far as `log_line_prefix` tells: `shop@shop, psql`, else the process of the session. */
  readonly by: string;
  readonly sql: string;
}

/** Statements that change a schema. */
const changing = /^\s*(CREATE|ALTER|DROP|GRANT|REVOKE|COMMENT|REASSIGN|TRUNCATE|REINDEX|CLUSTER|SECURITY|IMPORT)\b/i;

/**
 * The statements in a server's log that change a schema: it has them where `log_statement` is `ddl` or more, or they took
 * longer than `log_min_duration_statement`. https://www.postgresql.org/docs/current/runtime-config-logging.html
 *
 * @param lines - of the container's log, each with the engine's time before it, as `docker logs --timestamps` has them
 */
export function loggedStatements(lines: readonly string[]): LoggedStatement[] {
  const found: { at: Date; by: string; sql: string }[] = [];
  let isOpen = false;
  for (const line of lines) {
    const [, time, text] = /^(\S+) ([^]*)$/.exec(line) ?? [];
    if (time === undefined || text === undefined) continue;
    // What does not fit into a line goes on in the next ones, behind a tab.
    if (text.startsWith('\t')) {
      if (isOpen) found.at(-1)!.sql += `\n${text.slice(1)}`;
      continue;
    }
    const [, prefix, sql] =
      /^(.*?)LOG: {2}(?:duration: [\d.]+ ms {2})?(?:statement|execute [^:]*): ([^]*)$/.exec(text) ?? [];
    isOpen = sql !== undefined;
    if (sql !== undefined) found.push({ at: new Date(time), by: sessionIn(prefix!), sql });
  }
  return found.filter(({ at, sql }) => changing.test(sql) && !Number.isNaN(at.getTime()));
}

/** Who a session belongs to, by what `log_line_prefix` puts before its lines. */
function sessionIn(prefix: string): string {
  const named = (name: string): string | undefined => new RegExp(String.raw`\b${name}=([^,\s\]]+)`).exec(prefix)?.[1];
  const user = named('user');
  const database = named('db');
  const pair = user === undefined ? /(?:^|[\s[(])([\w-]+@[\w-]+)/.exec(prefix)?.[1] : `${user}@${database ?? ''}`;
  const from = [pair?.replace(/@$/, ''), named('app'), named('client') ?? named('host')];
  const known = from.filter((it) => it !== undefined && it !== '' && !it.includes('[unknown]'));
  if (known.length > 0) return known.join(', ');
  const pid = /\[(\d+)\]/.exec(prefix)?.[1];
  return pid === undefined ? 'somebody' : `process ${pid}`;
}

/** Since when an object of the schema is another one, and by what, if a statement names it. */
export function originIn(
  statements: readonly LoggedStatement[],
  id: string,
): { readonly since: string; readonly by: string } | undefined {
  const names = namesIn(id);
  if (names.length === 0) return undefined;
  const found = statements.findLast(({ sql }) => names.every((name) => mentions(sql, name)));
  if (!found) return undefined;
  const verb = found.sql.trim().split(/\s+/).slice(0, 2).join(' ').toUpperCase();
  return { since: found.at.toISOString(), by: `${verb} by ${found.by}` };
}

/** `goods` and `name` of `database/column public.goods.name`; `f` of `database/function public.f(integer)`. */
function namesIn(id: string): string[] {
  const [, kind, path] = /^database\/(.*?) ((?:"(?:[^"]|"")*"|[^\s"(])+)(?:\(.*)?$/.exec(id) ?? [];
  if (kind === undefined || path === undefined) return [];
  const names = (path.match(/"(?:[^"]|"")*"|[^.]+/g) ?? []).map((it) =>
    it.startsWith('"') ? it.slice(1, -1).replaceAll('""', '"') : it,
  );
  return names.slice(kind === 'column' ? -2 : -1);
}

function mentions(sql: string, name: string): boolean {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`(^|[^\\w$])${escaped}($|[^\\w$])`, 'i').test(sql);
}
