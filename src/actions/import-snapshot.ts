import { Readable } from 'node:stream';

import { isRecoded } from '../backups/encoding';
import { checkArchive, examine, type ExamineOptions } from '../backups/examine';
import { timeInName } from '../backups/name-time';
import { type Backup, recognise, scriptOf } from '../backups/recognise';
import { readScript, type ScriptFacts, type SectionFacts } from '../backups/script-facts';
import { filterScript, type FilterOptions } from '../backups/script-filter';
import { firstError, refusal } from '../backups/refusal';
import { unusable } from '../backups/unusable';
import { type ImportDatabase, loadInto, readArchive, withImportDatabase } from '../postgres/import';
import { staged } from '../postgres/restore';
import { checkRoom } from '../postgres/room';
import { importSuffix, removeAbandoned } from '../postgres/scratch';
import type { PostgresServer } from '../postgres/server';
import { derivedName } from '../postgres/sql';
import { timeName } from '../snapshots/id';
import type { SnapshotManifest } from '../snapshots/manifest';
import type { SnapshotProof } from '../snapshots/proof';
import type { StackDatabase } from './open-database';
import { proveSnapshot } from './restore-database';
import { takeSnapshot } from './take-snapshot';

/** What is imported. */
export interface ImportOptions {
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** Absolute path of the backup. */
  readonly path: string;
  /** As its user has named it. */
  readonly name: string;
  readonly reason?: string;
  /** The moment that it shows. @default as its name says, else as it says itself, else when the file was written */
  readonly takenAt?: Date;
  /** Which database of a dump of several. @default the stack's, or the only one */
  readonly database?: string;
  /** As {@link ProofSource.readyUpTo}. */
  readonly readyUpTo?: number | undefined;
  /** Hears of what has been done. */
  readonly onStep?: (text: string) => void;
  /** Asks to stop; nothing is left behind then. @default never */
  readonly signal?: AbortSignal;
}

/** Where it is imported. */
export type ImportTarget = Pick<StackDatabase, 'server' | 'snapshots' | 'versionTable'>;

/** A backup that is a snapshot now. */
export interface ImportedSnapshot {
  readonly manifest: SnapshotManifest;
  readonly proof: SnapshotProof;
  readonly kind: Backup['kind'];
  readonly packedWith: readonly string[];
  /** Where its time is from. */
  readonly timeFrom: 'option' | 'name' | 'backup' | 'file';
  /** Roles that it names and the server does not have: what belonged to them belongs to `owner`. */
  readonly missingRoles: readonly string[];
  readonly owner: string;
  /** What else there is to know, as sentences. */
  readonly notes: readonly string[];
}

/**
 * Makes a snapshot of a backup: restores it into a scratch database on the stack's own server, takes a snapshot of that,
 * proves it, and removes the scratch database. The live database is not touched.
 *
 * @throws RewindError snapshot/unusable, database/…, store/unusable; nothing is left behind then
 */
export async function importSnapshot(database: ImportTarget, options: ImportOptions): Promise<ImportedSnapshot> {
  const { server } = database;
  const { name, onStep = () => undefined } = options;
  const backup = await recognise(options.path, name);
  const against = {
    name,
    version: server.version,
    database: server.database,
    ...(options.database !== undefined && { wanted: options.database }),
  };
  if (backup.header) checkArchive(backup.header, against);
  onStep(`found ${describe(backup)}`);
  const work = new Import(database, backup, options, against);
  // A script is known to its end before anything is made; only the server's own tools read an archive.
  const known = backup.kind === 'plain' ? await work.examine(await readScript(work.script())) : undefined;
  await server.checkWritable();
  await removeAbandoned(server);
  const scratch = derivedName(server.database, `${importSuffix}${timeName(new Date())}`);
  return withImportDatabase(server, scratch, (target) =>
    known ? work.restore(target, known) : work.withArchive(target, (known) => work.restore(target, known)),
  );
}

