/** Something that is no dump of Postgres, or no longer one. */
interface Foreign {
  /** How it is known: its first bytes as latin1, or its text. */
  readonly is: RegExp;
  /** The rest of a sentence that begins with the file's name. */
  readonly what: string;
  /** @default it has to be taken again */
  readonly fix?: string;
}

const unpack = 'Unpack it, and name the backup that is in it.';

const foreign: readonly Foreign[] = [
  { is: /^PK\x03\x04/, what: 'is a ZIP archive', fix: unpack },
  { is: /^7z\xbc\xaf\x27\x1c/, what: 'is a 7-Zip archive', fix: unpack },
  { is: /^Rar!/, what: 'is a RAR archive', fix: unpack },
  { is: /^\x04\x22\x4d\x18/, what: 'is packed with LZ4', fix: unpack },
  { is: /^SQLite format 3\0/, what: 'is a database of SQLite, not of Postgres' },
  {
    is: /^(-----BEGIN PGP MESSAGE|age-encryption\.org|Salted__|-----BEGIN AGE)/,
    what: 'is encrypted',
    fix: 'Decrypt it first.',
  },
  {
    is: /^%PDF|^\x89PNG|^\xff\xd8\xff|^GIF8|^\x7fELF|^MZ[\s\S]{2}\0/,
    what: 'is not a dump at all, but a document, an image or a program',
  },
  {
    is: /^version https:\/\/git-lfs/,
    what: 'is only a pointer of Git LFS to the file',
    fix: 'Get the file itself: git lfs pull.',
  },
  {
    is: /^\s*(<!DOCTYPE html|<html)/i,
    what: 'is a web page: what a server answered instead of the file',
    fix: 'Download it again, logged in where that is needed.',
  },
  {
    is: /^\s*<\?xml|^\s*<Error>/,
    what: 'is XML: what a server answered instead of the file',
    fix: 'Download it again, with the access that is needed.',
  },
  {
    is: /^\s*[{[]\s*["{]/,
    what: 'is JSON, not a dump',
    fix: 'Download the backup itself; this is what a server answered or another tool has written.',
  },
  {
    is: /^(\/\*!|(-- )?(MySQL|MariaDB) dump|-- phpMyAdmin|\/\*M!)/i,
    what: 'is a dump of MySQL or MariaDB, not of Postgres',
    fix: 'Choose a dump of pg_dump; pgloader converts between the two.',
  },
  { is: /^\s*PRAGMA foreign_keys/i, what: 'is a dump of SQLite, not of Postgres', fix: 'Choose a dump of pg_dump.' },
  {
    is: /^\0+$/,
    what: 'has nothing but zero bytes in it: its content never reached the disk',
    fix: 'Choose another backup; this one is lost.',
  },
];

/** First lines of what programs say when they fail. */
const messages =
  /^(?:[\w/.-]*(?:pg_dump|pg_dumpall|pg_restore|psql|docker(?:-compose)?|bash|sh|zsh|kubectl|ssh|sudo|podman)(?:\.exe)?\s*:|Error response from daemon|Error: |error: |the input device is not a TTY|OCI runtime exec failed|Cannot connect to the Docker daemon|error during connect|Error from server|no configuration file provided|time="[^"]*" level=|The term '|Usage:|Password:|Permission denied|no such service|service ".*" is not running|Unable to find|fatal:|FATAL:|ERROR:)/i;

/**
 * What a file is that is no dump.
 *
 * @param head - its first bytes
 * @param text - the same as text
 */
export function foreignTo(head: Buffer, text: string): { readonly what: string; readonly fix?: string } | undefined {
  const bytes = head.toString('latin1');
  const found = foreign.find(({ is }) => is.test(bytes) || is.test(text));
  if (found) return { what: found.what, ...(found.fix !== undefined && { fix: found.fix }) };
  const [line = ''] = text.trimStart().split(/\r?\n/, 1);
  if (!messages.test(line) || /PostgreSQL database (cluster )?dump/.test(text)) return undefined;
  return {
    what: `holds an error message instead of a dump: ${line.slice(0, 200)}`,
    fix: 'Mend what the message names, then take the backup again; a dump that fails leaves such a file behind.',
  };
}
