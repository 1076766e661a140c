import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { numbersIn, replaceFile, writeNew } from '../../../src/store/write';
import { tempFolder } from '../../support/temp-folder';

let folder: string;

beforeEach(() => {
  folder = tempFolder();
});

test('a new file is written with its folder; one that is there stays, and nothing is left beside it', async () => {
  const path = join(folder, 'new', 'r1.json');
  expect(await writeNew(path, 'first')).toBe(true);
  expect(await writeNew(path, 'second')).toBe(false);
  expect(await readFile(path, 'utf8')).toBe('first');
  expect(await readdir(join(folder, 'new'))).toEqual(['r1.json']);
});

test('of many who write the same new file at a time, one does', async () => {
  const path = join(folder, 'r1.json');
  const wrote = await Promise.all(Array.from({ length: 20 }, (_, at) => writeNew(path, `by ${at}`)));
  expect(wrote.filter(Boolean)).toHaveLength(1);
  expect(await readFile(path, 'utf8')).toBe(`by ${wrote.indexOf(true)}`);
});

test('a file is replaced as a whole', async () => {
  const path = join(folder, 'operation.json');
  await replaceFile(path, 'a long content');
  await replaceFile(path, 'short');
  expect(await readFile(path, 'utf8')).toBe('short');
  expect(await readdir(folder)).toEqual(['operation.json']);
});

test('records are found by their numbers, ascending, and nothing else is taken for one', async () => {
  expect(await numbersIn(join(folder, 'none'), 'r')).toEqual([]);
  for (const name of ['r10.json', 'r9.json', 'o3.json', 'r1.evidence.json', 'r2.json.12.ab', 'rr4.json'])
    await writeFile(join(folder, name), '');
  await mkdir(join(folder, 'r'));
  expect(await numbersIn(folder, 'r')).toEqual([9, 10]);
  expect(await numbersIn(folder, 'o')).toEqual([3]);
});
