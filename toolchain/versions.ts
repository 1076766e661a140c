import pinned from './versions.json';
import { parseVersion, type Version } from './version';

/** The versions that Rewind is built and tested with, as `major.minor.patch`. */
export const versions: Readonly<typeof pinned> = pinned;

/** Resource plugins that the components use. Their npm packages have the same versions. */
export const resourcePlugins = ['docker', 'command', 'postgresql'] as const;
export type ResourcePlugin = (typeof resourcePlugins)[number];

/** A pulumi on PATH is used from this version on. */
export const oldestPulumi: Version = parse(pinned.pulumi);

/** A docker compose that is there already is used from this version on: the first with `include` and its siblings. */
export const oldestCompose: Version = { major: 2, minor: 20, patch: 0 };

/** Builds need this Go: the modules of toolchain/ ask for it. */
export const oldestGo: Version = { major: 1, minor: 26, patch: 0 };

function parse(text: string): Version {
  const version = parseVersion(text);
  if (!version) throw new TypeError(`toolchain/versions.json: "${text}" is no version`);
  return version;
}
