import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

import { lendImport } from '../toolchain/import-file';
import { cachePlaces } from '../toolchain/places';

const hashBytes = 32;

/** The bundle of Pulumi's SDK, as the others require it: it is loaded with its kept code, too. */
const sdk = './sdk.js';

/**
 * Runs a bundle that lies beside this one, with what V8 has made of it the last time: to compile the command line takes a
 * third of the time in which it starts. https://v8.dev/blog/code-caching. Such code has no import(), which the build
 * turns into require().
 *
 * @param name - of the bundle, without its extension
 */
export function launch(name: string): void {
  lendImport();
  const [command = ''] = process.argv.slice(2);
  load(name, /^[a-z]+$/.test(command) ? `-${command}` : '');
}

/**
 * Loads a bundle.
 *
 * @param use - what of it is used is compiled, so that each use has code of its own
 * @returns what it exports
 */
function load(name: string, use = ''): unknown {
  const file = join(__dirname, `${name}.js`);
  const kept = new KeptCode(file, `${name}${use}`);
  const cachedData = kept.read();
  const script = new Script(wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  // At the end: with what was compiled on the way. A command that is refused has not got far, or is none at all.
  if (!cachedData || script.cachedDataRejected === true)
    process.on('exit', (code) => {
      if (code !== 1) kept.write(script.createCachedData());
    });
  const run = script.runInThisContext() as (...scope: unknown[]) => void;
  const module = { exports: {} };
  const require = createRequire(file);
  let loaded: unknown;
  const requireKept = (id: string): unknown => (id === sdk ? (loaded ??= load('sdk')) : require(id));
  run.call(module.exports, module.exports, Object.assign(requireKept, require), module, file, __dirname);
  return module.exports;
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
