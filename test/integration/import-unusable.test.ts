import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';

import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { ImportOptions } from '../../src/actions/import-snapshot';
import { RewindError } from '../../src/errors';
import { staged } from '../../src/postgres/restore';
import { run } from '../../src/process';
import { ImportPlace } from '../support/import-place';
import { archiveStart, changed, crlf, cut, packed, utf16, withMore, zipped } from '../support/spoilt-backups';

// Backups as people have them when it counts, most of them made by the tools of a real server and then spoilt: each gets
// its own answer, and nothing is touched.

type Make = () => Promise<string | Buffer>;

let place: ImportPlace;

beforeAll(async () => {
  place = await ImportPlace.make('rewind-import-unusable');
});

afterAll(() => place.remove());

/** Backups that cannot be used, by what they are: how each is made, and what is said of it. */
const bad: Readonly<Record<string, readonly [Make | string | Buffer | undefined, RegExp]>> = {
  // Nothing, or not all of it.
  'empty.sql': ['', /is empty: the dump failed/],
  'blank.sql': [' \r\n\n \t', /is empty: it has nothing but blank space/],
  'zeros.dump': [Buffer.alloc(9000), /nothing but zero bytes/],
  'empty.sql.gz': [gzipSync(''), /packed with gzip, and what is in it is empty/],
  'blank.sql.xz': [() => packed('xz', '\n'), /is empty: it has nothing but blank space/],
  'cut-at-10.sql': [
    async () => cut(await place.bytes('plain.sql'), 0.1),
    /cut short: it breaks off in the middle of a statement|last line/,
  ],
  'cut-at-50.sql': [
    async () => cut(await place.bytes('plain.sql'), 0.5),
    /cut short: it breaks off in the middle of the rows of a table/,
  ],
  'cut-at-the-end.sql': [
    async () => (await place.text('plain.sql')).replace(/-- PostgreSQL database dump complete[\s\S]*/, ''),
    /cut short: the last line that pg_dump writes is missing/,
  ],
  'cut-all.sql': [
    async () => cut(await place.bytes('all.sql'), 30),
    /cut short: the last line that pg_dump writes is missing/,
  ],
  'cut-inserts.sql': [
    async () => (await place.text('inserts.sql')).replace(/it''s 200[\s\S]*/, ''),
    /cut short: it breaks off in the middle of a statement/,
  ],
  'cut-in-half-a-letter.sql': [
    async () => cut(utf16(await place.text('plain.sql')), 301),
    /UTF-16LE and is cut short or damaged/,
  ],
  'cut-in-header.dump': [
    async () => cut(await place.bytes('custom.dump'), 0.005),
    /begins like an archive of pg_dump, but is cut short/,
  ],
  'cut-in-contents.dump': [
    async () => cut(await place.bytes('custom.dump'), 0.1),
    /custom format that is cut short or damaged: .*pg_restore/,
  ],
  'cut-in-data.dump': [
    async () => cut(await place.bytes('custom.dump'), 0.8),
    /custom format that is cut short or damaged: .*pg_restore/,
  ],
  'cut-at-the-end.dump': [
    async () => cut(await place.bytes('custom.dump'), 12),
    /custom format that is cut short or damaged: .*pg_restore/,
  ],
  'cut.tar': [
    async () => cut(await place.bytes('tar.tar'), 0.6),
    /tar format that is cut short, after \d+ of its files/,
  ],
  'cut-in-head.sql.gz': [
    async () => gzipSync(await place.bytes('plain.sql')).subarray(0, 8),
    /packed with gzip and is cut short/,
  ],
  'cut-at-50.sql.gz': [
    async () => cut(gzipSync(await place.bytes('plain.sql')), 0.5),
    /packed with gzip and is cut short/,
  ],
  'cut-at-the-end.sql.gz': [
    async () => cut(gzipSync(await place.bytes('plain.sql')), 3),
    /packed with gzip and is cut short/,
  ],
  'cut.dump.gz': [
    async () => cut(gzipSync(await place.bytes('custom.dump')), 0.9),
    /packed with gzip and is cut short/,
  ],
  'cut.sql.zst': [
    async () => cut(await packed('zstd', await place.bytes('plain.sql')), 0.5),
    /packed with Zstandard and is cut short/,
  ],
  'cut.sql.xz': [
    async () => cut(await packed('xz', await place.bytes('plain.sql')), 0.5),
    /packed with xz and is cut short/,
  ],
  'cut.sql.bz2': [
    async () => cut(await packed('bzip2', await place.bytes('plain.sql')), 0.5),
    /packed with bzip2 and is (cut short|damaged)/,
  ],
  'packed-after-it-was-cut.sql.gz': [
    async () => gzipSync(cut(await place.bytes('plain.sql'), 0.5)),
    /cut short: it breaks off/,
  ],
  'changed.sql.gz': [async () => changed(gzipSync(await place.bytes('plain.sql'))), /packed with gzip and is damaged/],
  'changed.sql.zst': [
    async () => changed(await packed('zstd', await place.bytes('plain.sql'))),
    /packed with Zstandard and is damaged/,
  ],
  'changed.dump': [
    async () => changed(await place.bytes('custom.dump'), 0.9),
    /custom format that is cut short or damaged/,
  ],
  'zeros-at-the-end.sql': [
    async () => `${await place.text('plain.sql')}${'\0'.repeat(512)}`,
    /zero bytes, which no dump has/,
  ],
  // Without data.
  'tables.sql': [undefined, /only the tables, no data \(pg_dump --schema-only\)/],
  'custom-tables.dump': [undefined, /only the tables, no data \(pg_dump --schema-only\)/],
  'rows.sql': [undefined, /rows, but no tables for them \(pg_dump --data-only\)/],
  'custom-rows.dump': [undefined, /rows, but no tables for them \(pg_dump --data-only\)/],
  'globals.sql': [undefined, /only roles and no database in it \(pg_dumpall --globals-only\)/],
  'nothing.sql': [undefined, /no table in it: the dump is of an empty database/],
  'custom-nothing.dump': [undefined, /no table in it: the dump is of an empty database/],
  // What a program said instead.
  'no-database.sql': [
    undefined,
    /an error message instead of a dump: pg_dump: error: .*database "nowhere" does not exist/,
  ],
  'no-server.sql': [undefined, /an error message instead of a dump: pg_dump: error: connection to server/],
  'no-program.sql': [undefined, /an error message instead of a dump: bash: .*pg_dumb: command not found/],
  'usage.sql': [undefined, /an error message instead of a dump: pg_dump: unrecognized option/],
  'verbose-both.sql': [undefined, /a message of pg_dump/],
  'no-container.sql': [
    async () => (await run(['docker', 'exec', 'rewind-no-such', 'pg_dump'])).stderr,
    /an error message instead of a dump: Error/,
  ],
  'no-terminal.sql': ['the input device is not a TTY\r\n', /an error message instead of a dump: the input device/],
  'no-service.sql': ['service "db" is not running\n', /an error message instead of a dump: service "db"/],
  'powershell.sql': [
    utf16(`pg_dump : The term 'pg_dump' is not recognized as the name of a cmdlet, function\nAt line:1 char:1\n`),
    /an error message instead of a dump: pg_dump : The term/,
  ],
  'page.sql': ['<!DOCTYPE html>\n<html><title>Sign in</title></html>', /a web page: what a server answered/],
  'denied.dump': ['<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', /is XML: what a server answered/],
  'answer.dump': ['{"message":"Not Found"}', /is JSON, not a dump/],
  // Of another program, or nothing of the kind.
  'mysql.sql': ['-- MySQL dump 10.13  Distrib 8.0.36\n--\nCREATE TABLE `a` (b int);\n', /a dump of MySQL or MariaDB/],
  'sqlite.sql': ['PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCOMMIT;\n', /a dump of SQLite/],
  'sqlite.db': [Buffer.from('SQLite format 3\0\x10\0\x01\x01'), /a database of SQLite/],
  'backup.zip': [async () => zipped('plain.sql', await place.bytes('plain.sql')), /is a ZIP archive/],
  'photo.jpg': [
    Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46]),
    /a document, an image or a program/,
  ],
  'a program': [
    async () => (await readFile(process.execPath)).subarray(0, 100_000),
    /a document, an image or a program/,
  ],
  'noise.dump': [
    async () => gzipSync(await place.bytes('plain.sql')).subarray(300, 3000),
    /not a dump at all: neither text nor/,
  ],
  'letter.sql': ['Dear all,\nthe backup is on the other disk.\n', /not a dump at all: it is a text of something else/],
  'by-hand.sql': [
    'CREATE TABLE a (b int);\nINSERT INTO a VALUES (1);\n',
    /SQL, but its first lines are not those of pg_dump/,
  ],
  'second-half.sql': [
    async () => (await place.text('plain.sql')).replace(/^[\s\S]*?(?=COPY )/, ''),
    /SQL, but its first lines are not those of pg_dump/,
  ],
  'custom-as-text.dump': [
    async () => utf16((await place.bytes('custom.dump')).toString('latin1')),
    /custom format that was written as text \(UTF-16LE\)/,
  ],
  'custom-in-text-mode.dump': [
    async () => Buffer.from((await place.bytes('custom.dump')).toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
    /begins like an archive of pg_dump, but is cut short or was changed|custom format that is cut short or damaged/,
  ],
  'toc.dat': [() => place.bytes('folder/toc.dat'), /only the list of contents of a dump in directory format/],
  // Two, or too many.
  'appended.sql': [
    async () => `${await place.text('plain.sql')}${await place.text('plain.sql')}`,
    /has 2 dumps in it, one after another/,
  ],
  'appended-all.sql': [
    async () => `${await place.text('all.sql')}${await place.text('all.sql')}`,
    /has 2 dumps in it, one after another/,
  ],
  'appended-to-all.sql': [
    async () => `${await place.text('all.sql')}${await place.text('plain.sql')}`,
    /has 2 dumps in it, one after another/,
  ],
  'appended.dump': [
    async () => Buffer.concat([await place.bytes('custom.dump'), await place.bytes('custom.dump')]),
    /two dumps in custom format/,
  ],
  'of-others.sql': [
    async () => (await place.text('all.sql')).replaceAll('connect shop', 'connect shop2'),
    /has several databases, and none is called shop/,
  ],
  // Of a newer server.
  'of-a-newer-server.sql': [
    async () => (await place.text('plain.sql')).replace(/(database version )\S+/, '$119.1'),
    /taken of a server of Postgres 19\.1; this one is 15\./,
  ],
  'all-of-a-newer-server.sql': [
    async () => (await place.text('all.sql')).replace(/(database version )\S+(?![\s\S]*database version )/, '$118.0'),
    /taken of a server of Postgres 18\.0; this one is 15\./,
  ],
  'of-a-newer-server.dump': [
    archiveStart({ server: '17.6', dump: '17.6', format: 16 }),
    /taken of a server of Postgres 17\.6/,
  ],
  'of-a-newer-pg_dump.dump': [
    archiveStart({ server: '15.14', dump: '17.6', format: 16 }),
    /made with the pg_dump of Postgres 17\.6, in a format \(1\.16\) that the tools of this server/,
  ],
  // What psql or the server would do, or not take.
  'runs-a-shell.sql': [
    async () => withMore(await place.text('plain.sql'), '\\! touch /tmp/rewind-owned'),
    /in line \d+ the psql command \\!/,
  ],
  'runs-a-shell-by-g.sql': [
    async () => withMore(await place.text('plain.sql'), 'SELECT 1 \\g |touch /tmp/rewind-owned\n;'),
    /in line \d+ the psql command \\g/,
  ],
  'runs-a-shell-after-crlf.sql': [
    async () => crlf(withMore(await place.text('plain.sql'), '\\! touch /tmp/rewind-owned')),
    /in line \d+ the psql command \\!/,
  ],
  'runs-a-shell-after-other-quotes.sql': [
    async () =>
      withMore(
        await place.text('plain.sql'),
        `SET standard_conforming_strings = off;\nSELECT 'it\\\\' \\! touch /tmp/rewind-owned\n;`,
      ),
    /in line \d+ the psql command \\!/,
  ],
  'runs-a-program.sql': [
    async () => withMore(await place.text('plain.sql'), `COPY app.goods FROM PROGRAM 'touch /tmp/rewind-owned';`),
    /a COPY that reads or writes outside/,
  ],
  'runs-a-program-in-disguise.sql': [
    async () =>
      withMore(
        await place.text('plain.sql'),
        `COPY app.goods FROM PROGRAM 'touch /tmp/rewind-owned' WHERE name = ' FROM stdin';`,
      ),
    /a COPY that reads or writes outside/,
  ],
  'reads-a-file.sql': [
    async () => withMore(await place.text('plain.sql'), '\\i /etc/passwd'),
    /in line \d+ the psql command \\i/,
  ],
  'sets-a-variable.sql': [
    async () => withMore(await place.text('plain.sql'), '\\set x `touch /tmp/rewind-owned`'),
    /in line \d+ the psql command \\set/,
  ],
  'message-among-it.sql': [
    async () => withMore(await place.text('plain.sql'), 'pg_dump: warning: there are circular constraints'),
    /a message of pg_dump among the statements/,
  ],
  'message-before-it.sql': [
    async () => `pg_dump: warning: something\n${await place.text('plain.sql')}`,
    /in line 1 a message of pg_dump/,
  ],
  'wrong-letters.sql': [
    async () =>
      Buffer.from((await place.bytes('plain.sql')).toString('latin1').replaceAll('\xc3\xbc', '\xfc'), 'latin1'),
    /cannot be restored on this server: ERROR: +invalid byte sequence for encoding "UTF8": …/,
  ],
  'in-shift-jis.sql': [
    async () => (await place.text('plain.sql')).replace("'UTF8'", "'SJIS'"),
    /written in SJIS, which cannot be read safely/,
  ],
  'of-another-extension.sql': [
    async () => withMore(await place.text('plain.sql'), 'CREATE EXTENSION nowhere;'),
    /cannot be restored on this server: ERROR: +extension "nowhere"/,
  ],
  'rows-too-long.sql': [
    async () => (await place.text('plain.sql')).replace('\n0007\n', `\n${'secret-row'.repeat(9)}\n`),
    /cannot be restored on this server: ERROR: +value too long/,
  ],
  'rows-of-another-kind.sql': [
    async () => (await place.text('plain.sql')).replace(/\tlarge\n/, '\tsecret-row\n'),
    /cannot be restored on this server: ERROR: +invalid input value for enum .*: …/,
  ],
};

