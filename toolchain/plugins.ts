import fs from 'node:fs';
import path from 'node:path';
import { RewindError } from '../src/errors';
import { linkFile } from './artifacts';
import { isExecutable } from './executables';
import { whyNoGo } from './go-build';
import { LoggedProcessError, runLogged } from './logged-process';
import type { Cache } from './places';
import type { Release } from './releases';
import { type ResourcePlugin, resourcePlugins, versions } from './versions';

/** Where a resource plugin comes from. */
export type PluginSource = 'user' | 'download' | 'build';

const pluginTimeoutMs = 120_000;

/** `resource-docker-v5.2.0`: the folder of a plugin, as the engine looks for it. */
export function pluginFolder(plugin: ResourcePlugin): string {
  return `resource-${plugin}-v${versions[plugin]}`;
}

/** The plugin's program in a PULUMI_HOME. */
export function pluginProgram(pulumiHome: string, plugin: ResourcePlugin): string {
  return path.join(pulumiHome, 'plugins', pluginFolder(plugin), `pulumi-resource-${plugin}`);
}

/** What getting the plugins needs. */
export interface PluginRequest {
  readonly cache: Cache;
  /** The user's own PULUMI_HOME, which is only read. */
  readonly userHome: string;
  /** Asks whether releases can be downloaded here; the answer is why not, if so. Called only if it is needed. */
  readonly release: () => Promise<Release | string>;
  /** A mirror of the plugin archives. @default the official place */
  readonly mirror: string | undefined;
  /** Path of a pulumi that can install plugins. */
  readonly pulumi: string;
  /** The folder of a program of toolchain/builds.json if it has been built. */
  readonly built: (name: string) => string | undefined;
  /** Builds a program of toolchain/builds.json and returns its folder. */
  readonly build: (name: string) => Promise<string>;
  readonly report: (detail: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Puts the plugins of the components into Rewind's PULUMI_HOME: the user's own where they are there, else the official
 * ones where they can be downloaded, else those built here.
 *
 * @returns where each came from
 * @throws RewindError setup/engine
 */
export async function obtainPlugins(request: PluginRequest): Promise<Record<ResourcePlugin, PluginSource>> {
  const sources: Partial<Record<ResourcePlugin, PluginSource>> = {};
  // One after the other: `pulumi plugin install` is short, and the builds are one and the same.
  for (const plugin of resourcePlugins) sources[plugin] = await obtainPlugin(plugin, request);
  return sources as Record<ResourcePlugin, PluginSource>;
}

async function obtainPlugin(plugin: ResourcePlugin, request: PluginRequest): Promise<PluginSource> {
  const { cache, userHome, built, build, report, signal } = request;
  const folder = path.join(cache.pulumiHome, 'plugins', pluginFolder(plugin));
  const usersOwn = path.join(userHome, 'plugins', pluginFolder(plugin));
  if (isComplete(usersOwn, plugin)) {
    const program = `pulumi-resource-${plugin}`;
    if (!isSameFile(path.join(usersOwn, program), path.join(folder, program))) linkFolder(usersOwn, folder);
    return 'user';
  }
  if (isDownloaded(folder, plugin)) return 'download';
  const artifact = built('plugins');
  if (artifact !== undefined) {
    placeBuilt(artifact, folder, plugin);
    return 'build';
  }
  let why = await request.release();
  if (typeof why !== 'string') {
    report(`downloading the ${plugin} plugin ${versions[plugin]}`);
    const failure = await install(plugin, request);
    if (failure === undefined) return 'download';
    signal.throwIfAborted();
    why = `its download failed (${failure})`;
  }
  const noGo = await whyNoGo();
  if (noGo !== undefined) {
    throw new RewindError({
      code: 'setup/engine',
      message: `The Pulumi plugin ${plugin} ${versions[plugin]} cannot be had: ${why}. ${noGo}`,
      fix:
        `Install Go 1.26 or newer (https://go.dev/dl/), or run \`pulumi plugin install resource ${plugin} ` +
        `${versions[plugin]}\` where that is possible and copy ~/.pulumi/plugins/${pluginFolder(plugin)} here.`,
    });
  }
  placeBuilt(await build('plugins'), folder, plugin);
  return 'build';
}

/** Tells a folder that `pulumi plugin install` filled at our bidding. What else lies there is replaced. */
const downloadMark = 'downloaded-by-rewind';

function placeBuilt(artifact: string, folder: string, plugin: ResourcePlugin): void {
  const name = `pulumi-resource-${plugin}`;
  const [from, to] = [path.join(artifact, name), path.join(folder, name)];
  if (isSameFile(from, to)) return;
  fs.mkdirSync(folder, { recursive: true });
  fs.rmSync(path.join(folder, downloadMark), { force: true });
  // By renaming: a plugin that is in use is never missing.
  linkFile(from, to);
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((file) => fs.statSync(file, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

function isDownloaded(folder: string, plugin: ResourcePlugin): boolean {
  return isComplete(folder, plugin) && fs.existsSync(path.join(folder, downloadMark));
}

/** @returns undefined if it is installed, else what went wrong, in one line */
async function install(
  plugin: ResourcePlugin,
  { cache, mirror, pulumi, signal }: PluginRequest,
): Promise<string | undefined> {
  const folder = path.join(cache.pulumiHome, 'plugins', pluginFolder(plugin));
  // Else pulumi finds what an earlier set-up left there, and keeps it.
  removeFolder(folder);
  try {
    await runLogged({
      argv: [
        pulumi,
        ...['plugin', 'install', 'resource', plugin, versions[plugin]],
        ...(mirror === undefined ? [] : ['--server', mirror]),
      ],
      env: { PULUMI_HOME: cache.pulumiHome, PULUMI_SKIP_UPDATE_CHECK: 'true' },
      logFile: path.join(cache.logs, `plugin-${plugin}.log`),
      signal: AbortSignal.any([signal, AbortSignal.timeout(pluginTimeoutMs)]),
    });
    fs.writeFileSync(path.join(folder, downloadMark), '');
    return undefined;
  } catch (error) {
    if (!(error instanceof LoggedProcessError)) throw error;
    return error.tail.split('\n').at(-1) || error.message;
  }
}

function isComplete(folder: string, plugin: ResourcePlugin): boolean {
  return !fs.existsSync(`${folder}.partial`) && isExecutable(path.join(folder, `pulumi-resource-${plugin}`));
}

/** A folder of links to the files of another: the engine overlooks a plugin whose folder itself is a link. */
function linkFolder(from: string, to: string): void {
  emptyFolder(to);
  for (const name of fs.readdirSync(from)) fs.symlinkSync(path.join(from, name), path.join(to, name));
}

function emptyFolder(folder: string): void {
  removeFolder(folder);
  fs.mkdirSync(folder, { recursive: true });
}

/** Removes a plugin's folder with what the engine keeps beside it. */
function removeFolder(folder: string): void {
  for (const suffix of ['', '.partial', '.lock']) fs.rmSync(`${folder}${suffix}`, { recursive: true, force: true });
}
