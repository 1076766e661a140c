import type Docker from 'dockerode';

import { listContainers } from '../docker/inventory';
import { canonical } from '../drift/form';
import type { ReleaseRecord } from '../releases/record';
import type { ReleaseStore } from '../releases/release-store';
import { readCatalogue } from '../schema/read-catalogue';
import type { Catalogue } from '../schema/row';
import type { DatabaseSettings } from '../settings';
import { withAcceptedSchema } from './accepted-schema';
import { DataExchange } from './data-run';
import { same } from './move-data';
import { openServer } from './open-server';
import type { PreparedData } from './prepare-data';
import { settingsOf } from './release-side';

/** What a release's catalogue is read from. */
export interface ReleasedCatalogueOptions {
  readonly docker: Docker;
  readonly store: ReleaseStore;
  readonly key: Buffer;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  readonly database: DatabaseSettings;
  /** What the update does to the data. @default the stack has no migrations */
  readonly data?: PreparedData | undefined;
  /** What {@link changedCatalogue} has read. @default it is read now */
  readonly changed?: Promise<Catalogue | undefined>;
}

/**
 * The catalogue of a schema that an update has just changed, as soon as all services are ready: so that it is read beside
 * the check of the data, and not after it.
 *
 * @returns undefined where the update has left the data alone, or the database cannot be read
 */
export async function changedCatalogue(options: ReleasedCatalogueOptions): Promise<Catalogue | undefined> {
  const { moved, keptAs } = await new DataExchange(options.store).outcome();
  return moved || keptAs !== undefined ? catalogueNow(options).catch(() => undefined) : undefined;
}

async function catalogueNow({ docker, stack, database }: ReleasedCatalogueOptions): Promise<Catalogue> {
  return readCatalogue(await openServer(docker, await listContainers(docker), stack, database));
}

/**
 * Keeps the catalogue of a release's schema. Of an update that has left the data alone it is that of the release before:
 * what somebody has changed by hand since is no part of a release because it was there at the time.
 *
 * @returns the name of the sealed catalogue; undefined where the database cannot be read, which is no reason to fail
 */
export async function releasedCatalogue(options: ReleasedCatalogueOptions): Promise<string | undefined> {
  const { store, key, database, data, changed } = options;
  const newest = await store.newest();
  const before = newest && (await withAcceptedSchema(store, newest));
  if (before?.catalogue !== undefined && (await isLeftAlone(store, before, database, data))) return before.catalogue;
  try {
    const catalogue = (await changed) ?? (await catalogueNow(options));
    return await store.sealPacked(key, JSON.stringify(catalogue));
  } catch {
    return undefined;
  }
}

/**
 * The catalogue that a release has kept; undefined if it has none, or it cannot be opened with the key.
 */
export async function openCatalogue(
  store: ReleaseStore,
  key: Buffer,
  { catalogue: name }: ReleaseRecord,
): Promise<Catalogue | undefined> {
  if (name === undefined) return undefined;
  const text = await store.unsealPacked(key, name);
  const catalogue = text === undefined ? undefined : (JSON.parse(text) as Catalogue);
  return (catalogue?.format as number | undefined) === 1 ? catalogue : undefined;
}

/** Without migrations nobody knows: an application may make its tables when it starts. */
async function isLeftAlone(
  store: ReleaseStore,
  before: ReleaseRecord,
  database: DatabaseSettings,
  data?: PreparedData,
): Promise<boolean> {
  const inside = (it: DatabaseSettings | undefined): string =>
    canonical([it?.service, it?.name, it?.verifier ?? false, it?.roles, it?.databases, it?.extensions]);
  // Roles and extensions that are declared anew are made by the update.
  if (inside(settingsOf(before.config).database) !== inside(database)) return false;
  if (data?.target === undefined || data.target === 'unknown') return false;
  const { moved, keptAs, verified } = await new DataExchange(store).outcome();
  if (moved || keptAs !== undefined || verified !== undefined) return false;
  return same(before.database?.revisions ?? [], data.target.revisions);
}
