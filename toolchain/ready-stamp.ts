import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keyOf } from './artifacts';
import { findComposePlugin } from './compose';
import { fileIdentity, findExecutable } from './executables';
import { buildKey, readBuilds } from './go-build';
import type { Cache } from './places';
import { pluginProgram } from './plugins';
import { resourcePlugins, versions } from './versions';

/** What a finished set-up found or made, besides Docker and images. */
export interface Tools {
  /** Absolute path of the engine. */
  readonly pulumi: string;
  /** Folders that belong first on PATH. */
  readonly binDirs: readonly string[];
  /** The command to put before docker compose's own arguments. */
  readonly compose: readonly [string, ...string[]];
  /** For people: one line about each. */
  readonly summary: readonly string[];
}

interface Stamp {
  readonly tools: Tools;
  /** Each file that the tools consist of, and what it looked like. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * The user's own PULUMI_HOME, whose plugins are used where they suit, and which is never written.
 *
 * @param cache - Rewind's own, which does not count: an earlier `rewind env` may have put it into the environment
 */
export function usersPulumiHome(env: NodeJS.ProcessEnv, cache: Cache): string {
  const chosen = env['PULUMI_HOME'];
  if (chosen && path.resolve(chosen) !== cache.pulumiHome) return path.resolve(chosen);
  return path.join(env['HOME'] || os.homedir(), '.pulumi');
}

/** A program of the user's own on PATH, leaving out what an earlier `rewind env` put there. */
export function usersProgram(name: string, env: NodeJS.ProcessEnv, cache: Cache): string | undefined {
  return findExecutable(name, env['PATH'], (folder) => folder.startsWith(cache.root + path.sep));
}

/** A key of everything that the set-up's decisions depend on; found out without starting a process. */
export function situationKey(env: NodeJS.ProcessEnv, cache: Cache, sources: string): string {
  const userHome = usersPulumiHome(env, cache);
  return keyOf(
    process.platform,
    process.arch,
    JSON.stringify(versions),
    env['REWIND_DOWNLOAD_URL'] ?? '',
    ...readBuilds(sources).map((build) => buildKey(build, sources)),
    fileIdentity(usersProgram('pulumi', env, cache)),
    fileIdentity(usersProgram('pulumi-language-nodejs', env, cache)),
    ...resourcePlugins.map((plugin) => fileIdentity(pluginProgram(userHome, plugin))),
    fileIdentity(findComposePlugin(env)),
    // The plugin is nothing without the command that it plugs into.
    String(findExecutable('docker', env['PATH']) !== undefined),
  );
}

/** What an earlier set-up in the same situation came to, if it is all still there. */
export function readStamp(cache: Cache, situation: string): Tools | undefined {
  let stamp: Stamp;
  try {
    stamp = JSON.parse(fs.readFileSync(stampFile(cache, situation), 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
  const isIntact = Object.entries(stamp.files).every(([file, identity]) => fileIdentity(file) === identity);
  return isIntact ? stamp.tools : undefined;
}

/** Notes what a set-up came to. */
export function writeStamp(cache: Cache, situation: string, tools: Tools, programs: readonly string[]): void {
  const plugins = resourcePlugins.map((plugin) => pluginProgram(cache.pulumiHome, plugin));
  const files = Object.fromEntries([...programs, ...plugins].map((file) => [file, fileIdentity(file)]));
  const file = stampFile(cache, situation);
  const draft = `${file}.${process.pid}`;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(draft, JSON.stringify({ tools, files } satisfies Stamp));
  fs.renameSync(draft, file);
}

function stampFile(cache: Cache, situation: string): string {
  return path.join(cache.root, 'ready', `${situation}.json`);
}
