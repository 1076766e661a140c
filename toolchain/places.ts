import os from 'node:os';
import path from 'node:path';

/** The folder that Rewind was cloned or installed to: the one of package.json. */
export const installDir = path.dirname(__dirname);

/** The sources of what is built here: toolchain/ in the clone. */
export const toolchainSources = path.join(installDir, 'toolchain');

/** Where the set-up keeps what it gets. Everything below may be deleted: the next set-up makes it again. */
export interface Cache {
  readonly root: string;
  /** What was downloaded or built, each under its own key. */
  readonly artifacts: string;
  /** Folders of programs for PATH, one per combination of artifacts. */
  readonly toolchains: string;
  /** PULUMI_HOME: plugins, credentials of `pulumi login`, workspaces. Never the user's own ~/.pulumi. */
  readonly pulumiHome: string;
  /** What builds and downloads said. */
  readonly logs: string;
  readonly lockFile: string;
}

/**
 * The cache: `REWIND_CACHE`, else `XDG_CACHE_HOME`/rewind, else ~/.cache/rewind.
 *
 * @param env - environment to read. @default that of this process
 */
export function cachePlaces(env: NodeJS.ProcessEnv = process.env): Cache {
  const base = env['XDG_CACHE_HOME'] || path.join(env['HOME'] || os.homedir(), '.cache');
  const root = path.resolve(env['REWIND_CACHE'] || path.join(base, 'rewind'));
  return {
    root,
    artifacts: path.join(root, 'artifacts'),
    toolchains: path.join(root, 'toolchain'),
    pulumiHome: path.join(root, 'pulumi-home'),
    logs: path.join(root, 'logs'),
    lockFile: path.join(root, 'setup.lock'),
  };
}
