import { createGunzip } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';

import { execa } from 'execa';

import { unusable } from './unusable';

type Bytes = AsyncIterable<Buffer>;

interface Compression {
  readonly name: string;
  /** How such a file begins. */
  readonly magic: readonly number[];
  /** What unpacks it; Node.js itself without one. */
  readonly program?: readonly [file: string, ...args: string[]];
  /** Where the program is from, on Debian and Ubuntu. */
  readonly debian?: string;
}

/**
 * Gzip is Node.js's own; the others are unpacked by the programs that have packed them. The libraries for it were tried:
 * fzstd does not notice a changed byte, as it leaves the checksums out, and unbzip2-stream unpacks 1.4 MB/s.
 */
const compressions: readonly Compression[] = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  {
    name: 'Zstandard',
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    program: ['zstd', '--decompress', '--stdout', '--quiet', '--long=31'],
    debian: 'zstd',
  },
  {
    name: 'xz',
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    program: ['xz', '--decompress', '--stdout'],
    debian: 'xz-utils',
  },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], program: ['bzip2', '--decompress', '--stdout'], debian: 'bzip2' },
];

/** How a file is packed, by how it begins: whatever its name is. */
export function compressionOf(head: Buffer): Compression | undefined {
  return compressions.find(({ magic }) => magic.every((byte, index) => head[index] === byte));
}

/**
 * Unpacks while it is read.
 *
 * @param name - of the file, for messages
 * @throws RewindError snapshot/unusable where the packed file is cut short or damaged, or nothing here unpacks it
 */
export function decompress(source: Bytes, { name: kind, program, debian = '' }: Compression, name: string): Bytes {
  return program === undefined ? gunzip(source, name) : throughProgram(source, { kind, program, debian }, name);
}

async function* gunzip(source: Bytes, name: string): Bytes {
  // What fails before it reaches its end reaches the reader of the last stream too.
  const unpacked = pipeline(Readable.from(source, { objectMode: false }), createGunzip(), () => undefined);
  try {
    for await (const chunk of unpacked) yield chunk as Buffer;
  } catch (error) {
    throw broken(name, 'gzip', (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR', error);
  }
}

interface Program {
  readonly kind: string;
  readonly program: readonly [string, ...string[]];
  readonly debian: string;
}

async function* throughProgram(source: Bytes, { kind, program, debian }: Program, name: string): Bytes {
  const [file, ...args] = program;
  const child = execa(file, args, {
    buffer: { stdout: false },
    env: { LC_ALL: 'C' },
    reject: false,
    stdin: 'pipe',
  });
  // One that finds the file damaged reads no more of it: its exit code is what counts.
  pipeline(Readable.from(source, { objectMode: false }), child.stdin, () => undefined);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const { exitCode, stderr, code } = (await child) as { exitCode?: number; stderr: string; code?: string };
    if (code === 'ENOENT') {
      throw unusable(
        name,
        `is packed with ${kind}, and this machine has no program ${file} to unpack it`,
        `Install it (Debian and Ubuntu: apt install ${debian}), or unpack the file where there is one.`,
      );
    }
    if (exitCode !== 0) throw broken(name, kind, /unexpected(ly)?|premature/i.test(stderr), stderr);
  } finally {
    child.kill();
  }
}

function broken(name: string, kind: string, isShort: boolean, cause: unknown): Error {
  const what = isShort ? 'is cut short: the rest of the packed file is missing' : 'is damaged: it cannot be unpacked';
  return unusable(
    name,
    `is packed with ${kind} and ${what}`,
    'Copy it again from where it was made, and compare the sizes; if it is so there too, choose another backup.',
    cause,
  );
}
