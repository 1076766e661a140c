import type { ReleasedService, ReleaseRecord } from './record';
import type { ConfigSection } from './stack-config';

const composeKey = 'rewind:compose';
const imagesKey = 'rewind:images';
const tagsKey = 'rewind:tags';
const databaseKey = 'rewind:database';

/** What is to become of the data with a configuration, where that is not what the configuration says by itself. */
export interface DataChange {
  /** Revisions to stand at; `head` for those of the image. @default what the configuration says */
  readonly revision?: 'head' | readonly string[];
  /** What to bring the data back from. @default nothing that is not done already */
  readonly restore?: Readonly<Record<string, string>>;
  /** Services that stay with the schema, as they run now. @default none */
  readonly staying?: Readonly<Record<string, ReleasedService>>;
}

/** What is no part of a release, but says where and how releases are kept: it stays as it is today. */
const keepingKeys = ['rewind:key', 'rewind:store', 'rewind:retain'];

/** The compose files of a configuration, whether or not a release runs in their place. */
function filesOf(config: ConfigSection): unknown {
  const value = config[composeKey];
  return isRecord(value) ? value['files'] : value;
}

/** Tags of a configuration that hold as long as it runs a release. */
function releaseTagsOf(config: ConfigSection): ConfigSection {
  const value = config[composeKey];
  const tags = isRecord(value) ? value['tags'] : undefined;
  return isRecord(tags) ? tags : {};
}

