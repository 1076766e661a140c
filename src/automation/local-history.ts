import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parse } from 'yaml';

/** An update as the backend keeps it. */
export interface KeptUpdate {
  readonly kind: string;
  readonly result: string;
  readonly message: string;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly endTime: number;
  readonly resourceChanges?: Readonly<Record<string, number>>;
}

/** Files that are read at a time. */
const atOnce = 64;

/**
 * The updates of a stack, newest first, where Pulumi keeps them in files of this machine. To ask pulumi for them starts a
 * process that takes as long as a whole `rewind history` else.
 *
 * Layout: https://github.com/pulumi/pulumi/blob/v3.248.0/pkg/backend/diy/backend.go (getHistory) and store.go
 *
 * @param backend - PULUMI_BACKEND_URL
 * @param newest - only so many; 0: all
 * @returns undefined if the backend is another one, or its files are not as they are known: Pulumi has to be asked then
 */
export async function localHistory(
  backend: string,
  project: string,
  stack: string,
  newest: number,
): Promise<KeptUpdate[] | undefined> {
  const root = folderOf(backend);
  if (root === undefined) return undefined;
  try {
    const meta = parse(await readFile(join(root, '.pulumi', 'meta.yaml'), 'utf8')) as { readonly version?: unknown };
    if (meta.version !== 1) return undefined;
    const folder = join(root, '.pulumi', 'history', project, stack);
    const files = await readdir(folder);
    if (files.some((file) => file.endsWith('.gz'))) return undefined;
    // The name of a file has the time in nanoseconds.
    const names = files
      .filter((file) => file.endsWith('.history.json'))
      .sort()
      .reverse();
    const wanted = newest === 0 ? names : names.slice(0, newest);
    const updates: KeptUpdate[] = [];
    for (let i = 0; i < wanted.length; i += atOnce) {
      const texts = wanted.slice(i, i + atOnce).map((name) => readFile(join(folder, name), 'utf8'));
      updates.push(...(await Promise.all(texts)).map((text) => asUpdate(JSON.parse(text))));
    }
    return updates;
  } catch {
    return undefined; // Pulumi says what is wrong with it
  }
}

function folderOf(backend: string): string | undefined {
  if (!backend.startsWith('file:///')) return undefined;
  return decodeURIComponent(new URL(backend).pathname);
}

function asUpdate(value: unknown): KeptUpdate {
  const { kind, result, message, startTime, endTime } = value as Record<string, unknown>;
  const isKnown =
    [kind, result, message].every((it) => typeof it === 'string') &&
    [startTime, endTime].every((it) => typeof it === 'number');
  if (!isKnown) throw new Error('it is no update as this version of Pulumi writes it');
  return value as KeptUpdate;
}
