import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { importSnapshot, type ImportedSnapshot, type ImportOptions } from '../../src/actions/import-snapshot';
import { isRecoded } from '../../src/backups/encoding';
import { recognise, scriptOf } from '../../src/backups/recognise';
import { filterScript } from '../../src/backups/script-filter';
import { PostgresServer } from '../../src/postgres/server';
import { SnapshotSession } from '../../src/postgres/session';
import { type DatabaseState, readState } from '../../src/postgres/state';
import { SnapshotStore } from '../../src/snapshots/snapshot-store';
import { SoakServer } from '../../soak/snapshots/server';
import { engine } from './docker';
import { makeBackups } from './real-backups';

/** A server with backups of it, and a store to import them into. */
export class ImportPlace {
  readonly machine: SoakServer;
  readonly server: PostgresServer;
  readonly store: SnapshotStore;
  readonly #folder: string;

  private constructor(machine: SoakServer, server: PostgresServer, folder: string) {
    this.machine = machine;
    this.server = server;
    this.store = new SnapshotStore(join(folder, 'store'));
    this.#folder = folder;
  }

  /** @param container - name of the server's container */
  static async make(container: string): Promise<ImportPlace> {
    const folder = await mkdtemp(join(tmpdir(), `${container}-`));
    const machine = await SoakServer.start(container);
    await mkdir(join(folder, 'store', 'snapshots'), { recursive: true });
    await makeBackups(machine, join(folder, 'backups'));
    const docker = await engine();
    const server = await PostgresServer.open(docker, {
      container,
      service: 'db',
      database: 'shop',
      user: machine.user,
    });
    return new ImportPlace(machine, server, folder);
  }

  /** Path of a backup. */
  file(name: string): string {
    return join(this.#folder, 'backups', name);
  }

  bytes(name: string): Promise<Buffer> {
    return readFile(this.file(name));
  }

  text(name: string): Promise<string> {
    return readFile(this.file(name), 'utf8');
  }

  import(name: string, options: Partial<ImportOptions> = {}): Promise<ImportedSnapshot> {
    const database = { server: this.server, snapshots: this.store, versionTable: {} };
    return importSnapshot(database, { stack: 'corpus/dev', path: this.file(name), name, ...options });
  }

  /** A plain dump as it would be restored. */
  async script(name: string): Promise<string> {
    const backup = await recognise(this.file(name));
    const options = {
      database: undefined,
      missingRoles: new Set<string>(),
      owner: 'shop',
      version: this.server.version,
      isRecoded: isRecoded(backup.form!),
    };
    const chunks: Buffer[] = [];
    for await (const chunk of filterScript(scriptOf(backup), options)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  /** What the live database is and holds. */
  live(): Promise<DatabaseState> {
    return SnapshotSession.use(this.server, 'shop', (session) => readState(this.server, session));
  }

  async remove(): Promise<void> {
    await this.machine.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
