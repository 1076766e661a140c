import { versionName } from '../postgres/server';
import type { ArchiveHeader } from './archive-header';
import type { ScriptFacts, SectionFacts } from './script-facts';
import { takeAgain, unusable } from './unusable';

/** What a dump is held against. */
export interface ExamineOptions {
  /** The file, as its user has named it. */
  readonly name: string;
  /** `server_version_num` of the server that it is restored on. */
  readonly version: number;
  /** The stack's database. */
  readonly database: string;
  /** The database that is asked for. @default the stack's, or the only one that there is */
  readonly wanted?: string;
}

/** Encodings in which a byte of a letter can look like a backslash or a quote. */
const unsafeEncodings = /^(sjis|shift_?jis\w*|mskanji|big5|gbk|gb18030|uhc|johab|windows_?9(36|49|50|32)|win9\w+)$/i;

/**
 * Says whether a dump can be used, by what was read of it to its end.
 *
 * @returns the part of it that is for the database
 * @throws RewindError snapshot/unusable
 */
export function examine(facts: ScriptFacts, options: ExamineOptions): SectionFacts {
  const { name } = options;
  const [refused] = facts.refused;
  if (refused) {
    const where = refused.line > 0 ? `in line ${refused.line} ` : '';
    throw unusable(
      name,
      `has ${where}${refused.what}`,
      'Choose the file as pg_dump has written it, or take the lines out that it has not written.',
    );
  }
  if (facts.unfinished !== undefined) {
    throw unusable(name, `is cut short: it breaks off in the middle of ${facts.unfinished}`, shortFix);
  }
  if (!facts.isComplete) throw unusable(name, 'is cut short: the last line that pg_dump writes is missing', shortFix);
  if (facts.dumps > 1) {
    throw unusable(
      name,
      `has ${facts.dumps} dumps in it, one after another (>> instead of >?)`,
      'Take them apart after each line “PostgreSQL database (cluster) dump complete”, and name one.',
    );
  }
  checkServer(facts.serverVersion, options);
  if (facts.encoding !== undefined && unsafeEncodings.test(facts.encoding)) {
    throw unusable(
      name,
      `is written in ${facts.encoding}, which cannot be read safely`,
      'Take it again with --encoding=UTF8.',
    );
  }
  const section = chooseSection(facts, options);
  checkContent(section, facts, name);
  return section;
}

const shortFix = `Copy it again from where it was made, and compare the sizes. If it is so there too, the disk was full or the dump was ended. ${takeAgain}`;

/** A dump of a newer server may say what this one does not know. Its version is as it says: `17.2 (Debian …)`. */
function checkServer(dumped: string | undefined, { name, version }: ExamineOptions): void {
  const major = Math.floor(version / 10_000);
  const its = parseInt(dumped ?? '', 10);
  if (!(its > major)) return;
  throw unusable(
    name,
    `was taken of a server of Postgres ${dumped!.split(' ', 1)[0]}; this one is ${versionName(version)}, and cannot take what is newer`,
    `Upgrade the database to Postgres ${its} first, or take the backup with what is not newer than Postgres ${major}.`,
  );
}

/**
 * Makes sure that the server and its tools take an archive.
 *
 * @throws RewindError snapshot/unusable
 */
export function checkArchive({ serverVersion, dumpVersion, format }: ArchiveHeader, options: ExamineOptions): void {
  checkServer(serverVersion, options);
  const { name, version } = options;
  const newest = newestFormats.find(([since]) => version >= since)?.[1];
  const its = Number(format.split('.')[1]);
  if (newest === undefined || its <= newest) return;
  throw unusable(
    name,
    `was made with the pg_dump of Postgres ${dumpVersion.split(' ', 1)[0]}, in a format (${format}) that the tools of this server (${versionName(version)}) cannot read`,
    'Make a plain dump of it with the tools that it is from, and import that: pg_restore --file=FILE.sql ARCHIVE.',
  );
}

/** Formats `1.n` of archives, as pg_backup_archiver.h of each version has them; which one later versions write is not known. */
const newestFormats: readonly (readonly [since: number, newest: number | undefined])[] = [
  [190_000, undefined],
  [170_000, 16],
  [160_000, 15],
  [0, 14],
];

function chooseSection({ sections, madeBy }: ScriptFacts, { name, database, wanted }: ExamineOptions): SectionFacts {
  const named = sections.filter((section) => section.database !== undefined);
  const [head] = sections;
  if (named.length === 0) {
    if (madeBy !== 'pg_dumpall') return head!;
    throw unusable(
      name,
      'has only roles and no database in it (pg_dumpall --globals-only)',
      `Choose one with data. ${takeAgain}`,
    );
  }
  const find = (which: string): SectionFacts | undefined => named.find((section) => section.database === which);
  const list = named.map((section) => section.database).join(', ');
  if (wanted !== undefined) {
    const found = find(wanted);
    if (found) return found;
    throw unusable(name, `has no database ${JSON.stringify(wanted)}`, `It has: ${list}.`);
  }
  const filled = named.filter(({ tables, rows }) => tables > 0 || rows > 0);
  const found = find(database) ?? (filled.length === 1 || named.length === 1 ? (filled[0] ?? named[0]) : undefined);
  if (found) return found;
  if (filled.length === 0) throw unusable(name, `has no table in any of its databases (${list})`);
  throw unusable(
    name,
    `has several databases, and none is called ${database}`,
    `Say which one: --database NAME. It has: ${filled.map((section) => section.database).join(', ')}.`,
  );
}

function checkContent({ database, tables, filled, rows }: SectionFacts, { sections }: ScriptFacts, name: string): void {
  const where = database === undefined || sections.length < 3 ? '' : ` of ${database}`;
  if (tables === 0 && rows === 0)
    throw unusable(
      name,
      `has no table${where} in it: the dump is of an empty database`,
      'Choose another one; was it taken of the right database?',
    );
  if (tables === 0) {
    throw unusable(
      name,
      `has rows${where}, but no tables for them (pg_dump --data-only)`,
      'Choose one with both; this one can be loaded by hand into a database that has the tables.',
    );
  }
  if (rows > 0) return;
  const why = filled === 0 ? 'only the tables, no data (pg_dump --schema-only)' : 'no data: every table in it is empty';
  throw unusable(name, `has${where} ${why}`, `Choose one with data. ${takeAgain}`);
}
