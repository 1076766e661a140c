import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RewindError } from '../src/errors';
import { run } from '../src/process';
import { makeFolder } from './artifacts';
import { checksumIn, downloadFile, Unreachable } from './download';
import { isExecutable } from './executables';
import { whyNoGo } from './go-build';
import type { Cache } from './places';
import { composeAsset, type Release } from './releases';
import { formatVersion, isAtLeast, parseVersion, type Version } from './version';
import { oldestCompose, versions } from './versions';

/** The docker compose that is used. */
export interface Compose {
  /** The command to put before compose's own arguments. */
  readonly argv: readonly [string, ...string[]];
  /** The program that was built here; undefined if it is Docker's plugin. */
  readonly program?: string;
  /** For people. */
  readonly summary: string;
}

/**
 * The file of Docker's compose plugin, looked up where the docker command does, without starting it.
 *
 * @see https://docs.docker.com/compose/install/linux/ for the folders
 */
export function findComposePlugin(env: NodeJS.ProcessEnv): string | undefined {
  const config = env['DOCKER_CONFIG'] || path.join(env['HOME'] || os.homedir(), '.docker');
  const folders = [
    ...extraFolders(path.join(config, 'config.json')),
    path.join(config, 'cli-plugins'),
    '/usr/local/lib/docker/cli-plugins',
    '/usr/local/libexec/docker/cli-plugins',
    '/usr/lib/docker/cli-plugins',
    '/usr/libexec/docker/cli-plugins',
  ];
  return folders.map((folder) => path.join(folder, 'docker-compose')).find(isExecutable);
}

function extraFolders(configFile: string): string[] {
  try {
    const { cliPluginsExtraDirs } = JSON.parse(fs.readFileSync(configFile, 'utf8')) as Record<string, unknown>;
    return Array.isArray(cliPluginsExtraDirs) ? cliPluginsExtraDirs.filter((dir) => typeof dir === 'string') : [];
  } catch {
    return [];
  }
}

/**
 * Whether Docker's own compose plugin is used.
 *
 * @param version - what `docker compose version` tells; undefined if there is no plugin or it fails
 * @returns undefined if so, else why not, as part of a sentence
 */
export function whyNotPlugin(version: Version | undefined): string | undefined {
  if (!version) return 'docker has no compose plugin';
  if (isAtLeast(version, oldestCompose)) return undefined;
  return `docker compose is ${formatVersion(version)}, older than ${formatVersion(oldestCompose)}`;
}

/** What getting docker compose needs. */
export interface ComposeRequest {
  readonly cache: Cache;
  /** The docker command, if there is one. */
  readonly docker: string | undefined;
  /** The file of its compose plugin, if there is one. */
  readonly plugin: string | undefined;
  /** Asks for the official release; the answer is why it cannot be had, if so. Called only if it is needed. */
  readonly release: () => Promise<Release | string>;
  /** The folder of a program of toolchain/builds.json if it has been built. */
  readonly built: (name: string) => string | undefined;
  /** Builds a program of toolchain/builds.json and returns its folder. */
  readonly build: (name: string) => Promise<string>;
  readonly report: (detail: string) => void;
  readonly signal: AbortSignal;
}

const program = 'docker-compose';

/**
 * Docker's compose plugin if it is new enough, else the official download, else one built here.
 *
 * @throws RewindError setup/engine
 */
export async function obtainCompose(request: ComposeRequest): Promise<Compose> {
  const { cache, docker, plugin, built, build, report, signal } = request;
  const version = plugin === undefined || docker === undefined ? undefined : await pluginVersion(docker);
  const why = whyNotPlugin(version);
  if (why === undefined) {
    return { argv: ['docker', 'compose'], summary: `docker compose ${formatVersion(version!)}` };
  }
  // What an earlier set-up got is kept: no network is asked again.
  const downloaded = downloadedFolder(cache);
  if (fs.existsSync(downloaded)) return standalone(downloaded, 'downloaded');
  const earlier = built(program);
  if (earlier !== undefined) return standalone(earlier, 'built from Go modules');

  let release = await request.release();
  if (typeof release !== 'string') {
    report(why);
    report(`downloading docker compose ${versions.compose}`);
    try {
      return standalone(await download(cache, release, signal), 'downloaded');
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      signal.throwIfAborted();
      release = `its download broke off (${error.message})`;
    }
  }
  const noGo = await whyNoGo();
  if (noGo !== undefined) throw noCompose(`${why}, ${release}. ${noGo}`);
  report(`${why}, ${release}`);
  report(`building docker compose ${versions.compose} from Go modules`);
  return standalone(await build(program), 'built from Go modules');
}

function standalone(folder: string, how: string): Compose {
  const file = path.join(folder, program);
  return { argv: [file], program: file, summary: `docker compose ${versions.compose}, ${how}` };
}

function downloadedFolder(cache: Cache): string {
  return path.join(cache.artifacts, `docker-compose-${versions.compose}-release-${process.platform}-${process.arch}`);
}

/** @throws Unreachable */
async function download(cache: Cache, release: Release, signal: AbortSignal): Promise<string> {
  const folder = downloadedFolder(cache);
  await makeFolder(folder, async (draft) => {
    const name = composeAsset();
    const sha256 = checksumIn(release.checksums, name);
    if (sha256 === undefined) throw new Unreachable(release.url, `the release has no ${name}`);
    const file = path.join(draft, program);
    await downloadFile(`${release.url}/${name}`, file, sha256, signal);
    fs.chmodSync(file, 0o755);
  });
  return folder;
}

function noCompose(why: string): RewindError {
  return new RewindError({
    code: 'setup/engine',
    message: `There is no usable docker compose: ${why}`,
    fix:
      'Install the Docker Compose plugin (https://docs.docker.com/compose/install/linux/; on Debian and Ubuntu with ' +
      'Docker’s packages: apt-get install docker-compose-plugin), or Go 1.26 or newer (https://go.dev/dl/).',
  });
}

async function pluginVersion(docker: string): Promise<Version | undefined> {
  const { stdout, exitCode } = await run([docker, 'compose', 'version', '--short'], { timeoutMs: 30_000 });
  return exitCode === 0 ? parseVersion(stdout) : undefined;
}
