import { hostname, userInfo } from 'node:os';

import type { PreparedStack } from './prepare-stack';
import { keepImages, releaseImages } from '../docker/kept-images';
import type { ReleasedDatabase, ReleaseRecord, ReleasedService } from '../releases/record';
import type { ReleaseStore } from '../releases/release-store';
import { knownFiles, type SealedRelease } from '../releases/sealed';
import { fingerprint } from '../releases/seal';
import type { ConfigSection, StackConfig } from '../releases/stack-config';
import { revealing } from '../sensitive';

/** Why a release came about. */
export interface ReleaseReason {
  readonly kind: ReleaseRecord['kind'];
  readonly message?: string;
  /** The release that is brought back. */
  readonly revertOf?: number;
  /** Whether it puts back what ran before an update that has failed. @default false */
  readonly isPutBack?: boolean;
}

/** What a release record is made of. */
export interface KeepReleaseOptions {
  readonly prepared: PreparedStack;
  readonly store: ReleaseStore;
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  readonly key: Buffer;
  /** How many releases keep their images. */
  readonly retain: number;
  /** The stack configuration as its file has it. */
  readonly configuration: StackConfig;
  /** The values of its secret keys. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  readonly reason: ReleaseReason;
  readonly startedAt: Date;
}

/** The release that an update will have made. */
export interface PendingRelease {
  /**
   * Writes down what runs now that all services are ready, and keeps its images.
   *
   * @param database - where that stands. @default there is none that Rewind looks after
   * @param catalogue - gives the name of the sealed catalogue of its schema. @default likewise
   * @returns the record of the release that runs
   * @throws RewindError store/unusable, docker/failed
   */
  readonly keep: (database?: ReleasedDatabase, catalogue?: () => Promise<string | undefined>) => Promise<ReleaseRecord>;
  /** After that: lets go of the images of releases that are not kept any more. */
  readonly letGo: () => Promise<void>;
  /** The update has failed: nothing is written down. */
  readonly abandon: () => Promise<void>;
}

/**
 * Makes sure, before anything is changed, that the release can be written down afterwards. An update that leaves
 * everything as it was is no new release.
 *
 * @throws RewindError store/unusable
 */
export async function expectRelease(options: KeepReleaseOptions): Promise<PendingRelease> {
  const { prepared, store, key, secrets, directory } = options;
  const planned = fingerprintOf(prepared, key);
  const newest = await store.newest();
  if (newest?.fingerprint === planned) {
    const nothing = (): Promise<void> => Promise.resolve();
    return { keep: () => Promise.resolve(newest), letGo: nothing, abandon: nothing };
  }
  const content: SealedRelease = {
    secrets,
    directory,
    project: prepared.source,
    files: knownFiles(prepared.files.kept),
  };
  const sealed = JSON.stringify(content);
  await store.reserve(Buffer.byteLength(sealed));
  return {
    abandon: () => store.giveBack(),
    keep: async (database, catalogue) => {
      await store.giveBack();
      return keepRelease(options, sealed, planned, database, catalogue);
    },
    letGo: async () => {
      const { prepared, stack, retain } = options;
      await releaseImages(prepared.engine.docker, stack, await imagesOfNewest(store, retain));
    },
  };
}

async function keepRelease(
  options: KeepReleaseOptions,
  sealed: string,
  planned: string,
  database: ReleasedDatabase | undefined,
  readCatalogue: (() => Promise<string | undefined>) | undefined,
): Promise<ReleaseRecord> {
  const { prepared, store, stack, key, configuration, reason, startedAt } = options;
  const docker = prepared.engine.docker;
  const images = new Set(prepared.services.flatMap(({ containers }) => containers.flatMap(({ image }) => image ?? [])));
  const [origins, name, catalogue] = await Promise.all([
    keepImages(docker, stack, images),
    store.seal(key, sealed),
    readCatalogue?.(),
  ]);
  const services = prepared.services.flatMap(({ service, reference, containers }): [string, ReleasedService][] => {
    const imageId = containers[0]?.image;
    if (imageId === undefined) return [];
    return [[service, { image: reference, imageId, ...origins.get(imageId), containers: containers.length }]];
  });
  return store.add({
    project: prepared.project.model.name,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    by: whoAmI(),
    kind: reason.kind,
    ...(reason.message !== undefined && { message: reason.message }),
    ...(reason.revertOf !== undefined && { revertOf: reason.revertOf }),
    services: Object.fromEntries(services),
    ...(database && { database }),
    ...(catalogue !== undefined && { catalogue }),
    files: prepared.files.hashes,
    config: withoutKey(configuration.config),
    provider: configuration.provider,
    fingerprint: planned,
    sealed: name,
  });
}

/** The key that opens a release is never part of one. */
function withoutKey(config: ConfigSection): ConfigSection {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'rewind:key'));
}

/** Images that the newest releases need. */
async function imagesOfNewest(store: ReleaseStore, retain: number): Promise<Set<string>> {
  const kept = await store.list(retain);
  return new Set(
    kept.flatMap((it) => ('record' in it ? Object.values(it.record.services).map(({ imageId }) => imageId) : [])),
  );
}

/** Keyed hash of everything that is planned for the engine. */
function fingerprintOf({ services, networks, volumes, data }: PreparedStack, key: Buffer): string {
  const resources = {
    services,
    networks: networks.map((plan) => ({ ...plan, existing: undefined })),
    volumes,
    ...(data && { data: { target: data.target, restore: data.restore } }),
  };
  return fingerprint(key, JSON.stringify(resources, revealing));
}

/** `user@host`. */
export function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.getuid?.() ?? 'unknown'}@${hostname()}`; // a user without an entry in /etc/passwd
  }
}