/** The release that a configuration runs in place of its compose files. */
export function releaseOf(config: ConfigSection): number | undefined {
  const value = config[composeKey];
  const number = isRecord(value) ? Number(value['release']) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/**
 * The configuration that brings a release back: as it was then, but with the kept model in place of the compose files,
 * and with every image by its ID. Where and how releases are kept stays as it is today. The images of services that stay
 * go with the release: the next deploy takes those of the compose files.
 */
export function configOfRelease(record: ReleaseRecord, today: ConfigSection, data: DataChange = {}): ConfigSection {
  const files = filesOf(record.config);
  const stays = stayingIn(record, data.staying);
  const tags = record.config[tagsKey];
  const releaseTags = { ...releaseTagsOf(record.config), ...tagsOf(stays) };
  return withoutUndefined({
    ...without(record.config, keepingKeys),
    ...Object.fromEntries(Object.entries(today).filter(([key]) => keepingKeys.includes(key))),
    [composeKey]: {
      release: record.number,
      ...(files !== undefined && { files }),
      ...(Object.keys(releaseTags).length > 0 && { tags: releaseTags }),
    },
    [tagsKey]: isRecord(tags) ? without(tags, Object.keys(stays)) : tags,
    [imagesKey]: imagesOf({ services: servicesOf(record, data) }),
    [databaseKey]: databaseOf(record.config[databaseKey], today[databaseKey], data),
  });
}

/** Parts of a release that can come back alone. */
export const releaseParts = ['images', 'config', 'database'] as const;
export type ReleasePart = (typeof releaseParts)[number];

/**
 * The configuration that brings one part of a release back and leaves the others as they are: its images under today's
 * configuration, its configuration with today's images, or where its schema stood.
 *
 * @param current - the release that runs
 * @param data - what is to become of the data with it
 */
export function configOfPart(
  part: ReleasePart,
  record: ReleaseRecord,
  current: ReleaseRecord,
  today: ConfigSection,
  data: DataChange,
): ConfigSection {
  const database = databaseOf(today[databaseKey], today[databaseKey], data);
  if (part === 'database') return withoutUndefined({ ...today, [databaseKey]: database });
  const base = part === 'images' ? today : configOfRelease(record, today, data);
  // A service that the other side does not have keeps its own image.
  const there = part === 'images' ? current : record;
  const wanted = part === 'images' ? servicesOf(record, data) : current.services;
  const tags = tagsOf(Object.fromEntries(Object.entries(wanted).filter(([service]) => there.services[service])));
  const tagged = isRecord(base[tagsKey]) ? base[tagsKey] : {};
  const ids = isRecord(base[imagesKey]) ? base[imagesKey] : {};
  return withoutUndefined({
    ...base,
    [tagsKey]: { ...tagged, ...tags },
    [imagesKey]: { ...ids, ...imagesOf({ services: wanted }) },
    [databaseKey]: part === 'images' ? database : base[databaseKey],
  });
}

/** The services that run when a release has come back, with those that stay. */
export function servicesOf(record: ReleaseRecord, { staying }: DataChange): ReleaseRecord['services'] {
  return { ...record.services, ...stayingIn(record, staying) };
}

/**
 * The services of a release that stay as they run now. A name stands for one image, which is that of the release: an image
 * of another one that has the same name goes by its ID.
 */
function stayingIn(record: ReleaseRecord, staying: DataChange['staying'] = {}): ReleaseRecord['services'] {
  const ids = imagesOf(record);
  const stays = Object.entries(staying).filter(([name]) => Object.hasOwn(record.services, name));
  return Object.fromEntries(
    stays.map(([name, service]) => {
      const isNameFree = (ids[service.image] ?? service.imageId) === service.imageId;
      return [name, isNameFree ? service : { ...service, image: service.imageId }];
    }),
  );
}

function tagsOf(services: ReleaseRecord['services']): Record<string, string> {
  return Object.fromEntries(Object.entries(services).map(([name, { image }]) => [name, image]));
}

/**
 * The database's settings in a release that comes back. A restore is no part of a release: one that was done for it then
 * is not done once more, and the latest one stays what it is.
 */
function databaseOf(then: unknown, now: unknown, data: DataChange): unknown {
  // A release from before the setting knows nothing of where its schema stood.
  const settings = isRecord(then) ? then : isRecord(now) ? { ...now, revision: undefined } : undefined;
  if (!settings) return undefined;
  const restore = data.restore ?? (isRecord(now) ? now['restore'] : undefined);
  return withoutUndefined({ ...settings, ...revisionSetting(data.revision), restore });
}

function revisionSetting(revision: DataChange['revision']): ConfigSection {
  if (revision === undefined) return {};
  return { revision: revision === 'head' ? undefined : revision.length === 1 ? revision[0] : revision };
}

/** The configuration that deploys the compose files as they are now, with these tags over today's. */
export function configOfDeploy(
  today: ConfigSection,
  tags: Readonly<Record<string, string>>,
  data: DataChange = {},
): ConfigSection {
  const files = filesOf(today);
  const current = isRecord(today[tagsKey]) ? today[tagsKey] : {};
  const changed = Object.keys(tags).length > 0;
  const database = today[databaseKey];
  // A revision that a revert has set goes with it.
  const revision = data.revision ?? (releaseOf(today) === undefined ? undefined : 'head');
  return withoutUndefined({
    ...today,
    ...(isRecord(database) && { [databaseKey]: withoutUndefined({ ...database, ...revisionSetting(revision) }) }),
    [composeKey]: files,
    [imagesKey]: undefined,
    ...(changed && { [tagsKey]: { ...current, ...tags } }),
  });
}

/** A configuration with the images of the release that it led to, by their ID. */
export function withImages(config: ConfigSection, record: ReleaseRecord): ConfigSection {
  return { ...config, [imagesKey]: imagesOf(record) };
}

function imagesOf({ services }: Pick<ReleaseRecord, 'services'>): Record<string, string> {
  const references = Object.values(services).map(({ image, imageId }) => [image, imageId] as const);
  // An image that is asked for by its ID needs no second one.
  const named = references.filter(([image]) => !image.startsWith('sha256:'));
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutUndefined(config: ConfigSection): ConfigSection {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

function without(config: ConfigSection, keys: readonly string[]): ConfigSection {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
