import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

import { lendImport } from '../toolchain/import-file';
import { cachePlaces } from '../toolchain/places';

const hashBytes = 32;

/**
 * Runs a bundle that lies beside this one, with what V8 has made of it the last time: to compile the command line takes a
 * third of the time in which it starts. https://v8.dev/blog/code-caching. Such code has no import(), which the build
 * turns into require().
 *
 * @param name - of the bundle, without its extension
 */
export function launch(name: string): void {
  const file = join(__dirname, `${name}.js`);
  const kept = new KeptCode(file, name);
  const cachedData = kept.read();
  const script = new Script(wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  // At the end: with what was compiled on the way.
  if (!cachedData || script.cachedDataRejected === true)
    process.on('exit', () => {
      kept.write(script.createCachedData());
    });
  lendImport();
  const run = script.runInThisContext() as (...scope: unknown[]) => void;
  const module = { exports: {} };
  run.call(module.exports, module.exports, createRequire(file), module, file, __dirname);
}

/**
 * The compiled code of a file in the cache, after two hashes: of what it was made from, and of itself, as V8 runs whatever it
 * is given. Where there is no cache, or it cannot be written, the file is compiled each time.
 */
class KeptCode {
  readonly #place: string;
  /** Of the file as it is, and the V8 that compiles it, which checks no more than its own version and the file's length. */
  readonly #identity: Buffer;

  constructor(file: string, name: string) {
    const { size, mtimeMs } = statSync(file);
    this.#place = join(cachePlaces().root, 'code', `${name}-${hash(file).toString('hex', 0, 8)}`);
    this.#identity = hash([file, size, mtimeMs, process.version, process.arch].join('\n'));
  }

  read(): Buffer | undefined {
    try {
      const content = readFileSync(this.#place);
      const code = content.subarray(2 * hashBytes);
      const isIt = content.subarray(0, hashBytes).equals(this.#identity);
      return isIt && content.subarray(hashBytes, 2 * hashBytes).equals(hash(code)) ? code : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all: others may be reading it. */
  write(code: Buffer): void {
    const draft = `${this.#place}.${process.pid}`;
    try {
      mkdirSync(join(cachePlaces().root, 'code'), { mode: 0o700 });
    } catch {
      // It is there, or there is no cache yet, which the set-up makes.
    }
    try {
      writeFileSync(draft, Buffer.concat([this.#identity, hash(code), code]));
      renameSync(draft, this.#place);
    } catch {
      remove(draft);
    }
  }
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Nor could it be written.
  }
}

function hash(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
