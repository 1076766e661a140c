import { createReadStream } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { messageOf } from '../errors';
import { archiveHeader, type ArchiveHeader } from './archive-header';
import { compressionOf, decompress } from './decompress';
import { dumpText, type TextForm, textFormOf, textStart } from './encoding';
import { foreignTo } from './foreign';
import { isTar, readTar } from './tar';
import { takeAgain, unusable } from './unusable';

/** A file or folder that is a dump as far as its beginning tells. */
export interface Backup {
  readonly path: string;
  /** As its user has named it. */
  readonly name: string;
  readonly kind: 'plain' | 'custom' | 'tar' | 'directory';
  /** What it is packed with, outermost first. */
  readonly packedWith: readonly string[];
  /** Of plain ones. */
  readonly form?: TextForm;
  /** Of the others. */
  readonly header?: ArchiveHeader;
  /** When the file was last written. */
  readonly writtenAt: Date;
  /** Its files, with a name each where it is a folder; unpacked. */
  readonly files: readonly { readonly name: string; readonly open: () => AsyncIterable<Buffer> }[];
}

/** So much of a file is looked at to know what it is. */
const headLength = 64 * 1024;
/** A backup that was packed twice is a backup still. */
const mostLayers = 3;

/**
 * Finds out what a file or folder is, by its content and never by its name.
 *
 * @throws RewindError snapshot/unusable, with what it is where it is no dump
 */
export async function recognise(path: string, name = path): Promise<Backup> {
  const info = await stat(path).catch(async (error: unknown) => {
    const { code = '' } = error as NodeJS.ErrnoException;
    const target = await readlink(path).catch(() => undefined);
    if (target === undefined && !['ENOENT', 'ENOTDIR'].includes(code)) throw unreadable(name, error);
    const what = target === undefined ? 'is not there' : `is a link to ${target}, which leads nowhere`;
    throw unusable(name, what, 'Name the file or the folder of a backup.', error);
  });
  if (info.isDirectory()) return recogniseFolder(path, name, info.mtime);
  if (!info.isFile()) {
    const what = info.isFIFO() ? 'a pipe' : info.isSocket() ? 'a socket' : 'a device';
    throw unusable(
      name,
      `is neither a file nor a folder, but ${what}: a backup is read more than once`,
      'Write it to a file first, and name that.',
    );
  }
  if (info.size === 0) throw unusable(name, 'is empty: the dump failed, or nothing came of it');
  return recogniseFile(path, name, info.mtime);
}

/**
 * The text of a plain dump, unpacked; its bytes as `latin1`.
 *
 * @throws RewindError snapshot/unusable
 */
export async function* scriptOf({ name, files, form }: Backup): AsyncGenerator<string> {
  try {
    yield* dumpText(files[0]!.open(), form!);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw unusable(
      name,
      `is written as ${form!.encoding.toUpperCase()} and is cut short or damaged: some of it is no text`,
      takeAgain,
      error,
    );
  }
}

async function recogniseFile(path: string, name: string, writtenAt: Date): Promise<Backup> {
  let open = (): AsyncIterable<Buffer> => readable(path, name);
  const packedWith: string[] = [];
  let head = await headOf(open());
  for (let compression = compressionOf(head); compression; compression = compressionOf(head)) {
    if (packedWith.length === mostLayers) throw unusable(name, 'is packed more often than a backup is', takeAgain);
    const [inner, kind] = [open, compression];
    open = () => decompress(inner(), kind, name);
    packedWith.push(kind.name);
    head = await headOf(open());
  }
  const common = { path, name, packedWith, writtenAt, files: [{ name: basename(path), open }] };
  if (head.length === 0) {
    throw unusable(name, `is packed with ${packedWith.join(' and ')}, and what is in it is empty: the dump failed`);
  }
  if (head.subarray(0, 5).toString('latin1') === 'PGDMP') {
    const one = { name: basename(path), open: () => oneArchive(open(), name) };
    return { ...common, kind: 'custom', header: customHeader(head, name), files: [one] };
  }
  if (isTar(head)) return { ...common, kind: 'tar', header: await tarHeader(open(), name) };
  const form = textFormOf(head);
  const text = textStart(head, form);
  checkText(head, text, form, name);
  return { ...common, kind: 'plain', form };
}

/** A second archive after the first one is what pg_restore does not see. */
async function* oneArchive(source: AsyncIterable<Buffer>, name: string): AsyncIterable<Buffer> {
  let before: Buffer = Buffer.alloc(0);
  // Its own beginning is none of a second one: without its first byte it is not seen.
  let skip = 1;
  for await (const chunk of source) {
    const seen = Buffer.concat([before, chunk.subarray(skip)]);
    skip = 0;
    if (archiveBeginning.test(seen.toString('latin1'))) {
      throw unusable(
        name,
        'has two dumps in custom format in it, one after another (>> instead of >?)',
        'Take it again into a file of its own.',
      );
    }
    before = Buffer.from(seen.subarray(-archiveBeginningLength));
    yield chunk;
  }
}

/** Version 1.10 to 1.31, numbers of 4 and places of 8 bytes, custom format; by chance in one of 10^25 places. */
const archiveBeginning = /PGDMP\x01[\x0a-\x1f][\x00-\xff]\x04\x08\x01/;
const archiveBeginningLength = 10;

