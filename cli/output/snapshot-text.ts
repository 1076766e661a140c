import { isReady } from '../../src/actions/ready-database';
import type { KeptDatabase } from '../../src/actions/restore-database';
import type { RewindError } from '../../src/errors';
import { versionName } from '../../src/postgres/server';
import type { SnapshotManifest } from '../../src/snapshots/manifest';
import type { SnapshotProof } from '../../src/snapshots/proof';
import type { StoredSnapshot } from '../../src/snapshots/snapshot-store';
import { columns, localTime } from './columns';

interface Shown {
  readonly id: string;
  readonly manifest: SnapshotManifest;
  readonly proof?: SnapshotProof;
}

/** A snapshot as others may read it. */
export function manifestJson({ id, manifest, proof }: Shown): object {
  const { takenAt, by, reason, importedFrom, service, database, files, revisions, content, databaseBytes } = manifest;
  return {
    id,
    takenAt,
    by,
    reason,
    importedFrom,
    service,
    database,
    databaseBytes,
    bytes: files.archive.bytes,
    revisions,
    rows: rowsOf(manifest),
    tables: content.tables.map(({ schema, name, rows }) => ({ schema, name, rows })),
    ...(proof && { proof: proofJson(proof) }),
  };
}

/** Whether what it has restored is still there is another question. */
function proofJson({ at, seconds, ok, findings }: SnapshotProof): SnapshotProof {
  return { at, seconds, ok, findings };
}

/**
 * A snapshot in words.
 *
 * @param tables - also how many rows each table has. @default false
 */
export function manifestText({ id, manifest, proof }: Shown, tables = false): string {
  const { takenAt, by, reason, importedFrom, service, database, files, revisions, content, facts } = manifest;
  const rows = [
    ['taken', `${localTime(new Date(takenAt))} by ${by}${reason === undefined ? '' : `: ${reason}`}`],
    ...(importedFrom === undefined ? [] : [['imported from', importedFrom]]),
    ['database', `${database} of ${service}, Postgres ${versionName(facts.version)}`],
    ['revision', revisions.join(', ') || 'none'],
    ['holds', `${rowsOf(manifest)} rows in ${content.tables.length} tables`],
    ['size', size(files.archive.bytes)],
    ['proved', proofText(proof)],
  ];
  const list = content.tables.map(({ schema, name, rows: count }) => [`${schema}.${name}`, `${count} rows`]);
  return [id, columns(rows, '  '), ...(tables && list.length > 0 ? ['', columns(list, '  ')] : [])].join('\n');
}

/** What a server has besides the live database. */
export interface OnServer {
  readonly kept: readonly KeptDatabase[];
  /** Names of databases that proofs have left. */
  readonly ready: readonly string[];
}

/** Snapshots as a table, newest first, and the databases that are kept aside. */
export function snapshotsText(stored: readonly StoredSnapshot[], onServer: OnServer | RewindError): string {
  const { ready } = 'ready' in onServer ? onServer : { ready: [] };
  const rows = stored.toReversed().map((snapshot) => {
    if ('damage' in snapshot) return [snapshot.id, '', '', '', '', `damaged: ${snapshot.damage.message}`];
    const { id, manifest, proof } = snapshot;
    const { takenAt, revisions, files, reason = '' } = manifest;
    const proved = isReady(snapshot, ready) ? 'yes, ready' : proof === undefined ? 'not yet' : proof.ok ? 'yes' : 'NO';
    return [id, localTime(new Date(takenAt)), revisions.join(', '), size(files.archive.bytes), proved, reason];
  });
  const snapshots =
    rows.length === 0
      ? 'There is no snapshot yet. Take one: rewind snapshot create.'
      : columns([['snapshot', 'taken', 'revision', 'size', 'proved', 'why'], ...rows]);
  if (!('ready' in onServer))
    return `${snapshots}\n\nDatabases that are kept aside cannot be listed: ${onServer.message}`;
  const { kept } = onServer;
  if (kept.length === 0) return snapshots;
  const databases = kept.map(({ name, since, bytes }) => [name, localTime(new Date(since)), size(bytes)]);
  return `${snapshots}\n\n${columns([['kept database', 'replaced', 'size'], ...databases])}`;
}

function proofText(proof: SnapshotProof | undefined): string {
  if (proof === undefined) return 'not yet: rewind snapshot verify';
  const when = `${localTime(new Date(proof.at))}, ${proof.seconds.toFixed(1)} s`;
  if (proof.ok) return `restorable (${when})`;
  return `NOT RESTORABLE (${when})\n${proof.findings.map((line) => `    ${line.trim()}`).join('\n')}`;
}

function rowsOf({ content }: SnapshotManifest): number {
  return content.tables.reduce((sum, { rows }) => sum + rows, 0);
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.4 GiB`. */
export function size(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
