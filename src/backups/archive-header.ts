/** What the first bytes of an archive of pg_dump say. */
export interface ArchiveHeader {
  readonly kind: 'custom' | 'tar' | 'directory' | 'unknown';
  /** `1.14`. */
  readonly format: string;
  /** When it was made, in the time zone of where that was. Undefined if it makes no sense. */
  readonly madeAt: Date | undefined;
  readonly database: string;
  /** `15.14 (Debian 15.14-0+deb12u1)`. */
  readonly serverVersion: string;
  readonly dumpVersion: string;
}

const kinds: Readonly<Record<number, ArchiveHeader['kind']>> = { 1: 'custom', 3: 'tar', 5: 'directory' };

/** Versions of the format in which its header has changed: src/bin/pg_dump/pg_backup_archiver.h of Postgres. */
const withVersions = 110;
const withAlgorithm = 115;

/**
 * Reads the header of an archive; undefined where there is none, or not all of it.
 *
 * @param head - its first bytes
 */
export function archiveHeader(head: Buffer): ArchiveHeader | undefined {
  if (head.subarray(0, 5).toString('latin1') !== 'PGDMP') return undefined;
  try {
    return readHeader(head);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readHeader(head: Buffer): ArchiveHeader {
  const version = head.readUInt8(5) * 100 + head.readUInt8(6);
  const format = `${head.readUInt8(5)}.${head.readUInt8(6)}`;
  const intSize = head.readUInt8(8);
  const kind = kinds[head.readUInt8(10)] ?? 'unknown';
  let at = 11;
  const integer = (): number => {
    const sign = head.readUInt8(at) === 0 ? 1 : -1;
    const value = head.readUIntLE(at + 1, Math.min(intSize, 6));
    at += 1 + intSize;
    return sign * value;
  };
  const text = (): string => {
    const length = integer();
    if (length <= 0) return '';
    if (at + length > head.length) throw new RangeError('cut short');
    at += length;
    return head.subarray(at - length, at).toString('utf8');
  };
  if (version >= withAlgorithm) at += 1;
  else integer();
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = Array.from({ length: 7 }, integer);
  const madeAt = new Date(year + 1900, month, day, hour, minute, second);
  const database = text();
  const [serverVersion, dumpVersion] = version >= withVersions ? [text(), text()] : ['', ''];
  const isTime = day > 0 && year > 90 && madeAt <= new Date();
  return { kind, format, madeAt: isTime ? madeAt : undefined, database, serverVersion, dumpVersion };
}