describe('a backup that cannot be used is named for what it is, and nothing is touched', () => {
  let before: string;

  beforeAll(async () => {
    before = await everything();
  });

  test.each(Object.entries(bad))('%s', async (name, [make, answer]) => {
    if (make !== undefined) await writeFile(place.file(name), typeof make === 'function' ? await make() : make);
    await refused(name, answer);
  });

  test('a folder without its list of contents', async () => {
    await mkdir(place.file('lists'));
    await copyFile(place.file('plain.sql'), join(place.file('lists'), 'plain.sql'));
    await refused('lists', /a folder, but no dump in directory format: it has no toc\.dat, but plain\.sql/);
  });

  test('a folder that lacks a file', async () => {
    await cp(place.file('folder'), place.file('lacking'), { recursive: true });
    const data = (await readdir(place.file('lacking'))).filter((name) => name.endsWith('.dat.gz'));
    await rm(join(place.file('lacking'), data[0]!));
    await refused('lacking', /directory format that is cut short or damaged: .*pg_restore/);
  });

  test('a folder with a file that was cut short', async () => {
    await cp(place.file('folder'), place.file('shortened'), { recursive: true });
    const data = (await readdir(place.file('shortened'))).filter((name) => name.endsWith('.dat.gz'));
    for (const name of data) {
      await writeFile(join(place.file('shortened'), name), cut(await place.bytes(`shortened/${name}`), 9));
    }
    await refused('shortened', /directory format that is cut short or damaged: .*pg_restore/);
  });

  test('a folder in a tar file', async () => {
    await execa('tar', ['-cf', place.file('folder.tar'), '-C', place.file(''), 'folder']);
    await refused('folder.tar', /a tar file of a dump in directory format/);
  });

  test('an empty folder, and the files of a server', async () => {
    await mkdir(place.file('hollow'));
    await refused('hollow', /is an empty folder/);
    await writeFile(join(place.file('hollow'), 'PG_VERSION'), '15\n');
    await refused('hollow', /a copy of a server’s data files/);
  });

  test('nothing of that name, and a link that leads nowhere', async () => {
    await refused('nowhere.sql', /is not there/);
    await refused('plain.sql/nowhere.sql', /is not there/);
    await symlink('nowhere.sql', place.file('broken.sql'));
    await refused('broken.sql', /is a link to nowhere\.sql, which leads nowhere/);
  });

  test('a pipe, which would wait forever, a socket and a device', async () => {
    await execa('mkfifo', [place.file('pipe.sql')]);
    await refused('pipe.sql', /neither a file nor a folder, but a pipe/);
    const socket = createServer().listen(place.file('socket.sql'));
    await refused('socket.sql', /but a socket/);
    socket.close();
    await symlink('/dev/null', place.file('null.sql'));
    await refused('null.sql', /but a device/);
    await cp(place.file('folder'), place.file('piped'), { recursive: true });
    await execa('mkfifo', [join(place.file('piped'), 'x.dat')]);
    await refused('piped', /something in it that is no file: x\.dat/);
  });

  test('one that may not be read', async () => {
    await copyFile(place.file('plain.sql'), place.file('locked.sql'));
    await chmod(place.file('locked.sql'), 0);
    await cp(place.file('folder'), place.file('locked'), { recursive: true });
    await chmod(place.file('locked'), 0);
    await asNobody(async () => {
      await refused('locked.sql', /may not be read by whoever runs this/);
      await refused('locked', /may not be read by whoever runs this/);
    });
  });

  test('a database that it does not have', async () => {
    await refused('all.sql', /has no database "elsewhere"/, { database: 'elsewhere' });
  });

  test('one that cannot be read on from its first bytes, again and again', async () => {
    for (let time = 0; time < 10; time++) {
      const archive = (): Readable => Readable.from(failing(), { objectMode: false });
      const use = (): Promise<never> => Promise.reject(new Error('it is there'));
      await expect(staged(place.server, { name: 'shop.cut', archive }, use)).rejects.toThrow('no more of it');
    }
  });

  test('nothing has changed: no row, no database, no role, no file beside the data, no snapshot, and no shell has run', async () => {
    expect(await everything()).toBe(before);
    expect(existsSync('/tmp/rewind-owned')).toBe(false);
  });
});