function customHeader(head: Buffer, name: string): ArchiveHeader {
  const header = archiveHeader(head);
  if (header?.kind === 'custom') return header;
  if (header?.kind === 'directory' || header?.kind === 'tar') {
    throw unusable(
      name,
      'is only the list of contents of a dump in directory format: the data is not in it',
      'Name the folder that it is from, with all of its files.',
    );
  }
  throw unusable(
    name,
    'begins like an archive of pg_dump, but is cut short or was changed on its way (a redirect or a transfer in text mode does that)',
  );
}

async function tarHeader(source: AsyncIterable<Buffer>, name: string): Promise<ArchiveHeader> {
  const { members, isComplete } = await readTar(source);
  const [first] = members;
  const header = first?.name === 'toc.dat' ? archiveHeader(first.head) : undefined;
  if (header?.kind === 'tar') {
    if (isComplete) return header;
    throw unusable(name, `is a dump in tar format that is cut short, after ${members.length} of its files`);
  }
  const names = members.map((member) => member.name);
  if (names.some((it) => basename(it) === 'toc.dat')) {
    const unpacked = 'tar --extract --file FILE --directory FOLDER';
    throw unusable(
      name,
      'is a tar file of a dump in directory format',
      `Unpack it, and name the folder that has toc.dat: ${unpacked}.`,
    );
  }
  if (names.some((it) => /(^|\/)(PG_VERSION|backup_label|global\/pg_control)$/.test(it))) throw physical(name);
  throw unusable(
    name,
    `is a tar file, but no dump: it has ${names.slice(0, 3).join(', ')}${names.length > 3 ? `, … (${names.length} files)` : ''}`,
    'Unpack it, and name the backup that is in it.',
  );
}

function physical(name: string): Error {
  return unusable(
    name,
    'is a copy of a server’s data files (pg_basebackup), not a dump: only a whole server of the same version can start with it',
    'Start a server with it elsewhere, and take a dump of that: pg_dump --format=custom.',
  );
}

function checkText(head: Buffer, text: string, { encoding }: TextForm, name: string): void {
  if (text.startsWith('PGDMP')) {
    throw unusable(
      name,
      `is a dump in custom format that was written as text (${encoding.toUpperCase()}), as PowerShell’s > does: that has destroyed it`,
      'Take it again with pg_dump --format=custom --file=FILE, without a redirect.',
    );
  }
  const found = foreignTo(head, text);
  if (found) throw unusable(name, found.what, found.fix);
  const [isHeaded] = /^-- PostgreSQL database (cluster )?dump\s*$/m.exec(text) ?? [];
  if (isHeaded !== undefined) return;
  if (text.trim() === '') throw unusable(name, 'is empty: it has nothing but blank space in it');
  if (/\0/.test(text) || looksBinary(text))
    throw unusable(name, 'is not a dump at all: neither text nor an archive of pg_dump');
  if (/^(COPY .* FROM stdin;|INSERT INTO |CREATE TABLE |SELECT pg_catalog\.|SET \w+ =)/m.test(text)) {
    throw unusable(
      name,
      'is SQL, but its first lines are not those of pg_dump or pg_dumpall: whether it is complete cannot be known',
      'Choose the file as pg_dump has written it, with its comments; or load it into a database by hand, and take a dump of that.',
    );
  }
  throw unusable(name, 'is not a dump at all: it is a text of something else');
}

function looksBinary(text: string): boolean {
  const start = text.slice(0, 4096);
  const odd = start.match(/[\x00-\x08\x0e-\x1f\x7f\ufffd]/g)?.length ?? 0;
  return odd > start.length / 50;
}

async function recogniseFolder(path: string, name: string, writtenAt: Date): Promise<Backup> {
  const read = <T>(reading: Promise<T>): Promise<T> =>
    reading.catch((error: unknown) => {
      throw unreadable(name, error);
    });
  const names = (await read(readdir(path))).sort();
  if (names.length === 0) throw unusable(name, 'is an empty folder', 'Name the file or the folder of a backup.');
  if (!names.includes('toc.dat')) {
    if (names.includes('PG_VERSION') || names.includes('backup_label') || names.includes('base.tar.gz'))
      throw physical(name);
    const some = names.slice(0, 5).join(', ');
    throw unusable(
      name,
      `is a folder, but no dump in directory format: it has no toc.dat, but ${some}${names.length > 5 ? ', …' : ''}`,
      'Name the one file that is meant.',
    );
  }
  for (const it of names) {
    const isFile = (await read(stat(join(path, it)))).isFile();
    if (!isFile) throw unusable(name, `is a dump in directory format with something in it that is no file: ${it}`);
  }
  const header = archiveHeader(await read(readFile(join(path, 'toc.dat'))));
  // In a folder it says that it is of a tar file: src/bin/pg_dump/pg_backup_directory.c.
  if (header?.kind !== 'directory' && header?.kind !== 'tar')
    throw unusable(name, `is a dump in directory format whose toc.dat is cut short or damaged`);
  if (names.length === 1) {
    throw unusable(
      name,
      'has only the list of contents of a dump in directory format, and no data',
      'Copy the whole folder.',
    );
  }
  const files = names.map((it) => ({ name: it, open: () => readable(join(path, it), join(name, it)) }));
  return { path, name, kind: 'directory', packedWith: [], header, writtenAt, files };
}

async function headOf(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= headLength) break;
  }
  return Buffer.concat(chunks).subarray(0, headLength);
}

async function* readable(path: string, name: string): AsyncIterable<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): Error {
  const isDenied = ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  return unusable(
    name,
    isDenied ? 'may not be read by whoever runs this' : `cannot be read: ${messageOf(error)}`,
    isDenied ? 'Give yourself the right to read it, e.g. chmod u+r.' : 'Make it readable.',
    error,
  );
}
