import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

import { isMap, LineCounter, parseDocument } from 'yaml';

/**
 * Where a key of a service stands, as `file:line`: in the last of the files that has it, since later files override.
 * Falls back to the service, then to the first file (a key can also come from `extends` or `include`).
 */
export function locate(files: readonly string[], service: string, key: string, from = process.cwd()): string {
  return locatePath(files, ['services', service, ...key.split('.')], from);
}

/** Where a key of a compose file stands, by its path: `['networks', 'backend']`. Falls back like {@link locate}. */
export function locatePath(files: readonly string[], path: readonly string[], from = process.cwd()): string {
  for (const wanted of [path, path.slice(0, 3), path.slice(0, 2)]) {
    for (const file of [...files].reverse()) {
      const line = lineOf(file, wanted);
      if (line !== undefined) return `${relative(from, file) || file}:${line}`;
    }
  }
  return files[0] === undefined ? 'the compose file' : relative(from, files[0]);
}

function lineOf(file: string, path: readonly string[]): number | undefined {
  const lines = new LineCounter();
  let node: unknown;
  try {
    node = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, merge: true }).contents;
  } catch {
    return undefined;
  }
  let offset: number | undefined;
  for (const step of path) {
    if (!isMap(node)) return undefined;
    const pair = node.items.find((item) => String((item.key as { value?: unknown }).value) === step);
    if (!pair) return undefined;
    offset = (pair.key as { range?: [number, number, number] }).range?.[0];
    node = pair.value;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
