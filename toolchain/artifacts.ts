import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder that appears whole or not at all: it is filled under another name and renamed at the end, so that an
 * interrupted set-up leaves nothing half-done behind. Does nothing if the folder is there already.
 *
 * @param folder - the folder to make; its name says everything that decides its content
 * @param fill - puts the content into the folder that it is given
 */
export async function makeFolder(folder: string, fill: (draft: string) => Promise<void> | void): Promise<void> {
  if (fs.existsSync(folder)) return;
  const draft = path.join(path.dirname(folder), `${draftPrefix}${path.basename(folder)}-${process.pid}`);
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true });
  try {
    await fill(draft);
    fs.renameSync(draft, folder);
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

const draftPrefix = '.draft-';

/** Removes what interrupted set-ups left behind. To be called while holding the lock. */
export function removeDrafts(parent: string): void {
  if (!fs.existsSync(parent)) return;
  for (const name of fs.readdirSync(parent)) {
    if (name.startsWith(draftPrefix)) fs.rmSync(path.join(parent, name), { recursive: true, force: true });
  }
}

/** Puts a file under a further name: a hard link, or a copy where the file system has none. Replaces what is there. */
export function linkFile(from: string, to: string): void {
  const draft = `${to}.${process.pid}.link`;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.rmSync(draft, { force: true });
  try {
    fs.linkSync(from, draft);
  } catch {
    fs.copyFileSync(from, draft);
  }
  fs.renameSync(draft, to);
  // Renaming one hard link of a file over another does nothing, and leaves both.
  fs.rmSync(draft, { force: true });
}

/** A short key of texts: 16 hexadecimal digits. */
export function keyOf(...texts: string[]): string {
  const hash = crypto.createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest('hex').slice(0, 16);
}
