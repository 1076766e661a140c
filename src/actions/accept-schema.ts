import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';

import type { Finding } from '../drift/finding';
import { messageOf, RewindError } from '../errors';
import { readLiveSchema } from '../postgres/live-schema';
import { parseKey } from '../releases/seal';
import { StackConfig } from '../releases/stack-config';
import { readCatalogue } from '../schema/read-catalogue';
import { SchemaComparison } from '../schema/comparison';
import { schemaRevision } from '../schema/schema-revision';
import { acceptSchema, withAcceptedSchema } from './accepted-schema';
import { whoAmI } from './keep-release';
import { openDatabase } from './open-database';
import { openCatalogue } from './released-catalogue';
import { releaseKey, type StackContext } from './stack-context';

/** What was taken over of a schema. */
export interface SchemaAccepted {
  /** Differences, by their names. */
  readonly names: readonly string[];
  /** Path of the revision of alembic's that does the same to other databases. @default the stack has no migrations */
  readonly revisionFile?: string;
  /** Whether that stands where alembic looks for it. */
  readonly isInPlace: boolean;
}

/**
 * Takes the schema as it is for what it is to be: with the newest release from now on, and where there are migrations,
 * with a new one for every other database.
 *
 * @throws RewindError database/…, drift/not-accepted, store/unusable
 */
export async function acceptSchemaDrift(
  context: StackContext,
  findings: readonly Finding[],
): Promise<SchemaAccepted | undefined> {
  const { releases } = context;
  const newest = await releases.newest();
  const key = parseKey((await releaseKey(context, await StackConfig.read(context.configFile))) ?? '');
  const record = newest && (await withAcceptedSchema(releases, newest));
  const catalogue = record && key && (await openCatalogue(releases, key, record));
  if (!catalogue) return undefined;
  const { server, settings, versionTable } = await openDatabase(context);
  const [live, { fingerprint, revisions }] = await Promise.all([
    readCatalogue(server),
    readLiveSchema(server, record.database?.versionTable ?? versionTable),
  ]);
  const comparison = new SchemaComparison(catalogue, live, server.database);
  const wanted = comparison.differences().filter(({ name }) => findings.some(({ id }) => id === `database/${name}`));
  if (wanted.length === 0) return undefined;
  const keys = new Set(wanted.flatMap((it) => it.keys));
  const names = wanted.map(({ name }) => name);
  let written: { readonly path: string; readonly isInPlace: boolean } | undefined;
  if (settings.alembic) {
    const id = randomBytes(6).toString('hex');
    const telling = wanted.find(({ isThere }) => isThere !== undefined);
    const source = schemaRevision({
      id,
      after: [...revisions].sort()[0] ?? null,
      message: `take over what was changed by hand: ${names.join(', ')}`,
      createdAt: new Date(),
      forth: comparison.wayForth(keys),
      back: comparison.wayBack(keys),
      ...(telling && { isThere: `SELECT ${telling.isThere!}` }),
    });
    written = await writeRevision(context.directory, `${id}_taken_over.py`, source);
  }
  const sealed = await releases.sealPacked(key, JSON.stringify(comparison.accepted(keys)));
  await acceptSchema(releases, {
    release: record.number,
    catalogue: sealed,
    // Of a schema of which only a part was taken over there is no fingerprint: the release's holds until all of it was.
    schema: wanted.length === comparison.differences().length ? fingerprint : (record.database?.schema ?? fingerprint),
    at: new Date().toISOString(),
    by: whoAmI(),
  }).catch((error: unknown) => {
    throw releases.unusable('cannot be written', error);
  });
  return { names, isInPlace: written?.isInPlace ?? false, ...(written && { revisionFile: written.path }) };
}

/** Writes a revision where the others are, or else into the project's folder. */
async function writeRevision(
  directory: string,
  name: string,
  source: string,
): Promise<{ readonly path: string; readonly isInPlace: boolean }> {
  const folder = await versionsFolder(directory);
  const path = join(folder ?? directory, name);
  await writeFile(path, source, { flag: 'wx' }).catch((error: unknown) => {
    throw new RewindError({
      code: 'drift/not-accepted',
      message: `The revision ${path} cannot be written: ${messageOf(error)}`,
      fix: 'Make the folder writable, then run this again.',
      cause: error,
    });
  });
  return { path, isInPlace: folder !== undefined };
}

const deepest = 4;

/** The folder of revisions that the only alembic.ini of a project names; undefined if there is none, or more than one. */
async function versionsFolder(directory: string): Promise<string | undefined> {
  const files = await iniFiles(directory, deepest);
  const [file] = files;
  if (file === undefined || files.length > 1) return undefined;
  const text = await readFile(file, 'utf8');
  const location = /^\s*script_location\s*=\s*(.+?)\s*$/m.exec(text)?.[1]?.replace(/^%\(here\)s\/?/, '');
  if (location === undefined) return undefined;
  // An absolute one is that of the image; beside the file it is mostly called the same.
  const folder = join(dirname(file), isAbsolute(location) ? basename(location) : location, 'versions');
  return readdir(folder).then(
    () => folder,
    () => undefined,
  );
}

async function iniFiles(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isFile()) return entry.name === 'alembic.ini' ? [join(folder, entry.name)] : [];
      const isSearched = entry.isDirectory() && depth > 0 && !/^(\.|node_modules$)/.test(entry.name);
      return isSearched ? iniFiles(join(folder, entry.name), depth - 1) : [];
    }),
  );
  return found.flat();
}