/** A backup that was read to its end. */
interface Known {
  readonly facts: ScriptFacts;
  /** The part of it that is wanted. */
  readonly section: SectionFacts;
  readonly missingRoles: readonly string[];
  readonly missingTablespaces: readonly string[];
  /** Its path in the server's container. @default it is a script */
  readonly archive?: string;
}

class Import {
  readonly #database: ImportTarget;
  readonly #backup: Backup;
  readonly #options: ImportOptions;
  readonly #against: ExamineOptions;

  constructor(database: ImportTarget, backup: Backup, options: ImportOptions, against: ExamineOptions) {
    this.#database = database;
    this.#backup = backup;
    this.#options = options;
    this.#against = against;
  }

  get #server(): PostgresServer {
    return this.#database.server;
  }

  get #stop(): { readonly signal?: AbortSignal } {
    return this.#options.signal ? { signal: this.#options.signal } : {};
  }

  #say(text: string): void {
    this.#options.onStep?.(text);
  }

  /** The text of a plain dump. */
  async *script(): AsyncGenerator<string> {
    for await (const text of scriptOf(this.#backup)) {
      this.#options.signal?.throwIfAborted();
      yield text;
    }
  }

  async examine(facts: ScriptFacts): Promise<Known> {
    const section = examine(facts, this.#against);
    this.#say(`read it to its end: ${section.rows} rows in ${section.tables} tables`);
    const there = await namesOn(this.#server);
    const missing = (names: ReadonlySet<string>, those: ReadonlySet<string>): string[] =>
      [...names].filter((name) => !those.has(name)).sort();
    await checkRoom(this.#server, facts.size * 2, `Restoring ${this.#options.name}`);
    return {
      facts,
      section,
      missingRoles: missing(section.roles, there.roles),
      missingTablespaces: missing(section.tablespaces, there.tablespaces),
    };
  }

  /** Puts an archive where the server's tools can read it, and has them read it to its end. */
  withArchive<T>({ name }: ImportDatabase, use: (known: Known) => Promise<T>): Promise<T> {
    const { kind, files, name: path } = this.#backup;
    const parts = files.map((file) => ({
      name: file.name,
      open: () => Readable.from(file.open(), { objectMode: false }),
    }));
    const archive = kind === 'directory' ? parts : parts[0]!.open;
    return staged(this.#server, { name, archive, ...this.#stop }, async (file) => {
      const { result, value } = await readArchive(this.#server, file, readScript, this.#options.signal);
      if (result.exitCode !== 0) {
        throw unusable(
          path,
          `is a dump in ${kind} format that is cut short or damaged: ${firstError(result.stderr)}`,
          'Copy it again from where it was made, and compare the sizes; if it is so there too, choose another backup.',
        );
      }
      return use({ ...(await this.examine(value)), archive: file });
    });
  }

  /** Restores it into a database, and makes a snapshot of that. */
  async restore(target: ImportDatabase, known: Known): Promise<ImportedSnapshot> {
    const { server, snapshots: store, versionTable } = this.#database;
    const { readyUpTo, stack, path, reason } = this.#options;
    const { facts, section, missingRoles } = known;
    const { header, kind, packedWith } = this.#backup;
    await this.#load(target, known);
    this.#say('restored it into a scratch database');
    const [takenAt, timeFrom] = timeOf(this.#backup, facts, this.#options);
    const manifest = await takeSnapshot({
      ...this.#stop,
      server,
      store,
      stack,
      database: target.name,
      databaseName: section.database ?? (header?.database || server.database),
      versionTable,
      importedFrom: path,
      takenAt,
      ...(reason !== undefined && { reason }),
    });
    const proof = await proveSnapshot({ server, store, manifest, versionTable, readyUpTo, ...this.#stop }).catch(
      async (error: unknown) => {
        await store.remove(manifest.id).catch(() => undefined);
        throw error;
      },
    );
    const notes = notesOf(this.#backup, known);
    return { manifest, proof, kind, packedWith, timeFrom, missingRoles, owner: target.owner, notes };
  }

  async #load(target: ImportDatabase, { section, missingRoles, missingTablespaces, archive }: Known): Promise<void> {
    const server = this.#server;
    const { makesPublic } = section;
    const { kind, name, form } = this.#backup;
    const filter: FilterOptions = {
      database: section.database,
      missingRoles: new Set(missingRoles),
      missingTablespaces: new Set(missingTablespaces),
      owner: target.owner,
      allToOwner: !section.hasOwners,
      version: server.version,
      isRecoded: form !== undefined && isRecoded(form),
    };
    const load = async (from: Parameters<typeof loadInto>[2]['from']): Promise<void> => {
      const result = await loadInto(server, target, { from, makesPublic, ...this.#stop });
      if (result.exitCode !== 0) throw refusal(server, name, result);
    };
    if (archive === undefined) await load({ script: filterScript(this.script(), filter) });
    else if (missingRoles.length === 0 && missingTablespaces.length === 0) {
      await load({ archive, inParallel: kind !== 'tar' });
    } else {
      // pg_restore can leave out all owners and rights, or none; as a script it can be those that cannot be kept.
      const asScript = (script: AsyncIterable<string>): Promise<void> => load({ script: filterScript(script, filter) });
      const { result } = await readArchive(server, archive, asScript, this.#options.signal);
      if (result.exitCode !== 0) throw refusal(server, name, result);
    }
  }
}

interface ServerNames {
  readonly roles: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
}

async function namesOn(server: PostgresServer): Promise<ServerNames> {
  const rows = await server.query<{ name: string; isRole: boolean }>(
    `SELECT rolname AS name, true AS "isRole" FROM pg_roles UNION ALL SELECT spcname, false FROM pg_tablespace`,
    server.maintenance,
  );
  const names = (isRole: boolean): Set<string> =>
    new Set(rows.filter((row) => row.isRole === isRole).map(({ name }) => name));
  return { roles: names(true), tablespaces: names(false) };
}

function timeOf(backup: Backup, facts: ScriptFacts, options: ImportOptions): [Date, ImportedSnapshot['timeFrom']] {
  if (options.takenAt) return [options.takenAt, 'option'];
  const named = timeInName(backup.path);
  if (named) return [named, 'name'];
  const said = backup.header?.madeAt ?? timeSaid(facts.startedOn);
  return said ? [said, 'backup'] : [backup.writtenAt, 'file'];
}

/** `2026-11-24 10:15:00 UTC`; other zones have names that nobody can be sure of, and are taken for this machine's. */
function timeSaid(text: string | undefined): Date | undefined {
  const [, day, time, zone] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?: (\S+))?/.exec(text ?? '') ?? [];
  if (day === undefined) return undefined;
  const said = new Date(`${day}T${time}${zone === 'UTC' || zone === 'GMT' ? 'Z' : ''}`);
  return Number.isNaN(said.getTime()) || said > new Date() ? undefined : said;
}

function describe({ kind, packedWith, form }: Backup): string {
  const written = form && isRecoded(form) ? `, written as ${form.encoding.toUpperCase()}` : '';
  const packed = packedWith.length === 0 ? '' : `, packed with ${packedWith.join(' and ')}`;
  return `a dump in ${kind} format${packed}${written}`;
}

function notesOf({ form }: Backup, { facts, section, missingTablespaces }: Known): string[] {
  const others = facts.sections.filter((it) => it !== section && it.database !== undefined && it.tables > 0);
  return [
    ...(form && isRecoded(form)
      ? [
          'It went through a redirect of PowerShell, which can change letters beyond ASCII: look at some before you rely on it.',
        ]
      : []),
    ...(missingTablespaces.length > 0
      ? [`This server has no tablespace ${missingTablespaces.join(', ')}: what lay in it lies with the rest.`]
      : []),
    ...(others.length > 0 ? [`Not imported: ${others.map((it) => it.database).join(', ')} (--database).`] : []),
  ];
}
