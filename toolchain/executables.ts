import fs from 'node:fs';
import path from 'node:path';

/** The folders of a PATH in order, without empty entries. */
export function pathEntries(searchPath: string | undefined): string[] {
  return (searchPath ?? '').split(path.delimiter).filter((entry) => entry !== '');
}

/**
 * Finds a program on PATH without starting a process.
 *
 * @param skip - folders not to look in, for instance Rewind's own. @default none
 * @returns its absolute path, not resolved through links: a program finds its companions beside the link
 */
export function findExecutable(
  name: string,
  searchPath: string | undefined,
  skip: (folder: string) => boolean = () => false,
): string | undefined {
  for (const folder of pathEntries(searchPath)) {
    const file = path.resolve(folder, name);
    if (!skip(path.resolve(folder)) && isExecutable(file)) return file;
  }
  return undefined;
}

export function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * What tells cheaply that a file is still the one it was: real path, size and time of change. `-` if there is none.
 */
export function fileIdentity(file: string | undefined): string {
  if (file === undefined) return '-';
  try {
    const real = fs.realpathSync(file);
    const { size, mtimeMs, ino } = fs.statSync(real);
    return `${real} ${ino} ${size} ${mtimeMs}`;
  } catch {
    return '-';
  }
}
