import fs from 'node:fs';
import path from 'node:path';
import { RewindError } from '../src/errors';
import { run } from '../src/process';
import { Unreachable } from './download';
import { whyNoGo } from './go-build';
import type { Cache } from './places';
import { downloadedFolder, downloadEngine, engineFiles } from './engine-download';
import type { Release } from './releases';
import { formatVersion, isCompatible, parseVersion, type Version } from './version';
import { oldestPulumi, versions } from './versions';

/** A pulumi that was found on PATH. */
export interface FoundPulumi {
  /** Absolute path. */
  readonly file: string;
  /** Undefined if it does not tell one. */
  readonly version: Version | undefined;
  /** Whether the language host for Node.js is on PATH too. */
  readonly hasLanguageHost: boolean;
}

/** How the set-up comes by something. */
export type Source = 'path' | 'download' | 'build';

/** A decision of the set-up, with its reason for people. */
export interface Choice {
  readonly source: Source;
  readonly reason: string;
}

/**
 * Which engine to use: a suitable one on PATH, else the official download, else one built here.
 *
 * @param found - the pulumi on PATH, if any
 * @param release - the official release, or why it cannot be had
 * @param noGo - why nothing can be built here, if so
 * @throws RewindError setup/engine if there is no way
 */
export function chooseEngine(
  found: FoundPulumi | undefined,
  release: Release | string,
  noGo: string | undefined,
): Choice {
  const unsuitable = whyUnsuitable(found);
  if (unsuitable === undefined) return { source: 'path', reason: `${found!.file} is suitable` };
  if (typeof release !== 'string') return { source: 'download', reason: unsuitable };
  const reason = `${unsuitable}, ${release}`;
  if (noGo === undefined) return { source: 'build', reason };
  throw new RewindError({
    code: 'setup/engine',
    message: `There is no Pulumi engine: ${reason}. ${noGo}`,
    fix:
      `Do one of these: install Pulumi ${formatVersion(oldestPulumi)} or newer (https://www.pulumi.com/docs/install/); ` +
      'let this machine reach the download, by HTTPS_PROXY or by a mirror named in REWIND_DOWNLOAD_URL; ' +
      'or install Go 1.26 or newer (https://go.dev/dl/) and the engine is built here.',
  });
}

/** Why a pulumi on PATH is not used, as part of a sentence; undefined if it is. */
export function whyUnsuitable(found: FoundPulumi | undefined): string | undefined {
  if (!found) return 'there is no pulumi on PATH';
  const wanted = formatVersion(oldestPulumi);
  if (!found.version) return `${found.file} does not tell its version`;
  if (!isCompatible(found.version, oldestPulumi)) {
    return `${found.file} is ${formatVersion(found.version)}, not ${wanted} or a newer ${oldestPulumi.major}.x`;
  }
  if (!found.hasLanguageHost) return `${found.file} has no pulumi-language-nodejs beside it or on PATH`;
  return undefined;
}

/**
 * Looks at a pulumi on PATH. Starts it once to ask for its version.
 *
 * @param file - its path, if there is one
 * @param hasLanguageHost - whether the language host for Node.js is on PATH too
 * @param pulumiHome - where it may write
 */
export async function inspectPulumi(
  file: string | undefined,
  hasLanguageHost: boolean,
  pulumiHome: string,
): Promise<FoundPulumi | undefined> {
  if (file === undefined) return undefined;
  const env = { PULUMI_SKIP_UPDATE_CHECK: 'true', PULUMI_HOME: pulumiHome };
  const { stdout, exitCode } = await run([file, 'version'], { env, timeoutMs: 30_000 });
  return { file, version: exitCode === 0 ? parseVersion(stdout) : undefined, hasLanguageHost };
}

/** What the set-up of the engine needs to know. */
export interface EngineRequest {
  readonly cache: Cache;
  readonly found: FoundPulumi | undefined;
  /** Asks for the official release; the answer is why it cannot be had, if so. Called only if it is needed. */
  readonly release: () => Promise<Release | string>;
  /** The folder of a program of toolchain/builds.json if it has been built. */
  readonly built: (name: string) => string | undefined;
  /** Builds a program of toolchain/builds.json and returns its folder. */
  readonly build: (name: string) => Promise<string>;
  readonly report: (detail: string) => void;
  readonly signal: AbortSignal;
}

/** An engine that is ready to use. */
export interface Engine {
  readonly source: Source;
  /** The programs that belong beside each other on PATH; none if it is the user's own pulumi. */
  readonly programs: readonly string[];
  /** For people: which engine and where it is from. */
  readonly summary: string;
}

/**
 * Gets the engine in the way that {@link chooseEngine} says.
 *
 * @throws RewindError setup/engine
 */
export async function obtainEngine(request: EngineRequest): Promise<Engine> {
  const { cache, found, built, build, report, signal } = request;
  const unsuitable = whyUnsuitable(found);
  if (unsuitable === undefined) {
    return { source: 'path', programs: [], summary: `pulumi ${formatVersion(found!.version!)} (${found!.file})` };
  }
  // What an earlier set-up got is kept: no network is asked again.
  const downloaded = downloadedFolder(cache);
  if (fs.existsSync(downloaded)) return fromRelease(downloaded);
  const [engine, plugins] = [built('pulumi'), built('plugins')];
  if (engine !== undefined && plugins !== undefined) return fromBuild(engine, plugins);

  let release = await request.release();
  if (typeof release !== 'string') {
    report(unsuitable);
    report(`downloading pulumi ${versions.pulumi}`);
    try {
      return fromRelease(await downloadEngine(cache, release, signal));
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      signal.throwIfAborted();
      release = `its download broke off (${error.message})`;
    }
  }
  const { reason } = chooseEngine(found, release, await whyNoGo());
  report(reason);
  const missing = [...(engine ? [] : [`pulumi ${versions.pulumi}`]), ...(plugins ? [] : ['its plugins'])];
  report(`building ${missing.join(' and ')} from Go modules`);
  return fromBuild(...(await Promise.all([build('pulumi'), build('plugins')])));
}

function fromRelease(folder: string): Engine {
  const programs = engineFiles.map((name) => path.join(folder, name));
  return { source: 'download', programs, summary: `pulumi ${versions.pulumi}, downloaded` };
}

function fromBuild(engineFolder: string, pluginsFolder: string): Engine {
  const [pulumi, ...companions] = engineFiles;
  const programs = [path.join(engineFolder, pulumi), ...companions.map((name) => path.join(pluginsFolder, name))];
  return { source: 'build', programs, summary: `pulumi ${versions.pulumi}, built from Go modules` };
}
