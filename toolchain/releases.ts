import { fetchText, Unreachable } from './download';
import { versions } from './versions';

/** A release that can be downloaded: it was asked for its list of checksums. */
export interface Release {
  /** Folder of its files, without a slash at the end. */
  readonly url: string;
  /** Lines of `<sha256>  <file name>`. */
  readonly checksums: string;
}

/**
 * Asks whether the pinned release of Pulumi can be downloaded from here: from a mirror named in `REWIND_DOWNLOAD_URL`,
 * else from the official place.
 *
 * @returns the release, or why it cannot be had, as part of a sentence
 */
export async function pulumiRelease(env: NodeJS.ProcessEnv): Promise<Release | string> {
  const official = `https://github.com/pulumi/pulumi/releases/download/v${versions.pulumi}`;
  return findRelease(env, official, `pulumi-${versions.pulumi}-checksums.txt`);
}

/** The same for the pinned release of docker compose. */
export async function composeRelease(env: NodeJS.ProcessEnv): Promise<Release | string> {
  const official = `https://github.com/docker/compose/releases/download/v${versions.compose}`;
  return findRelease(env, official, `${composeAsset()}.sha256`);
}

/** The file name of docker compose for this platform, as its releases name it. */
export function composeAsset(platform: string = process.platform, arch: string = process.arch): string {
  return `docker-compose-${platform}-${{ x64: 'x86_64', arm64: 'aarch64' }[arch] ?? arch}`;
}

/** The mirror that the user named, without a slash at the end; undefined for the official places. */
export function mirrorUrl(env: NodeJS.ProcessEnv): string | undefined {
  return env['REWIND_DOWNLOAD_URL']?.replace(/\/+$/, '') || undefined;
}

async function findRelease(env: NodeJS.ProcessEnv, official: string, list: string): Promise<Release | string> {
  const mirror = mirrorUrl(env);
  if (mirror === 'off') return 'downloads are switched off (REWIND_DOWNLOAD_URL=off)';
  const url = mirror ?? official;
  try {
    return { url, checksums: await fetchText(`${url}/${list}`) };
  } catch (error) {
    if (error instanceof Unreachable) return `it cannot be downloaded (${error.message})`;
    throw error;
  }
}
