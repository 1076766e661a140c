import { deflateRawSync } from 'node:zlib';

import { execa } from 'execa';

/** Packs with a program of that name: `xz`. */
export async function packed(program: string, content: Buffer | string): Promise<Buffer> {
  const { stdout } = await execa(program, ['-c'], { input: Buffer.from(content), encoding: 'buffer' });
  return Buffer.from(stdout);
}

/** As a redirect of Windows PowerShell writes it. */
export function utf16(text: string): Buffer {
  return Buffer.from(`\ufeff${crlf(text)}`, 'utf16le');
}

export function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}

/**
 * The beginning of a file.
 *
 * @param share - below 1 how much of it, else how many bytes are missing
 */
export function cut(whole: Buffer, share: number): Buffer {
  return whole.subarray(0, share < 1 ? Math.floor(whole.length * share) : whole.length - share);
}

/** With one byte changed, after a share of it. */
export function changed(whole: Buffer, share = 0.6): Buffer {
  const copy = Buffer.from(whole);
  const at = Math.floor(copy.length * share);
  copy.writeUInt8(copy.readUInt8(at) ^ 0x55, at);
  return copy;
}

/** A plain dump with something more after its settings. */
export function withMore(dump: string, more: string): string {
  return dump.replace(/(SET row_security = off;\n)/, (line) => `${line}${more}\n`);
}

/** A ZIP archive of one file. */
export function zipped(name: string, content: Buffer): Buffer {
  const body = deflateRawSync(content);
  const header = Buffer.alloc(30);
  header.write('PK\x03\x04', 0, 'latin1');
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(8, 8);
  header.writeUInt32LE(body.length, 18);
  header.writeUInt32LE(content.length, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name), body]);
}

/** What the header of an archive of pg_dump says. */
export interface MadeUpArchive {
  /** 1 custom, 3 tar, 5 directory. @default 1 */
  readonly kind?: number;
  /** `1.n`. @default 14 */
  readonly format?: number;
  /** @default 15.14 */
  readonly server?: string;
  readonly dump?: string;
}

/** The header of an archive, and no content: of versions whose tools are not there. */
export function archiveStart({ kind = 1, format = 14, server = '15.14', dump = server }: MadeUpArchive = {}): Buffer {
  const integer = (value: number): Buffer => Buffer.from([0, value & 255, (value >> 8) & 255, 0, 0]);
  const text = (value: string): Buffer => Buffer.concat([integer(value.length), Buffer.from(value)]);
  const time = [0, 15, 10, 24, 10, 126, 0].map(integer);
  const start = Buffer.from([...Buffer.from('PGDMP'), 1, format, 0, 4, 8, kind]);
  const compression = format >= 15 ? Buffer.from([1]) : integer(1);
  return Buffer.concat([start, compression, ...time, text('shop'), text(server), text(dump), integer(0)]);
}