async function* failing(): AsyncGenerator<string> {
  yield 'PGDMP';
  await Promise.reject(new Error('no more of it'));
}

/** Everything that an import could touch. */
async function everything(): Promise<string> {
  const list = `find /tmp "$PGDATA/base/pgsql_tmp" -mindepth 1 ! -name '.s.PGSQL*' 2>/dev/null | sort`;
  const { stdout } = await execa('docker', ['exec', place.machine.container, 'bash', '-c', list]);
  const databases = await place.machine.sql('SELECT oid, datname, datdba, datacl FROM pg_database ORDER BY 1');
  const roles = await place.machine.sql('SELECT * FROM pg_roles ORDER BY oid');
  const state = { ...(await place.live()), databaseBytes: 0 };
  return JSON.stringify(
    { stdout, databases, roles, state, snapshots: (await readdir(place.store.folder)).sort() },
    undefined,
    1,
  );
}

async function refused(name: string, answer: RegExp, options: Partial<ImportOptions> = {}): Promise<void> {
  const error: unknown = await place.import(name, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RewindError))
    throw new Error(`${name} was taken, or failed otherwise: ${String(error)}`, { cause: error });
  expect(error.message).toMatch(answer);
  expect(error.message.startsWith(`${name} `)).toBe(true);
  expect(error.message).not.toContain('secret-row');
  expect(error.code).toBe('snapshot/unusable');
  expect(error.fix).toMatch(/[.?] Nothing has been touched\.$/);
}

/** Does something as a user who may do little: root may read everything. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work();
  await chmod(dirname(dirname(place.file('x'))), 0o755);
  process.seteuid!(65_534);
  try {
    await work();
  } finally {
    process.seteuid!(0);
  }
}
