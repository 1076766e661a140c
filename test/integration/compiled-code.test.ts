import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { run } from '../../src/process';

let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'rewind-code-'));
});

afterEach(async () => {
  await rm(cache, { recursive: true, force: true });
});

const version = async (): Promise<string> => {
  const env = { REWIND_CACHE: cache };
  const { stdout, stderr } = await run([process.execPath, resolve('dist', 'cli.js'), '--version'], { env });
  expect(stderr).toBe('');
  return stdout;
};

test('what was compiled is kept, and used by the next process', async () => {
  expect(await version()).toBe('0.1.0');
  const [file, ...more] = await readdir(join(cache, 'code'));
  expect(more).toEqual([]);
  const before = await readFile(join(cache, 'code', file!));
  expect(await version()).toBe('0.1.0');
  expect((await readFile(join(cache, 'code', file!))).equals(before)).toBe(true);
});

test('each command has code of its own, and one that is none has none', async () => {
  const env = { REWIND_CACHE: cache };
  const cli = (...args: string[]) => run([process.execPath, resolve('dist', 'cli.js'), ...args], { env });
  await version();
  expect((await cli('history', '--help')).exitCode).toBe(0);
  expect((await cli('histroy')).exitCode).toBe(1);
  const kept = (await readdir(join(cache, 'code'))).map((name) => name.replace(/[0-9a-f]{16}$/, ''));
  expect(kept.sort()).toEqual(['cli-program-', 'cli-program-history-']);
});

test.each<[string, (content: Buffer) => Buffer]>([
  ['cut short', (content) => content.subarray(0, 1000)],
  ['empty', () => Buffer.alloc(0)],
  ['filled with zeros', (content) => Buffer.alloc(content.length)],
  ['changed in one bit', (content) => content.fill(content[5000]! ^ 1, 5000, 5001)],
  ['of another file', (content) => content.fill(0, 0, 32)],
])('what was kept and is %s is made anew', async (_, damage) => {
  await version();
  const [file] = await readdir(join(cache, 'code'));
  const path = join(cache, 'code', file!);
  const { length } = await readFile(path);
  await writeFile(path, damage(await readFile(path)));
  const damaged = await readFile(path);
  expect(await version()).toBe('0.1.0');
  const mended = await readFile(path);
  expect(mended.equals(damaged)).toBe(false);
  expect(Math.abs(mended.length - length)).toBeLessThan(length / 10);
});

test('without a cache, or with one that cannot be written, it runs as it is', async () => {
  await writeFile(join(cache, 'code'), 'no folder');
  expect(await version()).toBe('0.1.0');
  await rm(cache, { recursive: true });
  expect(await version()).toBe('0.1.0');
  expect(existsSync(cache)).toBe(false);
});

test('a program imports files late, compiled now or before', async () => {
  const options = { bundle: true, platform: 'node', format: 'cjs' } as const;
  const launch = `require(${JSON.stringify(resolve('cli', 'launch'))}).launch('late');`;
  await build({
    ...options,
    stdin: { contents: launch, resolveDir: cache },
    outfile: join(cache, 'start.js'),
  });
  const late = `
    const { importFile } = require(${JSON.stringify(resolve('toolchain', 'import-file'))});
    setTimeout(async () => {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const [{ basename }, { word }] = await Promise.all([import('node:path'), importFile('./other.mjs')]);
      process.stdout.write(basename('/a/' + word));
    }, 50);`;
  await build({
    ...options,
    stdin: { contents: late, resolveDir: cache },
    outfile: join(cache, 'late.js'),
    supported: { 'dynamic-import': false },
  });
  await writeFile(join(cache, 'other.mjs'), `export const word = 'imported';`);
  const env = { REWIND_CACHE: cache };
  for (let time = 0; time < 2; time++) {
    const { stdout, stderr } = await run([process.execPath, '--expose-gc', join(cache, 'start.js')], { env });
    expect({ stdout, stderr }).toEqual({ stdout: 'imported', stderr: '' });
    expect(await readdir(join(cache, 'code'))).toHaveLength(1);
  }
});

test('the programs that are launched have no import() of their own', async () => {
  for (const name of ['cli-program', 'op-program']) {
    const text = await readFile(resolve('dist', `${name}.js`), 'utf8');
    expect(text.match(/(?<![\w.$])import\(/g) ?? []).toEqual([]);
  }
  // Of Pulumi's SDK: part of a message, and the name of a method.
  const sdk = await readFile(resolve('dist', 'sdk.js'), 'utf8');
  expect(sdk.match(/\w+ (?<![\w.$])import\(|(?<![\w.$ ])import\(/g)).toEqual(['using import(', 'async import(']);
});
