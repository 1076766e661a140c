import { readFile, stat } from 'node:fs/promises';

import { createTwoFilesPatch } from 'diff';

import { mask, SecretValues } from '../container/project-secrets';
import type { FileStore } from '../store/files';
import type { Side } from './release-side';

/** How a configuration file changes. */
export interface PlannedFile {
  readonly path: string;
  /** Unified diff; a word where there is no text to compare: `added`, `removed`, `changed`. */
  readonly diff: string;
}

/** The configuration files that two releases have otherwise; secrets in them are masked. */
export async function changedFiles(store: FileStore, before: Side, after: Side): Promise<PlannedFile[]> {
  const sources = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])].sort();
  const sides = [before.compared.secrets, after.compared.secrets];
  const secrets = new SecretValues(
    sides.flatMap((it) => [...it]),
    sides.flatMap((it) => [...it.names]),
  );
  const changed = sources.filter((source) => {
    const [old, now] = [before.files[source], after.files[source]];
    return old?.hash !== now?.hash || old?.permissions !== now?.permissions;
  });
  return Promise.all(
    changed.map(async (source) => {
      const [old, now] = [before.files[source], after.files[source]];
      const path = source.startsWith(`${after.compared.project.directory}/`)
        ? source.slice(after.compared.project.directory.length + 1)
        : source;
      const word = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
      if (old?.secret || now?.secret) return { path, diff: `${word} (secret)` };
      const [oldText, newText] = await Promise.all(
        [old, now].map(async (file) => {
          if (file === undefined) return '';
          const kept = await store.find(source, file.hash, file);
          return kept && textOf(kept.pristine ?? kept.path);
        }),
      );
      if (old?.hash === now?.hash) return { path, diff: `mode ${old?.permissions} → ${now?.permissions}` };
      if (oldText === undefined || newText === undefined) return { path, diff: word };
      const diff = createTwoFilesPatch(path, path, oldText, newText, 'now', 'then');
      return { path, diff: mask(diff.replace(/^(Index: .*\n)?=+\n/, ''), secrets) };
    }),
  );
}

const largestText = 256 * 1024;

/** The text of a file; undefined for a folder, for what is no text, and for what nobody would read. */
async function textOf(path: string): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile() || info.size > largestText) return undefined;
  const text = await readFile(path, 'utf8');
  return text.includes('\0') ? undefined : text;
}
