import fs from 'node:fs';
import path from 'node:path';
import { RewindError } from '../src/errors';
import { makeFolder } from './artifacts';
import { checksumIn, downloadFile, Unreachable } from './download';
import { LoggedProcessError, runLogged } from './logged-process';
import type { Cache } from './places';
import type { Release } from './releases';
import { versions } from './versions';

/** What is taken out of the release's archive; the rest is for other languages. */
export const engineFiles = ['pulumi', 'pulumi-language-nodejs', 'pulumi-resource-pulumi-nodejs'] as const;

/** The archive of the engine for a platform, as its releases name it. */
export function archiveName(platform: NodeJS.Platform, arch: string): string {
  return `pulumi-v${versions.pulumi}-${platform}-${arch}.tar.gz`;
}

/** The folder of a downloaded engine. */
export function downloadedFolder(cache: Cache): string {
  return path.join(cache.artifacts, `pulumi-${versions.pulumi}-release-${process.platform}-${process.arch}`);
}

/**
 * Downloads the engine, checks it against the release's checksums and unpacks what is needed of it.
 *
 * @returns the folder that holds it
 * @throws Unreachable if it could not be fetched
 * @throws RewindError setup/engine if it is not what it should be
 */
export async function downloadEngine(cache: Cache, release: Release, signal: AbortSignal): Promise<string> {
  const folder = downloadedFolder(cache);
  await makeFolder(folder, async (draft) => {
    const name = archiveName(process.platform, process.arch);
    const sha256 = checksumIn(release.checksums, name);
    if (sha256 === undefined) throw new Unreachable(release.url, `the release has no ${name}`);
    const archive = path.join(draft, name);
    await downloadFile(`${release.url}/${name}`, archive, sha256, signal);
    await unpack(archive, draft, path.join(cache.logs, 'unpack-pulumi.log'), `${release.url}/${name}`);
    fs.rmSync(archive);
  });
  return folder;
}

async function unpack(archive: string, folder: string, logFile: string, url: string): Promise<void> {
  const members = engineFiles.map((file) => `pulumi/${file}`);
  try {
    await runLogged({
      argv: ['tar', '-xzf', archive, '-C', folder, '--strip-components=1', '--no-same-owner', ...members],
      logFile,
    });
  } catch (error) {
    if (!(error instanceof LoggedProcessError)) throw error;
    throw new RewindError({
      code: 'setup/engine',
      message: `${url} does not hold a Pulumi engine (${members.join(', ')}): ${error.tail}`,
      fix: 'If REWIND_DOWNLOAD_URL is set, check that it mirrors the files of Pulumi’s release; else unset it.',
      cause: error,
    });
  }
}
