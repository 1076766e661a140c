/** A version as the tools print it: `v3.256.0`, `2.39.1-desktop.1`, `go1.26.8`. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Finds the first version in a tool's output; undefined if there is none. A missing patch counts as 0. */
export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** Whether a version is of the same major version as `wanted` and its minor version at least as new. */
export function isCompatible(version: Version, wanted: Version): boolean {
  return version.major === wanted.major && version.minor >= wanted.minor;
}

/** Whether a version is at least as new as `wanted`, across major versions. */
export function isAtLeast(version: Version, wanted: Version): boolean {
  const difference = version.major - wanted.major || version.minor - wanted.minor || version.patch - wanted.patch;
  return difference >= 0;
}

export function formatVersion({ major, minor, patch }: Version): string {
  return `${major}.${minor}.${patch}`;
}
