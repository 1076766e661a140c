import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { flush } from './tree';

/**
 * Writes a file whole and to disk, or not at all: what is there already stays. Makes its folder.
 *
 * @returns false if there is one already
 */
export async function writeNew(path: string, content: string | Buffer): Promise<boolean> {
  const folder = dirname(path);
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    await flush(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Writes a file in place of the one that is there: at no moment is there half of one. */
export async function replaceFile(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

/** Numbers of the records in a folder, ascending: 3 for `r3.json`. A folder that is not there has none. */
export async function numbersIn(folder: string, letter: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  const pattern = new RegExp(`^${letter}(\\d+)\\.json$`);
  return names.flatMap((name) => Number(pattern.exec(name)?.[1] ?? NaN) || []).sort((a, b) => a - b);
}
