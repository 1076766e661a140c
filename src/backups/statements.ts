const quotedOrPlain = '"(?:[^"]|"")+"|[^\\s,;"]+';
const names = `(?:GROUP\\s+)?(?:${quotedOrPlain})(?:\\s*,\\s*(?:${quotedOrPlain}))*`;

const serverLevel: readonly RegExp[] = [
  /^(CREATE|ALTER|DROP)\s+(DATABASE|ROLE|USER(?!\s+MAPPING)|GROUP|TABLESPACE)\b/i,
  /^(GRANT|REVOKE)\s[\s\S]*\sON\s+(DATABASE|TABLESPACE|PARAMETER)\s/i,
  /^COMMENT\s+ON\s+(DATABASE|ROLE|TABLESPACE)\s/i,
  /^SECURITY\s+LABEL\s+(FOR\s+\S+\s+)?ON\s+(DATABASE|ROLE|TABLESPACE)\s/i,
  /^UPDATE\s+(pg_catalog\.)?pg_database\s/i,
];

/** Whether a statement is about the server or one of its databases as such, not about what is in the database. */
export function isServerLevel(statement: string): boolean {
  if (serverLevel.some((pattern) => pattern.test(statement))) return true;
  // Membership of a role in a role: it names no object.
  return /^(GRANT|REVOKE)\s/i.test(statement) && !/\sON\s/i.test(statement.replaceAll(/"(?:[^"]|"")*"/g, '""'));
}

/** Whether a statement begins or ends a transaction: the whole runs in one of its own. */
export function isTransaction(statement: string): boolean {
  return /^(BEGIN|COMMIT|START\s+TRANSACTION|END)(\s+(WORK|TRANSACTION))?;$/i.test(statement);
}

/** Whether a statement makes room for what comes later, as of `pg_dump --clean`. */
export function isCleaning(statement: string): boolean {
  return /^DROP\s|^ALTER\s[\s\S]*\s(?:DROP|DETACH)\s|^SELECT\s+pg_catalog\.lo_unlink\(/i.test(statement);
}

/** Whether a statement makes or fills something: nothing is left to clean up then. */
export function isMaking(statement: string): boolean {
  return /^(CREATE|COPY|INSERT)\s/i.test(statement);
}

/**
 * Why a dump must not say this, as the rest of a sentence; undefined if it may. COPY reaches files and programs of the
 * server's machine where it does not read from the dump itself.
 */
export function forbidden(statement: string): string | undefined {
  if (!/^COPY\b/i.test(statement) || copyOfDump.test(statement)) return undefined;
  return 'a COPY that reads or writes outside of the dump';
}

const plainName = '(?:"(?:[^"]|"")+"|[\\w\\x80-\\xff$]+)';
const columns = `\\(${plainName}(?:,\\s*${plainName})*\\)`;
const copyOfDump = new RegExp(
  `^COPY\\s+${plainName}(?:\\.${plainName})?\\s*(?:${columns}\\s*)?\\sFROM\\s+stdin\\b[^;]*;$`,
  'i',
);

/** `ALTER TABLE … OWNER TO shop`, with another owner. */
export function withOwner(statement: string, owner: string): string {
  return statement.replace(ownerAtEnd, (_all, before: string) => `${before}${owner};`);
}

const ownerAtEnd = new RegExp(`^(ALTER\\s[\\s\\S]*\\sOWNER\\s+TO\\s+)(${quotedOrPlain});$`, 'i');
const rightsOf = new RegExp(
  `^(?:ALTER\\s+DEFAULT\\s+PRIVILEGES\\s[\\s\\S]*?)?(?:GRANT\\s[\\s\\S]*\\sTO|REVOKE\\s[\\s\\S]*\\sFROM)\\s+(${names})(?:\\s+WITH\\s+GRANT\\s+OPTION)?(?:\\s+GRANTED\\s+BY\\s+(${quotedOrPlain}))?(?:\\s+(?:CASCADE|RESTRICT))?;$`,
  'i',
);
const defaultRightsFor = new RegExp(`^ALTER\\s+DEFAULT\\s+PRIVILEGES\\s+FOR\\s+(?:ROLE|USER)\\s+(${names})\\s`, 'i');
const session = /^SET\s+SESSION\s+AUTHORIZATION\s+(?:'((?:[^']|'')+)'|("(?:[^"]|"")+"|\w+));$/i;

/** The owner that a statement gives to an object, as a plain name. */
export function ownerIn(statement: string): string | undefined {
  const name = ownerAtEnd.exec(statement)?.[2];
  return name === undefined ? undefined : roleName(name);
}

/** The role that the following objects are made as: `pg_dump --use-set-session-authorization`. */
export function sessionRoleIn(statement: string): string | undefined {
  const [, text, name] = session.exec(statement) ?? [];
  if (name !== undefined) return /^DEFAULT$/i.test(name) ? undefined : roleName(name);
  return text === undefined ? undefined : fromBytes(text.replaceAll("''", "'"));
}

/** The tablespace that the following objects lie in; undefined for the database's own. */
export function tablespaceIn(statement: string): string | undefined {
  const name = defaultTablespace.exec(statement)?.[1];
  return name === undefined ? undefined : roleName(name);
}

const defaultTablespace = new RegExp(`^SET\\s+default_tablespace\\s*=\\s*(?!'')(${quotedOrPlain});$`, 'i');

/** Whether only a superuser may do this, whatever the rest of the dump belongs to. */
export function isForSuperusers(statement: string): boolean {
  return /^(?:CREATE|ALTER|COMMENT\s+ON)\s+(?:OR\s+REPLACE\s+)?(?:(?:TRUSTED|PROCEDURAL)\s+)*(?:EXTENSION|EVENT\s+TRIGGER|FOREIGN\s+DATA\s+WRAPPER|LANGUAGE)\s/i.test(
    statement,
  );
}

/** The roles that a statement gives rights to, takes them from, or sets them for. */
export function granteesIn(statement: string): string[] {
  const [, whom = '', by = ''] = rightsOf.exec(statement) ?? [];
  const [, whose = ''] = defaultRightsFor.exec(statement) ?? [];
  const all = [whom, by, whose].flatMap((list) => list.match(new RegExp(quotedOrPlain, 'g')) ?? []);
  return all.filter((name) => !/^(PUBLIC|GROUP|CURRENT_USER|CURRENT_ROLE|SESSION_USER)$/i.test(name)).map(roleName);
}

/** A name as it is written in SQL, as it is kept. */
export function roleName(written: string): string {
  const name = written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase();
  return fromBytes(name);
}

/** A text whose characters stand for the bytes of UTF-8, as that of a script does. */
function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

/** The database that `\connect` goes to; undefined where it names none. */
export function connectTarget(command: string): string | undefined {
  const target = targetOf(command);
  return target === undefined ? undefined : fromBytes(target);
}

function targetOf(command: string): string | undefined {
  const rest = command
    .replace(/^\\c(onnect)?\s+/, '')
    .replace(/^-reuse-previous=\w+\s+/, '')
    .trim();
  const [word = ''] = /^"(?:[^"]|"")*"|^'(?:[^']|'')*'|^\S+/.exec(rest) ?? [];
  const text = /^["']/.test(word) ? word.slice(1, -1).replaceAll('""', '"').replaceAll("''", "'") : word;
  const [, quoted, plain] = /^dbname\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))/.exec(text) ?? [];
  if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1');
  return plain ?? (text === '' || text === '-' ? undefined : text);
}
